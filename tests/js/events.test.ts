/** What happened, as data: the facts of withInfo, the key among them, in the order in which things happened. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import type { CacheEvent } from '../../js/events.js'
import { memory } from '../../js/storage/memory.js'
import { bench, gate } from './harness.js'

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const later = async (bytes: Uint8Array): Promise<Uint8Array> => {
  await new Promise(resolve => setImmediate(resolve))
  return sha256(bytes)
}

test('With eventKeys each event of a call has the key that withInfo tells, whether digests take their time or not, with a storage or without', async () => {
  for (const digest of [sha256, later]) {
    for (const storage of [memory(), false] as const) {
      const events: CacheEvent[] = []
      const { cache, time } = await bench({ storage, eventKeys: true, onEvent: event => events.push(event) }, { digest: () => digest })
      const load = cache.wrap(async (id: number) => ({ id }), { name: 'load', ttl: '1s', swr: '1m' })
      const key = (await load.key(1))!
      assert.equal((await load.withInfo(1)).info.key, key)
      await Promise.all([load(1), load(1), load(2), load(2)])
      await time.advance(2_000)
      await load(1)
      await cache.settled()
      await load.invalidate(1)
      await cache.set('mine', 1)
      await cache.get('mine')
      await cache.get('nothing')
      await cache.settled()
      await new Promise(resolve => setTimeout(resolve, 0))
      const keys = new Map<string, string[]>([[key, []], [(await load.key(2))!, []]])
      for (const event of events) {
        if (event.type === 'storage-error') assert.fail(String(event.error))
        const { key } = event as { key?: string }
        assert.match(key!, /^[0-9a-f]{64}$/, event.type)
        keys.set(key!, [...(keys.get(key!) ?? []), event.type])
      }
      assert.deepEqual([...keys.values()], [
        ['miss', 'computed', 'stored', 'hit', 'hit', 'stale', 'computed', 'stored', 'invalidated'],
        ['miss', 'miss', 'joined', 'computed', 'stored'],
        ['stored', 'hit'],
        ['miss'],
      ])
    }
  }
})

test('The key is that of the call, too, where memory remembers what a prompt is called', async () => {
  const { cache, events } = await bench({ eventKeys: true })
  const ask = cache.wrap(async (prompt: string) => prompt.length, { name: 'ask' })
  const prompts = ['x'.repeat(500), `${'x'.repeat(499)}y`]
  for (const prompt of [...prompts, ...prompts, ...prompts]) await ask(prompt)
  const keys = [await ask.key(prompts[0]!), await ask.key(prompts[1]!)]
  assert.deepEqual(events.filter(({ type }) => type === 'hit').map(event => 'key' in event && event.key), [...keys, ...keys])
})

test('Events come in their order, also those that need no digest', async () => {
  const digests: ReturnType<typeof gate<Uint8Array>>[] = []
  const events: string[] = []
  const { cache } = await bench({ eventKeys: true, onEvent: ({ type }) => events.push(type) }, {
    digest: () => () => {
      const digest = gate<Uint8Array>()
      digests.push(digest)
      return digest.promise
    },
  })
  const first = cache.getOrSet('a', () => 1)
  const second = cache.getOrSet('b', () => 2)
  await Promise.all([first, second])
  await cache.invalidate('all')
  assert.deepEqual(events, [], 'nobody waits for the digest but the events')
  digests[1]!.open(new Uint8Array(32))
  digests[0]!.fail(new Error('no digest today'))
  await new Promise(resolve => setTimeout(resolve, 0))
  assert.deepEqual(events, ['miss', 'miss', 'computed', 'stored', 'computed', 'stored', 'invalidated'])
})

test('Without eventKeys no digest is made for an event', async () => {
  let digests = 0
  const { cache, transcript } = await bench({}, { digest: () => bytes => { digests++; return sha256(bytes) } })
  await cache.getOrSet('a', () => 1)
  await cache.getOrSet('a', () => 1)
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'stored', 'hit:memory'])
  assert.equal(digests, 0)
})
