/** Two storages as one: what is near answers, what is far counts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { OptionError } from '../../js/errors.js'
import { headerOf, headerSize } from '../../js/header.js'
import { fileSystem } from '../../js/storage/file-system.js'
import { memory } from '../../js/storage/memory.js'
import { redis } from '../../js/storage/redis.js'
import type { Storage } from '../../js/storage/storage.js'
import { tiered } from '../../js/storage/tiered.js'
import { storageContract } from '../../js/testing/storage.js'
import { bench, countedStorage, entriesIn, gate, turns, until } from '../js/harness.js'
import { type RedisServer, startRedis } from './redis-server.js'

let server: RedisServer
let folder: string
before(async () => {
  server = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'reprise-tiered-'))
})
after(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

let places = 0
storageContract('tiered, a Map before a Map', async () => {
  const [near, far] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()]
  return { open: () => tiered(memory(near), memory(far)), remove: async () => {} }
}, { test })
storageContract('tiered, a directory before a Redis', async () => {
  const place = `place-${places++}`
  return { open: () => tiered(fileSystem({ directory: join(folder, place) }), redis({ url: server.url, prefix: `${place}:` })), remove: async () => {} }
}, { test })

const key = '1'.padStart(64, '0')
const token = '1'.padStart(16, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

test('What is found far is copied near, and answers from there; tokens are far alone', async () => {
  const [near, far] = [countedStorage(), countedStorage()]
  const storage = tiered(near, far)
  await far.set(key, bytes(1), {})
  await far.set(token, bytes(2), {})
  assert.deepEqual([await storage.get(key), await storage.get(token)], [bytes(1), bytes(2)])
  await storage.close!()
  far.calls.length = 0
  assert.deepEqual([await storage.get(key), await storage.get(token)], [bytes(1), bytes(2)])
  assert.deepEqual([far.calls, [...near.entries.keys()]], [['get'], [key]])
  await storage.set(token, bytes(3), {})
  await storage.delete(key)
  assert.deepEqual([near.entries.size, [...far.entries]], [0, [[token, bytes(3)]]])
})

test('A copy that is on its way near does not come after what is set or deleted meanwhile', async () => {
  for (const meanwhile of ['set', 'delete', 'outdated'] as const) {
    const near = countedStorage()
    const held = gate()
    const slow: Storage = { ...near, set: async (...what) => { await held.promise; await near.set(...what) } }
    const far = memory()
    const storage = tiered(slow, far)
    await far.set(key, bytes(1), {})
    assert.deepEqual(await storage.get(key), bytes(1))
    const done = meanwhile === 'set' ? storage.set(key, bytes(2), {}) : storage[meanwhile]!(key)
    held.open()
    await done
    await storage.close!()
    assert.deepEqual(near.entries.get(key), meanwhile === 'set' ? bytes(2) : undefined, meanwhile)
  }
})

test('An answer of far that was on its way while the key was set, deleted or outdated is not copied', async () => {
  for (const meanwhile of ['set', 'delete', 'outdated'] as const) {
    const [near, far, held] = [countedStorage(), countedStorage(), gate()]
    const slow: Storage = { ...far, get: async key => { const found = await far.get(key); await held.promise; return found } }
    const storage = tiered(near, slow)
    await far.set(key, bytes(1), {})
    const found = storage.get(key)
    await until(() => far.calls.includes('get'))
    // As another process would, before it says so.
    if (meanwhile === 'outdated') await far.set(key, bytes(2), {})
    await (meanwhile === 'set' ? storage.set(key, bytes(2), {}) : storage[meanwhile]!(key))
    held.open()
    assert.deepEqual(await found, bytes(1))
    await storage.close!()
    assert.deepEqual(near.entries.get(key), meanwhile === 'set' ? bytes(2) : undefined, meanwhile)
    assert.deepEqual(await storage.get(key), meanwhile === 'delete' ? undefined : bytes(2), meanwhile)
  }
})

test('What near cannot write takes nothing older for it, and what it cannot delete answers no more until it is written anew', async () => {
  const [near, far, full] = [countedStorage(), countedStorage(), new Error('no space left on device')]
  const errors: unknown[] = []
  let isFull = true
  const storage = tiered({ ...near, set: async (...what) => { if (isFull) throw full; await near.set(...what) } }, far, { onError: error => errors.push(error) })
  near.entries.set(key, bytes(1))
  await storage.set(key, bytes(2), {})
  assert.deepEqual([near.entries.size, await storage.get(key), errors], [0, bytes(2), [full]])
  await storage.close!()

  near.entries.set(key, bytes(1))
  near.failing = true
  await storage.delete(key)
  assert.equal(near.entries.size, 1)
  near.failing = false
  assert.equal(await storage.get(key), undefined, 'a deletion')
  await far.set(key, bytes(3), {})
  isFull = false
  assert.deepEqual(await storage.get(key), bytes(3))
  await storage.close!()
  far.calls.length = 0
  assert.deepEqual([await storage.get(key), far.calls], [bytes(3), []], 'it is copied again')
})

test('A near that cannot be told of ever more changes is given up, and said to be', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [near, held, errors] = [countedStorage(), gate(), [] as unknown[]]
  const storage = tiered({ ...near, delete: () => held.promise }, memory(), { onError: error => errors.push(error) })
  const first = storage.delete(key)
  await turns(1)
  t.mock.timers.tick(100)
  await first
  for (let i = 0; i <= 100_000; i++) await storage.delete(`${i}`.padStart(64, 'd'))
  assert.match(String(errors), /^StorageError: tiered: near could not be told of 100000 changes\. .* clear it before the next start\.$/)
  held.open()
  await turns(1)
  near.entries.set(key, bytes(1))
  await storage.set(key, bytes(2), {})
  assert.deepEqual([await storage.get(key), near.calls], [bytes(2), []])
})

test('Who goes through everything meets copies whose originals far has lost', async () => {
  const [near, far] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()]
  const { cache } = await bench({ storage: tiered(memory(near), memory(far)) })
  const held = (): number => entriesIn({ entries: near }).length
  for (const of of [cache, cache.scope('acme')]) for (const key of ['user:1', 'user:2']) await of.set(key, key)
  await cache.settled()
  for (const [name] of entriesIn({ entries: far })) far.delete(name)
  assert.deepEqual([held(), (await cache.check()).entries], [4, 4])
  await cache.invalidate({ match: '*:1' })
  assert.equal(held(), 3)
  assert.equal((await cache.forget('acme')).forgotten, 2)
  assert.equal(held(), 1)
  await cache.close()
})

test('A near whose writes do not end holds up nobody for long, is handed no more, and is told later what it has missed', { timeout: 10_000 }, async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [near, far, held] = [countedStorage(), countedStorage(), gate()]
  let closed = 0
  const slow: Storage = { ...near, set: async (...what) => { near.calls.push('set'); await held.promise; near.entries.set(what[0], what[1]) } }
  const storage = tiered(slow, { ...far, close: async () => { closed++ } })
  const other = '2'.padStart(64, '0')
  near.entries.set(other, bytes(1))
  const first = storage.set(key, bytes(2), {})
  await turns(1)
  t.mock.timers.tick(1_000)
  await first
  await storage.set(other, bytes(2), {})
  await storage.close!()
  assert.deepEqual([near.calls, closed], [['set'], 1])
  assert.deepEqual([await storage.get(key), await storage.get(other)], [bytes(2), bytes(2)], 'far answers')
  assert.deepEqual(near.calls, ['set'], 'nothing is copied')
  held.open()
  await until(() => !near.entries.has(other))
  assert.deepEqual([await storage.get(key), await storage.get(other)], [bytes(2), bytes(2)])
  await storage.close!()
  assert.deepEqual([...near.entries.values()], [bytes(2), bytes(2)])
})

test('A copy is handed to waitUntil, and one that never ends holds up no reader', async () => {
  const held = gate()
  const near: Storage = { ...memory(), set: () => held.promise }
  const far = countedStorage()
  const handed: Promise<unknown>[] = []
  const storage = tiered(near, far, {
    waitUntil(work) {
      handed.push(work)
      throw new Error('The request has ended.')
    },
  })
  await far.set(key, bytes(1), {})
  assert.deepEqual(await storage.get(key), bytes(1))
  assert.equal(handed.length, 1)
  let ended = false
  void handed[0]!.then(() => (ended = true))
  // As in a Worker whose request has ended, and with it what it was about to do.
  let again: Uint8Array | undefined
  void storage.get(key).then(found => (again = found))
  await until(() => again !== undefined)
  assert.deepEqual([again, far.calls.filter(call => call === 'get').length, ended], [bytes(1), 2, false])
  held.open()
  await until(() => ended)
})

test('What near cannot do is told and costs nothing; what far cannot do fails, and leaves no copy', async () => {
  const [near, far] = [countedStorage(), countedStorage()]
  const errors: unknown[] = []
  const storage = tiered(near, far, { onError: error => errors.push(error) })
  await storage.set(key, bytes(1), {})
  await storage.close!()
  near.failing = true
  assert.deepEqual(await storage.get(key), bytes(1))
  await storage.set(key, bytes(2), {})
  await storage.close!()
  assert.deepEqual(errors.map(error => (error as Error).message), ['the storage cannot get', ...['set', 'delete', 'set', 'delete'].map(what => `the storage cannot ${what}`)])
  near.failing = false
  far.failing = true
  await assert.rejects(storage.set(key, bytes(3), {}), /cannot set/)
  assert.equal(near.entries.size, 0)
  await assert.rejects(storage.get(key), /cannot get/)
  await assert.rejects(storage.delete(key), /cannot delete/)
})

/** The first bytes of an entry are all that is looked at here: when it ends, and something that tells it from others. */
function entryOf(freshUntil: number, staleUntil: number, mark: number): Uint8Array {
  const entry = new Uint8Array(96).fill(mark, headerSize)
  const view = new DataView(entry.buffer)
  view.setUint32(0, 0x53525052, true)
  entry[4] = 1
  for (const [at, time] of [[40, 0], [48, freshUntil], [56, staleUntil]] as const) view.setBigInt64(at, BigInt(time), true)
  assert.deepEqual(headerOf(entry), { created: 0, staleUntil, freshUntil, cost: 0 })
  return entry
}

test('A copy whose time is over hides nothing: far is asked, and what is fresh there is copied', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const [near, far] = [countedStorage(), countedStorage()]
  const storage = tiered(near, far)
  const [first, second] = [entryOf(1_001_000, 1_100_000, 1), entryOf(1_003_000, 1_100_000, 2)]
  await far.set(key, first, {})
  assert.deepEqual(await storage.get(key), first)
  await storage.close!()
  await far.set(key, second, {})
  t.mock.timers.setTime(1_000_999)
  assert.deepEqual(await storage.get(key), first, 'its time is not over yet')
  t.mock.timers.setTime(1_001_000)
  assert.deepEqual(await storage.get(key), second)
  await storage.close!()
  assert.deepEqual(near.entries.get(key), second)
  t.mock.timers.setTime(1_003_000)
  near.calls.length = 0
  assert.deepEqual(await storage.get(key), second, 'far has nothing newer')
  await storage.close!()
  assert.deepEqual(near.calls, ['get'], 'what is over is not copied')
  far.entries.delete(key)
  assert.equal(await storage.get(key), undefined, 'what far has no more is gone')
})

test('Where another process has made an entry anew, its result answers here, and is not made once more', async t => {
  // (Where the clocks of benches begin: copies end by the machine's.)
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const far = new Map<string, Uint8Array>()
  const benches = await Promise.all([1, 2].map(() => bench({ storage: tiered(memory(), memory(far)), memory: { maxBytes: '1MB' } })))
  let runs = 0
  const [a, b] = benches.map(({ cache }) => cache.wrap(async () => ++runs, { name: 'f', ttl: '1s' }))
  assert.deepEqual([await a!(), await benches[0]!.cache.settled(), await b!(), await benches[1]!.cache.settled()], [1, undefined, 1, undefined])
  for (const { clock } of benches) clock.now += 1_000
  t.mock.timers.setTime(1_001_000)
  assert.equal(await a!(), 2)
  await benches[0]!.cache.settled()
  assert.equal(await b!(), 2)
  assert.equal(runs, 2)
  for (const { cache } of benches) await cache.close()
})

test('A near that does not answer costs nothing but the copy: far is asked, and near is left alone until it is heard of', { timeout: 10_000 }, async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const [held, far, errors, asked] = [gate(), countedStorage(), [] as unknown[], [] as string[]]
  const near: Storage = { ...memory(), get: async key => { asked.push(key); await held.promise; return undefined } }
  const storage = tiered(near, far, { onError: error => errors.push(error) })
  await far.set(key, bytes(1), {})
  const found = storage.get(key)
  t.mock.timers.tick(99)
  await turns(1)
  assert.deepEqual(far.calls, ['set'])
  t.mock.timers.tick(1)
  assert.deepEqual(await found, bytes(1))
  assert.match(String(errors), /^StorageError: tiered: near did not answer within 100 ms\./)
  assert.deepEqual([await storage.get(key), asked.length, errors.length], [bytes(1), 1, 1], 'nobody waits again')
  t.mock.timers.tick(10_000)
  const again = storage.get(key)
  assert.equal(asked.length, 2, 'after a while it is tried once more')
  t.mock.timers.tick(100)
  assert.deepEqual(await again, bytes(1))
  held.open()
  await turns(1)
  assert.deepEqual([await storage.get(key), asked.length], [bytes(1), 3], 'it has answered')
})

test('An onError that throws, at once or later, costs nobody anything', async () => {
  for (const onError of [(error: unknown): void => { throw error }, (error: unknown) => Promise.reject(error as Error)]) {
    const [near, far] = [countedStorage(), countedStorage()]
    const storage = tiered(near, far, { onError })
    await far.set(key, bytes(1), {})
    near.failing = true
    assert.deepEqual(await storage.get(key), bytes(1))
    await storage.delete(key)
    await storage.close!()
  }
})

test('What is read may be as late as far is', () => {
  assert.equal(tiered(memory(), { ...memory(), lateMs: 120_000 }).lateMs, 120_000)
  assert.equal(tiered({ ...memory(), lateMs: 120_000 }, memory()).lateMs, undefined, 'tokens are far alone')
})

test('A copy of no bytes, as a damaged one may be, is none', async () => {
  const [near, far] = [countedStorage(), countedStorage()]
  const storage = tiered(near, far)
  await near.set(key, bytes(), {})
  await far.set(key, bytes(1), {})
  assert.deepEqual(await storage.get(key), bytes(1))
  await storage.close!()
  assert.deepEqual(near.entries.get(key), bytes(1))
})

for (const secret of [undefined, 'a secret of 16 bytes or more']) {
  test(`A copy that is damaged, or was invalidated, hides nothing: far answers, and the copy is gone (${secret ? 'authenticated' : 'plain'})`, async () => {
    const [near, far] = [countedStorage(), countedStorage()]
    const open = (storage: Storage) => bench({ ...(secret && { secret }), invalidationLag: 0, storage })
    const elsewhere = await open(far)
    let runs = 0
    const load = (cache: typeof elsewhere.cache) => cache.getOrSet('k', () => ++runs, { tags: ['t'] })
    assert.equal(await load(elsewhere.cache), 1)
    await elsewhere.cache.settled()

    const copied = await open(tiered(near, far))
    assert.equal(await load(copied.cache), 1)
    await copied.cache.close()
    const [[name, copy]] = entriesIn(near) as [[string, Uint8Array]]
    near.entries.set(name, copy.map((byte, i) => (i === copy.length - 40 ? byte ^ 1 : byte)))
    const here = await open(tiered(near, far))
    assert.equal(await load(here.cache), 1, 'a damaged copy')
    const { calls, hits, misses, damaged, badMacs } = here.cache.stats()
    assert.deepEqual({ calls, hits, misses, refused: damaged + badMacs }, { calls: 1, hits: 1, misses: 0, refused: 1 })
    await here.cache.settled()
    assert.deepEqual([near.entries.get(name), far.entries.get(name)], [undefined, copy])
    near.entries.set(name, copy)

    await elsewhere.cache.invalidate({ tag: 't' })
    assert.equal(await load(elsewhere.cache), 2)
    await elsewhere.cache.settled()
    assert.equal(await load(here.cache), 2, 'what was made anew elsewhere')
    await here.cache.settled()
    assert.equal(near.entries.get(name), undefined)

    far.entries.set(name, far.entries.get(name)!.slice(1))
    near.entries.set(name, copy.slice(1))
    for (const { cache } of [here, elsewhere]) await cache.close()
    const last = await open(tiered(near, far))
    assert.equal(await load(last.cache), 3, 'both are damaged')
    await last.cache.settled()
    assert.deepEqual(near.entries.get(name), far.entries.get(name))
    await last.cache.close()

    far.entries.set(name, far.entries.get(name)!.slice(1))
    near.entries.delete(name)
    const once = await open(tiered(near, far))
    assert.equal(await load(once.cache), 4, 'there was no copy')
    assert.equal(once.cache.stats().damaged + once.cache.stats().badMacs, 1, 'it is refused once')
    await once.cache.close()
  })
}

test('Of three, the last one is the original, and all copies are outdated together', async () => {
  const [near, middle, far] = [countedStorage(), countedStorage(), countedStorage()]
  const storage = tiered(near, tiered(middle, far))
  await storage.set(key, bytes(1), {})
  for (const { entries } of [near, middle]) entries.set(key, bytes(0))
  assert.deepEqual([await storage.get(key), await storage.original!(key)], [bytes(0), bytes(1)])
  await storage.outdated!(key)
  assert.deepEqual([near.entries.size, middle.entries.size, await storage.get(key)], [0, 0, bytes(1)])
  await storage.close!()
})

test('check() judges what far has, and copies nothing', async () => {
  const [near, far] = [countedStorage(), new Map<string, Uint8Array>()]
  const { cache } = await bench({ storage: tiered(near, memory(far)) })
  await cache.set('k', 1)
  await cache.settled()
  const [[name, entry]] = entriesIn({ entries: far }) as [[string, Uint8Array]]
  near.entries.set(name, entry.slice(1))
  assert.deepEqual(await cache.check(), { entries: 1, bytes: entry.length, tokens: 1, damaged: 0, expired: 0, invalidated: 0, foreign: 0, removed: 0 })
  near.entries.clear()
  await cache.check()
  await cache.close()
  assert.equal(near.entries.size, 0)
})

test('A tag that another process invalidates far is invalid here, though the copy is near; a key that it sets is seen at once where far carries messages', async () => {
  const far = (): Storage => redis({ url: server.url, prefix: 'whole:' })
  const elsewhere = await bench({ scope: 's', storage: far(), invalidationLag: 0 })
  const near = countedStorage()
  const here = await bench({ scope: 's', storage: tiered(near, far()), invalidationLag: 0 })
  let runs = 0
  const load = (cache: typeof here.cache) => cache.getOrSet('k', () => ++runs, { tags: ['t'] })
  assert.deepEqual([await load(elsewhere.cache), await load(here.cache)], [1, 1])
  await here.cache.settled()
  await until(() => entriesIn(near).length === 1)
  await elsewhere.cache.invalidate({ tag: 't' })
  assert.equal(await load(here.cache), 2)
  await here.cache.settled()
  await elsewhere.cache.set('k', 'set elsewhere')
  for (let i = 0; i < 500 && (await here.cache.get('k')) !== 'set elsewhere'; i++) await turns(1)
  assert.equal(await here.cache.get('k'), 'set elsewhere')
  for (const { cache, events } of [here, elsewhere]) {
    await cache.close()
    assert.deepEqual(events.filter(({ type }) => type === 'storage-error'), [])
  }
})

test('What is no storage is refused at once', () => {
  assert.throws(() => tiered(memory(), undefined as never), (error: Error) => error instanceof OptionError && /^tiered: far: undefined is no storage/.test(error.message))
  assert.throws(() => tiered(memory(), memory(), { onErrors: 1 } as never), OptionError)
  assert.throws(() => tiered(memory(), memory(), { waitUntil: 1 } as never), (error: Error) => error instanceof OptionError && /^tiered: waitUntil: 1 is not a function/.test(error.message))
  assert.equal(tiered(memory(), { ...memory(), shared: true }).shared, true)
})
