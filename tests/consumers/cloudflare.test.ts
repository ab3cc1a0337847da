/** Cloudflare's tools, in their order: wrangler bundles and serves, miniflare and workerd run what it has bundled. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { Miniflare } from 'miniflare'
import { answering, answeringSlim, answersTwice } from './asked.js'
import { announced, ran, served } from './program.js'
import { commandOf, userFolder, versionOf, write } from './tarball.js'

const compatibilityDate = '2026-04-01'

type Modules = { name: string; contents: Uint8Array<ArrayBuffer> }[]

/** A user's worker. */
const worker = {
  'worker.js': `${answering}\n  export default { fetch: () => answer() }\n`,
  'wrangler.jsonc': JSON.stringify({ name: 'asked', main: 'worker.js', compatibility_date: compatibilityDate }),
}

test('wrangler | wrangler dev --local answers, and remembers what it answered', async t => {
  t.diagnostic(`version ${await versionOf('wrangler')}`)
  const folder = await userFolder(t, worker)
  const args = ['dev', '--local', '--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0', '--show-interactive-dev-session=false']
  // On a busy machine it may fall asleep for ever when it starts, as its main thread waits for another; then it is started anew.
  for (let attempt = 1; ; attempt++) {
    const address = await served(t, process.execPath, [commandOf('wrangler'), ...args], { cwd: folder, env: quiet(folder) })
    try {
      return await answersTwice(async () => json(await fetch(address, { signal: AbortSignal.timeout(20_000) })))
    } catch (error) {
      if ((error as Error).name !== 'TimeoutError' || attempt === 3) throw error
    }
  }
})

test('Miniflare | what wrangler deploy has bundled answers, and remembers what it answered', async t => {
  t.diagnostic(`version ${await versionOf('miniflare')}`)
  await answersTwice(await inMiniflare(t, await deployed(t)))
})

async function inMiniflare(t: TestContext, modules: Modules): Promise<() => Promise<unknown>> {
  const miniflare = new Miniflare({ compatibilityDate, modules: modules.map(({ name, contents }) => ({ type: name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule', path: name, contents })) })
  t.after(() => miniflare.dispose())
  return async () => json((await miniflare.dispatchFetch('http://worker/')) as unknown as Response)
}

test('workerd | what wrangler deploy has bundled answers, and remembers what it answered', async t => {
  t.diagnostic(`version ${await versionOf('workerd')}`)
  const modules = await deployed(t)
  const listed = modules.map(({ name }) => `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`)
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)], sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
const worker :Workerd.Worker = (compatibilityDate = "${compatibilityDate}", modules = [${listed.join(', ')}]);
`
  const folder = await userFolder(t, { 'config.capnp': config })
  await write(folder, Object.fromEntries(modules.map(({ name, contents }) => [name, contents])))
  const { port } = await announced<{ port: number }>(t, commandOf('workerd'), ['serve', '--control-fd=3', 'config.capnp'], { cwd: folder })
  await answersTwice(async () => json(await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(30_000) })))
})

test('wrangler | reprise/slim, with the modules that the worker imports', async t => {
  t.diagnostic(`version ${await versionOf('wrangler')}`)
  const imports = "import coreModule from 'reprise/core.wasm'\nimport denseModule from 'reprise/core-dense.wasm'"
  const modules = await deployed(t, { ...worker, 'worker.js': `${answeringSlim(imports, 'coreModule', 'denseModule')}\n  export default { fetch: () => answer() }\n` })
  await answersTwice(await inMiniflare(t, modules))
})

/** What wrangler would send to Cloudflare: the worker first, then its modules of WebAssembly. */
async function deployed(t: TestContext, files = worker): Promise<Modules> {
  const folder = await userFolder(t, files)
  await ran(process.execPath, [commandOf('wrangler'), 'deploy', '--dry-run', '--outdir', 'out'], { cwd: folder, env: quiet(folder) })
  const names = (await readdir(join(folder, 'out'))).filter(name => /\.(js|wasm)$/.test(name)).sort((a, b) => Number(a.endsWith('.wasm')) - Number(b.endsWith('.wasm')))
  assert.equal(names.filter(name => name.endsWith('.wasm')).length, 2, names.join(' '))
  return Promise.all(names.map(async name => ({ name, contents: new Uint8Array(await readFile(join(folder, 'out', name))) })))
}

/** It writes nowhere else, and asks nobody. */
const quiet = (folder: string): Record<string, string> => ({ HOME: folder, XDG_CONFIG_HOME: folder, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' })

async function json(response: Response): Promise<unknown> {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text)
}
