// In real workerd (caches.default, which lists no keys) and in Chromium (a named cache, which does). Deno's is in deno-kv.test.ts.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { webCache } from '../../js/storage/web-cache.js'
import { storageContract } from '../../js/testing/storage.js'
import { cachesInWorkerd, contractInWorkerd, startWorkerd, type Workerd } from './workerd.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

// ---- workerd ------------------------------------------------------------------------------------

let workerd: Workerd
before(async () => {
  workerd = await startWorkerd(`import { webCache } from 'reprise/web-cache'`, `(env, place) => webCache({ baseUrl: 'https://www.example.com/' + place })`)
})
after(() => workerd?.stop())

contractInWorkerd('webCache in workerd', () => workerd)
cachesInWorkerd('webCache in workerd', () => workerd)

test('In workerd, whose caches list no keys, there is neither keys() nor clear()', async () => {
  assert.deepEqual(JSON.parse(await workerd.get('/has')), ['get', 'set', 'delete'])
})

test('In workerd an entry is a response that says until when it may be kept; without an end, a year', async () => {
  const cache = await workerd.defaultCache()
  const control = async (key: string, lifeMs?: number): Promise<string | null> => {
    await workerd.get(`/set?place=headers&key=${key}${lifeMs === undefined ? '' : `&life=${lifeMs}`}`)
    const response = await cache.match(`https://www.example.com/headers/${key}`)
    assert.equal(response?.headers.get('content-type'), 'application/octet-stream')
    await response!.arrayBuffer()
    return response!.headers.get('cache-control')
  }
  assert.equal(await control('a', 9_500), 'public, max-age=10')
  assert.equal(await control('b'), 'public, max-age=31536000')
  assert.equal(await control('c', 1e12), 'public, max-age=31536000')
  assert.equal(await control('0123456789abcdef'), 'public, max-age=31536000')
  await workerd.get('/set?place=headers&key=a&life=0')
  assert.equal(await cache.match('https://www.example.com/headers/a'), undefined, 'what is over takes what was there with it')
})

// ---- Chromium -----------------------------------------------------------------------------------

const page = `
  import { storageContract } from 'reprise/testing/storage'
  import { webCache } from 'reprise/web-cache'
  import { createCache } from 'reprise'
  const bodies = []
  let places = 0
  storageContract('', async () => {
    const name = 'place-' + places++
    return { open: async () => webCache(await caches.open(name)), remove: () => caches.delete(name) }
  }, { test: (name, body) => bodies.push(body) })
  window.contract = (n) => bodies[n]().then(() => '', (error) => String(error?.stack ?? error))
  window.webCache = webCache
  window.createCache = createCache
`

let server: Server
let browser: Browser
let tab: Page
before(async () => {
  const { outputFiles } = await build({ stdin: { contents: page, resolveDir: root, sourcefile: 'page.js' }, bundle: true, write: false, format: 'esm', target: 'es2022', conditions: ['browser'], logLevel: 'silent' })
  server = createServer(({ url }, response) => {
    const isScript = url === '/page.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? outputFiles[0]!.text : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].flatMap(name => folders.map(folder => join(folder, name))).find(existsSync)
  assert.ok(executablePath, 'There is no Chromium on this machine. To do: node scripts/setup.mjs')
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  tab = await browser.newPage()
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await tab.waitForFunction('window.contract !== undefined')
})
after(async () => {
  await browser?.close()
  server?.close()
})

let count = 0
storageContract('webCache in Chromium', async () => assert.fail('it runs in the page'), {
  test(title) {
    const n = count++
    void test(title, async () => assert.equal(await tab.evaluate(`contract(${n})`), ''))
  },
})

test('In Chromium, which keeps what is over, it is removed when it is met', async () => {
  const found = await tab.evaluate(`(async () => {
    const cache = await caches.open('over')
    const storage = webCache(cache)
    const listed = async () => (await cache.keys()).length
    await storage.set('aa', Uint8Array.of(1), { expiresAt: Date.now() + 1e6 })
    await storage.set('bb', Uint8Array.of(2), { expiresAt: Date.now() + 1e6 })
    const now = Date.now
    Date.now = () => now() + 999_000
    const before = [(await storage.get('aa'))?.length, await listed()]
    Date.now = () => now() + 1_003_000
    const after = [await storage.get('aa'), await listed()]
    Date.now = now
    await storage.set('bb', Uint8Array.of(3), { expiresAt: now() })
    return JSON.stringify({ before, after, last: await listed() })
  })()`)
  assert.deepEqual(JSON.parse(found as string), { before: [1, 2], after: [null, 1], last: 0 })
})

test('In Chromium a cache that is made anew finds what another one computed, in the cache named reprise', async () => {
  const found = await tab.evaluate(`(async () => {
    let runs = 0
    const ask = async () => {
      const cache = await createCache({ storage: webCache(), storageDeadline: '20s' })
      const value = await cache.wrap(async (n) => n + ++runs, { name: 'ask' })(10)
      await cache.settled()
      await cache.close()
      return value
    }
    return JSON.stringify([await ask(), await ask(), runs, (await (await caches.open('reprise')).keys()).every(({ url }) => url.startsWith('https://reprise.invalid/'))])
  })()`)
  assert.deepEqual(JSON.parse(found as string), [11, 11, 1, true])
})

// ---- what is given ----------------------------------------------------------------------------------

test('Where there is no Cache API, the storage says so when it is used', async () => {
  await assert.rejects(webCache().get('aa'), /webCache: there is no Cache API here/)
})

test('What is no cache, or no beginning of a URL, is refused at once', () => {
  for (const wrong of [5, 'default', { cache: {} }, { cache: 5 }]) assert.throws(() => webCache(wrong as never), { name: 'OptionError' })
  for (const baseUrl of ['', 'www.example.com', 'ftp://x/', 'https://x/?y', 'https://x/#y', 5]) assert.throws(() => webCache({ baseUrl: baseUrl as never }), /OptionError: webCache: baseUrl/)
  assert.throws(() => webCache({ baseURL: 'https://x/' } as never), /there is no such option/)
})
