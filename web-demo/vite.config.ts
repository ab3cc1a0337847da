import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const inProject = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

export default defineConfig({
  root: inProject('web-demo'),
  base: './',
  build: {
    outDir: inProject('build/web-demo'),
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the page allows no inline script, and every browser that runs the page preloads by itself.
    modulePreload: { polyfill: false },
  },
})
