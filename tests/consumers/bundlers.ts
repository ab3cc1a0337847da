/**
 * Bundlers, each with what its manual's first page says and no setting for this package's sake: no alias, no polyfill, no external. What is
 * bundled is `main.js` of a user's folder; where it is put, with all that it loads, is `out/`.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ownTool, toolFolder, versionOf } from './tarball.js'

export type Target = 'web' | 'node'

export interface Bundler {
  version(): Promise<string>
  /** Answers with the path of the file that begins; a warning is an error. */
  bundle(folder: string, target: Target): Promise<string>
}

export const esbuild: Bundler = {
  version: () => versionOf('esbuild', join(toolFolder('playwright-core'), '../esbuild')),
  async bundle(folder, target) {
    const { build } = ownTool('esbuild') as typeof import('esbuild')
    const platform = target === 'web' ? 'browser' : 'node'
    const { warnings } = await build({ absWorkingDir: folder, entryPoints: ['main.js'], outdir: 'out', bundle: true, splitting: true, minify: true, format: 'esm', platform, logLevel: 'silent', outExtension: { '.js': '.mjs' } })
    assert.deepEqual(warnings, [])
    return join(folder, 'out/main.mjs')
  },
}

export const rollup: Bundler = {
  version: () => versionOf('rollup'),
  async bundle(folder, target) {
    const [{ rollup }, { nodeResolve }] = await Promise.all([import('rollup'), import('@rollup/plugin-node-resolve')])
    const warnings: string[] = []
    const resolve = target === 'web' ? nodeResolve({ browser: true }) : nodeResolve({ exportConditions: ['node'], preferBuiltins: true })
    const bundle = await rollup({ input: join(folder, 'main.js'), plugins: [resolve], ...(target === 'node' ? { external: /^node:/ } : {}), onwarn: ({ message }) => warnings.push(message) })
    try {
      await bundle.write({ dir: join(folder, 'out'), format: 'es', entryFileNames: 'main.mjs', chunkFileNames: '[name]-[hash].mjs' })
    } finally {
      await bundle.close()
    }
    assert.deepEqual(warnings, [])
    return join(folder, 'out/main.mjs')
  },
}

export const webpack: Bundler = {
  version: () => versionOf('webpack'),
  async bundle(folder, target) {
    const { default: webpack } = await import('webpack')
    return packed(folder, target, await promisify<object, Stats>(webpack as never)(packing(folder, target)))
  },
}

export const rspack: Bundler = {
  version: () => versionOf('@rspack/core'),
  async bundle(folder, target) {
    const { rspack } = await import('@rspack/core')
    return packed(folder, target, await promisify<object, Stats>(rspack as never)(packing(folder, target)))
  },
}

interface Stats {
  toJson(options: object): { errors?: { message: string }[]; warnings?: { message: string }[] }
}

function packing(folder: string, target: Target): object {
  // A package.json that says "module" is the user's; what webpack makes for Node is CommonJS.
  const filename = target === 'web' ? '[name].js' : '[name].cjs'
  return { context: folder, mode: 'production', target, entry: './main.js', output: { path: join(folder, 'out'), filename, chunkFilename: filename, clean: true }, performance: { hints: false } }
}

function packed(folder: string, target: Target, stats: Stats): string {
  const { errors = [], warnings = [] } = stats.toJson({ all: false, errors: true, warnings: true })
  assert.deepEqual([...errors, ...warnings].map(({ message }) => message), [])
  return join(folder, target === 'web' ? 'out/main.js' : 'out/main.cjs')
}
