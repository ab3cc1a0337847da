import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { build, type OutputFile } from 'esbuild'

const gz = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length
const root = new URL('../..', import.meta.url).pathname

/** A user's bundle of one entry: the code that starts with it, and what is loaded only when needed. */
async function bundle(condition: string): Promise<{ entry: OutputFile; chunks: OutputFile[] }> {
  const { outputFiles } = await build({
    stdin: { contents: `export { createCache } from 'reprise'`, resolveDir: root },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    outdir: '/out',
    format: 'esm',
    target: 'es2022',
    conditions: [condition],
    external: ['./core.wasm', './core-dense.wasm'],
    logLevel: 'silent',
  })
  const entry = outputFiles.find(({ path }) => path.endsWith('stdin.js'))!
  // A file that the entry and a chunk have in common would be a third one, which everyone loads and nobody counts.
  assert.doesNotMatch(entry.text, /from\s*"\.\/chunk/, 'the entry loads another file at once')
  return { entry, chunks: outputFiles.filter(file => file !== entry) }
}

test('The default entry takes at most 54 KB gzipped, core and all', async t => {
  const { entry, chunks } = await bundle('browser')
  // The core in base64 is loaded by all; the rest is for pages without WebCrypto, for values that are not JSON-like, for scans of keys, and for caches that compress.
  const core = chunks.find(({ path }) => path.includes('/core.wasm'))!
  const dense = chunks.find(({ path }) => path.includes('/core-dense.wasm'))!
  const total = gz(entry.contents) + gz(core.contents)
  t.diagnostic(`browser entry: JS ${gz(entry.contents)} + core as base64 ${gz(core.contents)} = ${total} bytes, gzip -9; in its place, where asked for, core-dense ${gz(dense.contents)}`)
  assert.ok(total <= 54_000, `${total} bytes`)
})

test('JS and wasm as separate files take at most 53 KB gzipped', async t => {
  const js = gz((await bundle('workerd')).entry.contents)
  const wasm = gz(await readFile(new URL('../../dist/core.wasm', import.meta.url)))
  t.diagnostic(`workerd entry: JS ${js} + core.wasm ${wasm} = ${js + wasm} bytes, gzip -9`)
  assert.ok(js + wasm <= 53_000, `${js + wasm} bytes`)
})

test('The core in JavaScript takes at most 8 KB gzipped, in a file that nobody loads who has WebAssembly', async t => {
  const { entry, chunks } = await bundle('browser')
  // XXH3 is nowhere else.
  const withSeals = [entry, ...chunks].filter(({ text }) => text.includes('b8fe6c3923a44bbe'))
  assert.equal(withSeals.length, 1)
  assert.notEqual(withSeals[0], entry)
  const size = gz(withSeals[0]!.contents)
  t.diagnostic(`core in JavaScript: ${size} bytes, gzip -9`)
  assert.ok(size <= 8_000, `${size} bytes`)
})
