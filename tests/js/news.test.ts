/** What others who share the storage have invalidated, told by messages: sooner than it would be asked for, and nothing worse than late where they are lost. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { inspect } from 'node:util'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { kind, loadFor } from '../../js/value.js'
import { bench, countedStorage, turns, until } from './harness.js'

/** A Map that several caches share, and which tells each of them what another publishes. */
function shared(entries = new Map<string, Uint8Array>()) {
  const listeners = new Set<(message: Uint8Array) => void>()
  const messages: Uint8Array[] = []
  const storage: Storage = {
    ...memory(entries),
    async publish(message) {
      messages.push(message.slice())
      for (const listener of listeners) listener(message.slice())
    },
    async subscribe(listener) {
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
  }
  return { storage, messages, listeners }
}

/** Caches that nothing but messages tells what others invalidate. */
async function two(options: { secret?: string } = {}) {
  const { storage, messages, listeners } = shared()
  const caches = [await bench({ storage, invalidationLag: 'forever', ...options }), await bench({ storage, invalidationLag: 'forever', ...options })]
  await until(() => listeners.size === 2)
  return { one: caches[0]!.cache, other: caches[1]!.cache, caches, storage, messages, listeners }
}

test('A tag that one process invalidates is invalid in all others as soon as they have heard of it', async () => {
  const { one, other, messages } = await two()
  for (const cache of [one, other]) assert.equal(await cache.getOrSet('a', () => 1, { tags: ['prices'] }), 1)
  await one.invalidate({ tag: 'prices' })
  await turns()
  assert.equal(await other.getOrSet('a', () => 2, { tags: ['prices'] }), 2)
  assert.equal(messages.length, 1)
  assert.equal(messages[0]!.length, 18, 'it says which tag, by its number, and nothing of what the token is')
})

test('A key that one process sets, forgets or lets grow stale is dropped from the memories of all others', async () => {
  const { one, other } = await two()
  const ask = [one, other].map(cache => cache.wrap(async (request: { id: number; when: Date }) => ({ id: request.id, by: cache === one ? 'one' : 'other' }), { name: 'ask' }))
  // What reads keys is loaded with the first of them.
  await loadFor(kind.cbor)
  const request = { id: 1, when: new Date(5) }
  assert.deepEqual(await ask[0]!(request), { id: 1, by: 'one' })
  assert.deepEqual(await ask[1]!(request), { id: 1, by: 'one' })
  await ask[0]!.invalidate(request)
  await turns()
  assert.deepEqual(await ask[1]!(request), { id: 1, by: 'other' })
  await one.set('k', 1)
  assert.equal(await other.get('k'), 1)
  await one.set('k', 2)
  await turns()
  assert.equal(await other.get('k'), 2)
  assert.equal(await one.get('k'), 2, 'who sent it does not mind it')
  await other.delete('k')
  await turns()
  assert.equal(await one.has('k'), false)
})

test('Whatever can be a key is told as the key that it is', async () => {
  class Id {
    constructor(readonly hex: string) {}
    toJSON(): string {
      return this.hex
    }
  }
  await loadFor(kind.cbor)
  const { one, other } = await two()
  const parts = [{ id: 7 }, new Date(5), new Id('7'), new URLSearchParams('a=1'), { toJSON: () => 7 }, { id: 8, signal: new AbortController().signal }, new Map([[{ a: 1 }, 'b']]), -0, 2n ** 80n, new Float32Array([1, 2])]
  for (const part of parts) {
    const key = ['k', part]
    await one.set(key, 'old')
    assert.equal(await other.get(key), 'old')
    const setting = one.set(key, 'new')
    key[0] = 'changed since'
    await setting
    await turns()
    assert.equal(await other.get(['k', part]), 'new', inspect(part))
  }
})

test('With a secret nothing is told of what was asked, and tags are', async () => {
  const { one, other, messages } = await two({ secret: 'sixteen bytes or more' })
  await one.set('k', 1, { tags: ['t'] })
  await one.delete('k')
  assert.equal(messages.length, 0)
  await other.invalidate({ tag: 't' })
  assert.equal(messages.length, 1)
})

test('Messages that are damaged, made up, or of another format change nothing', async () => {
  const { one, other, messages, storage, caches } = await two()
  await one.set('k', { n: 1 })
  await other.get('k')
  const whole = messages[0]!
  whole[1]! ^= 255 // Somebody else's, so that both hear it.
  for (let length = 0; length < whole.length; length++) await storage.publish!(whole.slice(0, length))
  for (const at of [0, 9, 10, 13]) {
    const other = whole.slice()
    other[at]! ^= 255
    await storage.publish!(other)
  }
  await turns()
  for (const cache of [one, other]) assert.deepEqual(await cache.get('k'), { n: 1 })
  for (const { events } of caches) assert.deepEqual(events.filter(({ type }) => type === 'storage-error' || type === 'uncached'), [])
  await storage.publish!(whole)
  await turns()
  assert.equal(caches[1]!.cache.stats().entries, 0, 'whole it is obeyed')
})

test('A storage that cannot be subscribed to is said once, and is asked again when it is there', async () => {
  const { storage, listeners } = shared()
  let refuses = true
  const { cache, events, time } = await bench({ storage: { ...storage, subscribe: async listener => { if (refuses) throw new Error('nobody may listen'); return storage.subscribe!(listener) }, get: async key => { if (refuses) throw new Error('not today'); return storage.get(key) } } })
  await until(() => events.some(event => event.type === 'storage-error' && event.operation === 'subscribe'))
  for (let i = 0; i < 6; i++) await cache.get(`k${i}`)
  refuses = false
  for (let i = 0; i < 20 && listeners.size === 0; i++) await time.advance(5_000)
  await until(() => listeners.size === 1)
  await cache.close()
  assert.equal(listeners.size, 0, 'and close() ends it')
})

test('Storages without messages are told nothing', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  await cache.set('k', 1)
  await cache.invalidate('all')
  assert.ok(storage.calls.every(call => ['get', 'set', 'delete'].includes(call)))
})

test('What a script changes between its start and its end is told', async () => {
  const { storage, messages } = shared()
  const { cache } = await bench({ storage })
  const deleted = cache.delete('k')
  await cache.close()
  await deleted
  assert.equal(messages.length, 1)
})
