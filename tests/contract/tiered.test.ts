/** Two storages as one: what is near answers, what is far counts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { OptionError } from '../../js/errors.js'
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
  assert.deepEqual(errors.map(error => (error as Error).message), ['the storage cannot get', 'the storage cannot set', 'the storage cannot set'])
  near.failing = false
  far.failing = true
  await assert.rejects(storage.set(key, bytes(3), {}), /cannot set/)
  assert.equal(near.entries.size, 0)
  await assert.rejects(storage.get(key), /cannot get/)
  await assert.rejects(storage.delete(key), /cannot delete/)
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
