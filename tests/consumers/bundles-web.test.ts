/** Bundles for the web: made without a setting for this package's sake, run in Chromium under a strict policy, and with nothing in them that was not imported. */
import assert from 'node:assert/strict'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { answeringSlim, answersTwice, computesOnce, shown, streamed } from './asked.js'
import { type Bundler, esbuild, rollup, rspack, webpack } from './bundlers.js'
import { userFolder, write } from './tarball.js'
import { pageWith, site, visitor } from './visit.js'

test('esbuild | a bundle for the web runs in Chromium under a strict policy, and finds its entry after a reload', t => runsInChromium(t, esbuild))
test('Rollup | a bundle for the web runs in Chromium under a strict policy, and finds its entry after a reload', t => runsInChromium(t, rollup))
test('webpack | a bundle for the web runs in Chromium under a strict policy, and finds its entry after a reload', t => runsInChromium(t, webpack))
test('Rspack | a bundle for the web runs in Chromium under a strict policy, and finds its entry after a reload', t => runsInChromium(t, rspack))

test('webpack | reprise/url: the core is emitted as a file, and compiled while it arrives', t => streams(t, webpack))
test('Rspack | reprise/url: the core is emitted as a file, and compiled while it arrives', t => streams(t, rspack))

test('esbuild | reprise/slim: a page fetches the core itself', async t => {
  t.diagnostic(`version ${await esbuild.version()}`)
  const main = `${answeringSlim('', "fetch('/core.wasm')", "fetch('/core-dense.wasm')")}
    Promise.all([answer(), answer()].map(async (response) => (await response).json())).then((told) => (globalThis.told = told), (error) => (globalThis.told = String(error)))`
  const folder = await bundledSite(t, esbuild, main)
  for (const name of ['core.wasm', 'core-dense.wasm']) await copyFile(join(folder, '../node_modules/reprise/dist', name), join(folder, name))
  const told = (await (await visitor(t, await site(t, folder)))()) as unknown[]
  await answersTwice(async () => told.shift())
})

async function streams(t: TestContext, bundler: Bundler): Promise<void> {
  t.diagnostic(`version ${await bundler.version()}`)
  const folder = await bundledSite(t, bundler, streamed)
  assert.equal((await readdir(folder)).filter(name => name.endsWith('.wasm')).length, 2)
  await computesOnce(await visitor(t, await site(t, folder)), { streamed: 2 })
}

async function runsInChromium(t: TestContext, bundler: Bundler): Promise<void> {
  t.diagnostic(`version ${await bundler.version()}`)
  const folder = await bundledSite(t, bundler, shown())
  await computesOnce(await visitor(t, await site(t, folder)))
  await assertLean(folder)
}

/** A text that the minifier keeps, of each part that only some need. Each is in the file of dist/ that has it: a marker that is nowhere would find nothing. */
const markers = {
  'node.js': ['fileSystem: ', 'node:fs', 'node:async_hooks'],
  'redis.js': ['redis: '],
  'keyv.js': ['keyv: '],
  'unstorage.js': ['unstorage: '],
  'upstash.js': ['upstash: '],
  'deno-kv.js': ['denoKv: '],
  'cloudflare-kv.js': ['cloudflareKv: '],
  'web-cache.js': ['webCache: '],
  'tiered.js': ['tiered: '],
}

test('Each marker of what need not be bundled is in the file that it stands for', async t => {
  const folder = await userFolder(t, {})
  for (const [file, texts] of Object.entries(markers)) {
    const code = await readFile(join(folder, 'node_modules/reprise/dist', file), 'utf8')
    for (const text of texts) assert.ok(code.includes(text), `dist/${file} has no "${text}"`)
  }
})

/** What is not imported is not bundled. */
async function assertLean(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter(file => /\.m?js$/.test(file))
  const code = (await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))).join('\n')
  assert.ok(code.includes('indexedDb: '), 'what is used is in it')
  const fat = Object.values(markers).flat().filter(text => code.includes(text))
  assert.deepEqual(fat, [])
}

test('D19: a bundle for browsers needs no polyfill, no alias and no external, whichever entries it imports, and starts', async t => {
  const { exports } = createRequire(import.meta.url)('../../package.json') as { exports: Record<string, unknown> }
  // Without the one that speaks TCP, which is for servers, and without what is no JavaScript.
  const entries = Object.keys(exports).filter(name => !/\/redis$|\.json$|\.wasm$/.test(name))
  assert.ok(entries.length > 8)
  const imports = entries.map((name, n) => `import * as e${n} from '${name.replace('.', 'reprise')}'`)
  const main = `${imports.join('\n')}\n globalThis.told = [${entries.map((_, n) => `Object.keys(e${n}).length > 0`)}]`
  for (const bundler of [esbuild, rollup]) {
    assert.deepEqual(await started(t, bundler, main), entries.map(() => true))
    // One that does need something is not made, or does not start: these settings hide nothing.
    await assert.rejects(started(t, bundler, "import { inspect } from 'node:util'\nglobalThis.told = inspect(1)"), /node:util/)
    await assert.rejects(started(t, bundler, 'globalThis.told = process.version'), /process is not defined/)
  }
})

/** What a page told. It has no process, no Buffer and no require. */
async function started(t: TestContext, bundler: Bundler, main: string): Promise<unknown> {
  return (await visitor(t, await site(t, await bundledSite(t, bundler, main))))()
}

/** A folder with a page and its bundle. */
async function bundledSite(t: TestContext, bundler: Bundler, main: string): Promise<string> {
  const entry = await bundler.bundle(await userFolder(t, { 'main.js': main }), 'web')
  await write(dirname(entry), { 'index.html': pageWith(`/${basename(entry)}`) })
  return dirname(entry)
}
