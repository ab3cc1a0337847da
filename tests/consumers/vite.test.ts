/** Vite: a site that is built, and the development server, whose client needs no more than the policy of the site allows. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { build, createServer, type InlineConfig } from 'vite'
import { computesOnce, shown, streamed } from './asked.js'
import { userFolder, versionOf } from './tarball.js'
import { pageWith, policy, site, visitor } from './visit.js'

const files = { 'index.html': pageWith('/main.js'), 'main.js': shown() }

const settings = (root: string): InlineConfig => ({ root, configFile: false, logLevel: 'error', clearScreen: false })

test('Vite | a site that is built runs in Chromium under a strict policy, and finds its entry after a reload', async t => {
  t.diagnostic(`version ${await versionOf('vite')}`)
  const folder = await userFolder(t, files)
  await build(settings(folder))
  await computesOnce(await visitor(t, await site(t, join(folder, 'dist'))))
})

test('Vite | a page of the development server, with the package optimized', async t => {
  t.diagnostic(`version ${await versionOf('vite')}`)
  const folder = await userFolder(t, files)
  await computesOnce(await visitor(t, await developed(t, settings(folder))))
})

test('Vite | a page of the development server, with the package as it is', async t => {
  t.diagnostic(`version ${await versionOf('vite')}`)
  const folder = await userFolder(t, files)
  await computesOnce(await visitor(t, await developed(t, { ...settings(folder), optimizeDeps: { exclude: ['reprise'] } })))
})

test('Vite | reprise/url: the core is emitted as a file, and compiled while it arrives; by the development server, too', async t => {
  t.diagnostic(`version ${await versionOf('vite')}`)
  const folder = await userFolder(t, { ...files, 'main.js': streamed })
  await build(settings(folder))
  assert.equal((await readdir(join(folder, 'dist/assets'))).filter(name => name.endsWith('.wasm')).length, 2)
  await computesOnce(await visitor(t, await site(t, join(folder, 'dist'))), { streamed: 2 })
  await computesOnce(await visitor(t, await developed(t, settings(folder))), { streamed: 2 })
})

async function developed(t: test.TestContext, settings: InlineConfig): Promise<string> {
  const server = await createServer({ ...settings, server: { host: '127.0.0.1', port: 0, headers: { 'content-security-policy': policy } } })
  t.after(() => server.close())
  await server.listen()
  return server.resolvedUrls!.local[0]!
}
