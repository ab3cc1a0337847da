// Two copies of the package in one page, as a page has that two of its libraries brought along: each has a core of its own, and both use one IndexedDB.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { installedChromium } from '../contract/chromium.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One copy. `open` makes its cache and says what it did. */
const copy = (name: string): string => `
  import { createCache } from 'reprise'
  globalThis.${name} = async () => {
    const events = []
    const cache = await createCache({ storageDeadline: 'forever', onEvent: event => events.push(event.type + (event.reason ? ':' + event.reason : '')) })
    let runs = 0
    const ask = cache.wrap(async question => question + ' ' + ++runs, { name: 'ask' })
    return { cache, ask, events, runs: () => runs }
  }
`

type Copy = () => Promise<{ cache: { invalidate(what: object): Promise<void>; settled(): Promise<void>; close(): Promise<void> }; ask(question: string): Promise<string>; events: string[]; runs(): number }>
declare global {
  var first: Copy
  var second: Copy
}

let server: Server
let browser: Browser

before(async () => {
  const bundled = async (name: string): Promise<string> =>
    (await build({ stdin: { contents: copy(name), resolveDir: root }, bundle: true, write: false, format: 'esm', target: 'es2022', conditions: ['browser'], logLevel: 'silent' })).outputFiles[0]!.text
  const files = new Map([['/first.js', await bundled('first')], ['/second.js', await bundled('second')]])
  const html = '<!doctype html><title>two</title><link rel="icon" href="data:,"><script type="module" src="/first.js"></script><script type="module" src="/second.js"></script>'
  server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': files.has(url!) ? 'text/javascript' : 'text/html' }).end(files.get(url!) ?? html)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  browser = await chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  server?.close()
})

async function newPage(): Promise<{ page: Page; problems: string[] }> {
  const page = await (await browser.newContext()).newPage()
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return { page, problems }
}

test('Two copies in one page share entries, compute once when both ask, and obey what the other invalidates', async () => {
  const { page, problems } = await newPage()
  const said = await page.evaluate(async () => {
    const [a, b] = [await first(), await second()]
    const together = await Promise.all([a.ask('why'), b.ask('why')])
    await Promise.all([a.cache.settled(), b.cache.settled()])
    const once = a.runs() + b.runs()
    await a.cache.invalidate({ name: 'ask' })
    // A message tells it, well before the five seconds after which it would be asked for.
    for (const began = performance.now(); b.runs() + a.runs() === once && performance.now() - began < 4_000; ) await b.ask('why')
    await a.ask('why')
    return { together, once, runs: a.runs() + b.runs(), troubles: [...a.events, ...b.events].filter(event => /error|uncached/.test(event)) }
  })
  assert.equal(said.together[0], said.together[1])
  assert.deepEqual([said.once, said.runs], [1, 2])
  assert.deepEqual(said.troubles, [])
  assert.deepEqual(problems, [])
})

test('What a copy of a later version has stored is refused, computed and replaced; there is one event for each, and no call fails', async () => {
  const { page, problems } = await newPage()
  const said = await page.evaluate(async () => {
    const a = await first()
    for (let i = 0; i < 5; i++) await a.ask(`question ${i}`)
    await a.cache.close()
    // The fifth byte of an entry is its format.
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open('reprise')
      opening.onsuccess = () => resolve(opening.result)
      opening.onerror = () => reject(opening.error)
    })
    const store = database.transaction('entries', 'readwrite').objectStore('entries')
    const changed = await new Promise<number>(resolve => {
      let count = 0
      store.openCursor().onsuccess = ({ target }) => {
        const cursor = (target as IDBRequest<IDBCursorWithValue | null>).result
        if (cursor === null) return resolve(count)
        if (String(cursor.key).length === 64) {
          const bytes = new Uint8Array(cursor.value as ArrayBuffer)
          if (bytes[4] === 1) count++
          bytes[4] = 2
          cursor.update(bytes.buffer)
        }
        cursor.continue()
      }
    })
    database.close()
    const b = await second()
    const answers: string[] = []
    for (let i = 0; i < 5; i++) answers.push(await b.ask(`question ${i}`))
    await b.cache.close()
    const c = await second()
    for (let i = 0; i < 5; i++) await c.ask(`question ${i}`)
    return { changed, answers, events: b.events.filter(event => /refused|error|uncached/.test(event)), runs: b.runs(), runsOfTheNext: c.runs() }
  })
  assert.deepEqual(said, { changed: 5, answers: [0, 1, 2, 3, 4].map(i => `question ${i} ${i + 1}`), events: Array(5).fill('refused:other-format'), runs: 5, runsOfTheNext: 0 })
  assert.deepEqual(problems, [])
})
