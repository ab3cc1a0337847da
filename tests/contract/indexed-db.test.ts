// IndexedDB in a real Chromium.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { indexedDb } from '../../js/storage/indexed-db.js'
import { storageContract } from '../../js/testing/storage.js'
import { type Chromium, newProfile, newTab, type Site, startChromium, startSite, type Tab } from './chromium.js'

let site: Site
let chromium: Chromium
let profile: Awaited<ReturnType<typeof newProfile>>
let tab: Tab

before(async () => {
  ;[site, profile] = await Promise.all([startSite(), newProfile()])
  chromium = await startChromium(profile.path)
  tab = await newTab(chromium.context, site)
})

after(async () => {
  await chromium?.close()
  site?.close()
  await profile?.remove()
})

// The names of the contract's tests; their bodies are in the page.
storageContract('IndexedDB', () => Promise.reject(new Error('it is run in the page')), {
  test: name =>
    void test(name, async () => {
      const problem = await tab.page.evaluate(name => kit.contract.get(name)!().then(() => '', String), name)
      assert.equal(problem, '')
      assert.deepEqual(tab.problems, [])
    }),
})

test('What is asked for in one tick is one transaction for reads and one, relaxed, for writes', async () => {
  const { page } = await newTab(chromium.context, site)
  const counts = await page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'ticks' })
    await storage.get(kit.key(0))
    const counts = kit.counted()
    const keys = Array.from({ length: 64 }, (_, i) => kit.key(i))
    await Promise.all([...keys.map((key, i) => storage.set(key, Uint8Array.of(i), {})), storage.add!(kit.key(65), Uint8Array.of(65)), storage.delete(kit.key(66))])
    const found = await Promise.all(keys.map(storage.get))
    return { ...counts, found: found.filter((bytes, i) => bytes?.length === 1 && bytes[0] === i).length }
  })
  assert.deepEqual(counts, { 'readwrite relaxed': 1, 'readonly relaxed': 1, found: 64 })
})

test('An add that comes too late takes nothing along of what was asked for with it', async () => {
  const found = await tab.page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'company' })
    await storage.set('a'.repeat(16), Uint8Array.of(1), {})
    const [, added, , other] = await Promise.all([storage.set(kit.key(1), Uint8Array.of(2), {}), storage.add!('a'.repeat(16), Uint8Array.of(9)), storage.set(kit.key(2), Uint8Array.of(3), {}), storage.add!('b'.repeat(16), Uint8Array.of(4))])
    return { added, other, all: await Promise.all(['a'.repeat(16), kit.key(1), kit.key(2), 'b'.repeat(16)].map(async key => [...(await storage.get(key))!])) }
  })
  assert.deepEqual(found, { added: false, other: true, all: [[1], [2], [3], [4]] })
  assert.deepEqual(tab.problems, [])
})

test('Reads one after the other do not hold up a write: each tick has a transaction of its own', async () => {
  const counts = await tab.page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'chain' })
    await storage.set(kit.key(0), Uint8Array.of(1), {})
    const counts = kit.counted()
    for (let i = 0; i < 5; i++) await storage.get(kit.key(0))
    return counts
  })
  assert.deepEqual(counts, { 'readonly relaxed': 5 })
})

test('keys() lists more than fits in one look, each once', async () => {
  const [listed, different] = await tab.page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'many' })
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => storage.set(kit.key(i), Uint8Array.of(1), {})))
    const keys: string[] = []
    for await (const key of storage.keys!()) keys.push(key)
    return [keys.length, new Set(keys).size]
  })
  assert.deepEqual([listed, different], [2_500, 2_500])
})

test('invalidate({ match }) finds keys that only IndexedDB holds', async () => {
  const left = await tab.page.evaluate(async () => {
    const first = await kit.session({ database: 'match' })
    for (const name of ['user:1', 'user:2', 'post:1']) await first.cache.set(name, name, { ttl: '1h' })
    await first.cache.close()
    const second = await kit.session({ database: 'match' })
    const found = await second.cache.invalidate({ match: 'user:*' })
    const third = await kit.session({ database: 'match' })
    return { found, left: await Promise.all(['user:1', 'user:2', 'post:1'].map(name => third.cache.get(name))) }
  })
  assert.deepEqual(left.left, [undefined, undefined, 'post:1'])
})

test('200 MB go in and come back, as they were', async () => {
  const found = await tab.page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'large' })
    const large = kit.random(200_000_000)
    await storage.set(kit.key(1), large, {})
    const found = (await storage.get(kit.key(1)))!
    let wrong = 0
    for (let i = 0; i < large.length; i++) if (found[i] !== large[i]) wrong++
    return { length: found.length, wrong, plain: Object.getPrototypeOf(found) === Uint8Array.prototype, whole: found.buffer.byteLength, keeps: large.length }
  })
  assert.deepEqual(found, { length: 200_000_000, wrong: 0, plain: true, whole: 200_000_000, keeps: 200_000_000 })
})

test('What is stored are ArrayBuffers of the bytes alone', async () => {
  const sizes = await tab.page.evaluate(async () => {
    const storage = kit.indexedDb({ database: 'bytes' })
    await Promise.all([storage.set(kit.key(1), new Uint8Array(1_000_000).subarray(10, 20), {}), storage.set(kit.key(2), new Uint8Array(30), {})])
    const opened = await kit.done(indexedDB.open('bytes'))
    const found = await kit.done(opened.transaction('entries').objectStore('entries').getAll())
    opened.close()
    return found.map(value => (value instanceof ArrayBuffer ? value.byteLength : `no ArrayBuffer`))
  })
  assert.deepEqual(sizes, [10, 30])
})

test('A name that is none is refused at once', () => {
  for (const database of ['', 5] as never[]) assert.throws(() => indexedDb({ database }), /^OptionError: indexedDb: database: /)
  assert.throws(() => indexedDb({ databse: 'x' } as never), /^OptionError: indexedDb: databse: there is no such option\. Known ones: database\./)
  for (const options of [null, 'x'] as never[]) assert.throws(() => indexedDb(options), /^OptionError: indexedDb: .* is not an object of options/)
})
