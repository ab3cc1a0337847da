/** Vercel's edge runtime, which makes no code from strings and compiles nothing from bytes: what is imported as `?module` is handed to it compiled. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test from 'node:test'
import { EdgeRuntime } from 'edge-runtime'
import type { Plugin } from 'esbuild'
import { answering, answersTwice } from './asked.js'
import { ownTool, userFolder, versionOf } from './tarball.js'

test('edge-runtime | a function answers, and remembers what it answered', async t => {
  t.diagnostic(`version ${await versionOf('edge-runtime')}`)
  const folder = await userFolder(t, { 'edge.js': `${answering}\n addEventListener('fetch', (event) => event.respondWith(answer()))` })
  const wasm: Record<string, WebAssembly.Module> = {}
  // What Vercel's own bundler does: the file becomes a global, which is a module.
  const modules: Plugin = {
    name: 'modules',
    setup(build) {
      build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace('?module', '')), namespace: 'module' }))
      build.onLoad({ filter: /.*/, namespace: 'module' }, async ({ path }) => {
        const name = `wasm_${basename(path).replace(/\W/g, '_')}`
        wasm[name] = await WebAssembly.compile(await readFile(path))
        return { contents: `export default ${name}` }
      })
    },
  }
  const { build } = ownTool('esbuild') as typeof import('esbuild')
  const { outputFiles, warnings } = await build({ absWorkingDir: folder, entryPoints: ['edge.js'], bundle: true, write: false, format: 'iife', target: 'es2022', conditions: ['edge-light'], plugins: [modules], logLevel: 'silent' })
  assert.deepEqual(warnings, [])
  assert.deepEqual(Object.keys(wasm).sort(), ['wasm_core_dense_wasm', 'wasm_core_wasm'])
  const runtime = new EdgeRuntime({ initialCode: outputFiles[0]!.text, codeGeneration: { strings: false, wasm: false }, extend: context => Object.assign(context, wasm) })
  await assert.rejects(async () => runtime.evaluate('WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))'), /disallowed by embedder/)
  await answersTwice(async () => {
    const response = await runtime.dispatchFetch('http://edge/')
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text)
  })
})
