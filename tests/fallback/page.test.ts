// A page in a real Chromium whose policy forbids WebAssembly, and one of the same site whose policy allows it: they share an IndexedDB.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { installedChromium } from '../contract/chromium.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

const script = `
  import { createCache } from 'reprise'

  const events = []
  const cache = await createCache({ storageDeadline: 'forever', onEvent: (event) => events.push(event) })
  let runs = 0
  const make = cache.wrap(async (kind) => {
    runs++
    if (kind === 'bytes') return new Uint8Array(200_000).fill(7)
    if (kind === 'map') return new Map([[1, 'one'], [2, new Date(5)]])
    return { kind, text: 'é'.repeat(300), list: [1, 2.5, null] }
  }, { name: 'make', ttl: '1h', tags: ['made'] })

  const shown = (value) => value instanceof Uint8Array ? value.length + ' of ' + value[199_999] : JSON.stringify(value instanceof Map ? [...value] : value)
  globalThis.ask = async (kind) => {
    const { value, info } = await make.withInfo(kind)
    await cache.settled()
    return { value: shown(value), from: info.tier ?? 'computed' }
  }
  globalThis.forget = () => cache.invalidate({ tag: 'made' })
  globalThis.told = () => ({ runs, stats: cache.stats(), unusual: events.filter(({ type }) => ['fallback', 'uncached', 'refused', 'storage-error'].includes(type)).map(({ type, why, error }) => ({ type, why, error: String(error) })) })
`

interface Kit {
  ask(kind: string): Promise<{ value: string; from: string }>
  forget(): Promise<void>
  told(): { runs: number; stats: { hits: number; misses: number; core: { memory: number } }; unusual: { type: string; why: string; error: string }[] }
}

const kinds = ['object', 'bytes', 'map']

let server: Server
let browser: Browser
let context: BrowserContext
let origin: string
const served: string[] = []

before(async () => {
  const { outputFiles } = await build({ stdin: { contents: script, resolveDir: root, sourcefile: 'page.js' }, bundle: true, splitting: true, write: false, outdir: '/out', format: 'esm', target: 'es2022', conditions: ['browser'], logLevel: 'silent' })
  const files = new Map(outputFiles.map(({ path, text }) => [`/${basename(path)}`, text]))
  server = createServer((request, response) => {
    const path = request.url!
    const file = files.get(path)
    if (file !== undefined) {
      served.push(path)
      return response.writeHead(200, { 'content-type': 'text/javascript' }).end(file)
    }
    const policy = path === '/with-wasm' ? "script-src 'self' 'wasm-unsafe-eval'" : "script-src 'self'"
    return response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }).end('<!doctype html><title>page</title><script type="module" src="/stdin.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] })
})

beforeEach(async () => {
  context = await browser.newContext()
})

afterEach(() => context.close())

after(async () => {
  await browser?.close()
  server?.close()
})

async function open(path: '/with-wasm' | '/without-wasm'): Promise<Page> {
  const page = await context.newPage()
  await page.goto(origin + path)
  await page.waitForFunction(() => 'told' in globalThis)
  return page
}

const ask = (page: Page, kind: string): Promise<{ value: string; from: string }> => page.evaluate(kind => (globalThis as unknown as Kit).ask(kind), kind)
const told = (page: Page): Promise<ReturnType<Kit['told']>> => page.evaluate(() => (globalThis as unknown as Kit).told())

test('Under script-src self a page caches all the same, in memory and over a reload, and one event says how', async () => {
  const page = await open('/without-wasm')
  const values: string[] = []
  for (const kind of kinds) {
    const first = await ask(page, kind)
    values.push(first.value)
    assert.equal(first.from, 'computed')
    assert.deepEqual(await ask(page, kind), { ...first, from: 'memory' })
  }
  const { runs, stats, unusual } = await told(page)
  assert.deepEqual([runs, stats.hits, stats.misses], [3, 3, 3])
  assert.equal(unusual.length, 1)
  assert.equal(unusual[0]!.type, 'fallback')
  assert.match(unusual[0]!.why, /its core in JavaScript.*Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy\.$/)
  assert.match(unusual[0]!.error, /^CompileError/)
  await page.reload()
  await page.waitForFunction(() => 'told' in globalThis)
  for (const [i, kind] of kinds.entries()) {
    assert.deepEqual(await ask(page, kind), { value: values[i]!, from: 'storage' })
    assert.deepEqual(await ask(page, kind), { value: values[i]!, from: 'memory' })
  }
  assert.equal((await told(page)).runs, 0)
})

for (const [writes, reads] of [['/without-wasm', '/with-wasm'], ['/with-wasm', '/without-wasm']] as const) {
  test(`What a page at ${writes} wrote one at ${reads} finds, and what is invalidated there is not found here`, async () => {
    const [writer, reader] = [await open(writes), await open(reads)]
    for (const kind of kinds) {
      const { value } = await ask(writer, kind)
      assert.deepEqual(await ask(reader, kind), { value, from: 'storage' })
    }
    const { runs, unusual } = await told(reader)
    assert.equal(runs, 0)
    assert.deepEqual(unusual.map(({ type }) => type), reads === '/without-wasm' ? ['fallback'] : [])
    await reader.evaluate(() => (globalThis as unknown as Kit).forget())
    const later = await open(writes)
    for (const kind of kinds) assert.equal((await ask(later, kind)).from, 'computed')
  })
}

test('Only the page that must loads the core in JavaScript', async () => {
  served.length = 0
  await ask(await open('/with-wasm'), 'object')
  assert.deepEqual(served.filter(path => path.includes('fallback')), [])
  await ask(await open('/without-wasm'), 'object')
  assert.equal(served.filter(path => path.includes('fallback')).length, 1)
})
