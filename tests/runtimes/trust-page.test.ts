// A cache with a secret in a real Chromium: its WebCrypto, its IndexedDB, and somebody who edits that.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'

const root = fileURLToPath(new URL('../..', import.meta.url))

const script = `
  import { createCache, indexedDb } from 'reprise'

  const options = (encrypt) => ({ storage: indexedDb({ database: 'trust-' + encrypt }), secret: 'a secret of 16 bytes or more', encrypt, storageDeadline: 'forever' })

  function entries(database, mode, act) {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(database)
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const transaction = opening.result.transaction('entries', mode)
        const found = act(transaction.objectStore('entries'))
        transaction.oncomplete = () => { opening.result.close(); resolve(found?.result) }
        transaction.onabort = () => reject(transaction.error)
      }
    })
  }

  globalThis.run = async (encrypt) => {
    const database = 'trust-' + encrypt
    const writer = await createCache(options(encrypt))
    await writer.set('key', 'needle')
    await writer.scope('acme').set('key', 'theirs')
    await writer.close()
    const all = await entries(database, 'readonly', (store) => store.getAll())
    const shows = all.some((bytes) => new TextDecoder('latin1').decode(bytes).includes('needle'))
    const second = await createCache(options(encrypt))
    const found = await second.get('key')
    const { forgotten } = await second.forget('acme')
    await second.close()
    const name = (await entries(database, 'readonly', (store) => store.getAllKeys())).find((name) => name.length === 64)
    const entry = await entries(database, 'readonly', (store) => store.get(name))
    new Uint8Array(entry)[entry.byteLength >> 1] ^= 1
    await entries(database, 'readwrite', (store) => store.put(entry, name))
    const third = await createCache(options(encrypt))
    const { damaged } = await third.check({ repair: false })
    const edited = await third.get('key')
    const { badMacs } = third.stats()
    return { shows, found, forgotten, damaged, edited: edited ?? null, badMacs }
  }
  globalThis.insecure = async () => ({ subtle: typeof crypto.subtle, said: await createCache({ storage: false, secret: 'a secret of 16 bytes or more', encrypt: true }).then(() => 'nothing', String) })
`

let server: Server
let browser: Browser
let port: number

before(async () => {
  const { outputFiles } = await build({ stdin: { contents: script, resolveDir: root }, bundle: true, write: false, format: 'esm', target: 'es2022', conditions: ['browser'], logLevel: 'silent' })
  server = createServer((request, response) => {
    const isPage = request.url === '/'
    response.writeHead(200, { 'content-type': isPage ? 'text/html' : 'text/javascript' }).end(isPage ? '<!doctype html><title>trust</title><script type="module" src="/page.js"></script>' : outputFiles[0]!.text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path))
  assert.ok(executablePath !== undefined, 'There is no Chromium on this machine. To do: node scripts/setup.mjs')
  // Pages of this host are not secure, whatever the address is.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--host-resolver-rules=MAP insecure.test 127.0.0.1'] })
})

after(async () => {
  await browser?.close()
  server?.close()
})

test('A page authenticates and encrypts by WebCrypto; what was edited in IndexedDB is refused, found by check(), and a tenant is forgotten', async () => {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${port}/`)
  for (const encrypt of [false, true]) {
    const said = await page.evaluate(encrypt => (globalThis as unknown as { run(encrypt: boolean): Promise<unknown> }).run(encrypt), encrypt)
    assert.deepEqual(said, { shows: !encrypt, found: 'needle', forgotten: 1, damaged: 1, edited: null, badMacs: 1 })
  }
})

test('A page that did not come over https has no AES, which is said when the cache is made; it authenticates all the same', async () => {
  const page = await browser.newPage()
  await page.goto(`http://insecure.test:${port}/`)
  const { subtle, said } = await page.evaluate(() => (globalThis as unknown as { insecure(): Promise<{ subtle: string; said: string }> }).insecure())
  assert.equal(subtle, 'undefined')
  assert.match(said, /^OptionError: encrypt: there is no AES here: a page has WebCrypto only if it came over https\./)
  const answer = await page.evaluate(() => (globalThis as unknown as { run(encrypt: boolean): Promise<unknown> }).run(false))
  assert.deepEqual(answer, { shows: true, found: 'needle', forgotten: 1, damaged: 1, edited: null, badMacs: 1 })
})
