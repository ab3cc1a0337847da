/** What can be done with entries besides calling: look, forget, let grow stale; one of them, or a group; here and across caches of one storage. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Cache } from '../../js/cache.js'
import { KeyError, OptionError } from '../../js/errors.js'
import { seal } from '../../js/fallback/seal.js'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, entriesIn, gate, turns } from './harness.js'

/** Ways to forget, or let grow stale, the result of `load('x')`, which has the tag `t`, within scope `acme`. */
const ways: [string, (cache: Cache, load: { invalidate(id: string): Promise<void>; expire(id: string): Promise<void> }, verb: 'invalidate' | 'expire') => Promise<unknown>][] = [
  ['key', (_, load, verb) => load[verb]('x')],
  ['name', (cache, _, verb) => cache.scope('acme')[verb]({ name: 'load' })],
  ['tag', (cache, _, verb) => cache.scope('acme')[verb]({ tag: 't' })],
  ['scope', (cache, _, verb) => cache[verb]({ scope: 'acme' })],
  ['all of the scope', (cache, _, verb) => cache.scope('acme')[verb]('all')],
  ['all of the scope around it', (cache, _, verb) => cache[verb]('all')],
]

for (const [how, act] of ways) {
  test(`invalidate by ${how} kills, expire lets grow stale: in memory, in storage, and in another cache of that storage`, async () => {
    for (const verb of ['invalidate', 'expire'] as const) for (const stale of [true, false]) for (const storage of [undefined, memory()]) {
      const options = { name: 'load', ttl: '1d', tags: ['t'], staleIfError: stale ? '1h' : 0 } as const
      const make = (cache: Cache) => {
        const state = { fails: false, value: 'old' }
        const load = cache.scope('acme').wrap(async (_: string) => { if (state.fails) throw new Error('down'); return state.value }, options)
        return { state, load }
      }
      const one = await bench({ ...(storage && { storage }) })
      const two = storage && (await bench({ storage, clock: one.time, invalidationLag: 0 }))
      const [here, there] = [make(one.cache), two && make(two.cache)]
      assert.deepEqual([await here.load('x'), await here.load('y')], ['old', 'old'])
      await one.cache.settled()
      if (there !== undefined) assert.equal(await there.load('x'), 'old')
      await act(one.cache, here.load, verb)
      const survives = verb === 'expire' && stale
      for (const side of [here, ...(how === 'key' || there === undefined ? [] : [there])]) {
        assert.equal(await side.load.peek('x'), undefined)
        side.state.fails = true
        const { status, value } = await side.load.withInfo('x').then(({ info, value }) => ({ status: info.status, value }), () => ({ status: 'failed', value: undefined }))
        assert.deepEqual([status, value], survives ? ['error-stale', 'old'] : ['failed', undefined], `${how}, ${verb}, stale ${stale}, storage ${storage !== undefined}`)
        side.state.fails = false
      }
      here.state.value = 'new'
      assert.equal(await here.load('x'), 'new')
      assert.equal(await here.load('x'), 'new')
      assert.equal((await here.load.withInfo('y')).info.status, how === 'key' ? 'hit' : 'miss', 'the others')
      await one.cache.settled()
      if (storage === undefined) continue
      const later = make((await bench({ storage, clock: one.time })).cache)
      assert.equal(await later.load('x'), 'new')
    }
  })
}

test('What only storage has is let grow stale there, too', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const make = (cache: Cache, run: () => string) => cache.wrap(async (_: string) => run(), { name: 'load', ttl: '1d', swr: '1h' })
  await make(one.cache, () => 'old')('x')
  await one.cache.settled()
  const two = await bench({ storage, clock: one.time })
  await make(two.cache, () => 'two').expire('x')
  const three = await bench({ storage, clock: one.time })
  const load = make(three.cache, () => 'new')
  assert.equal((await load.withInfo('x')).info.status, 'stale')
  await three.cache.settled()
  assert.equal(await load('x'), 'new')
})

test('While an entry is being made stale in storage, it answers nobody as fresh', async () => {
  for (const staleIfError of [0, '1h'] as const) {
    const storage = memory()
    let runs = 0
    const open = async () => (await bench({ storage })).cache.wrap(async (_: number) => ++runs, { name: 'load', staleIfError })
    await (await open())(1)
    const load = await open()
    const expiry = load.expire(1)
    assert.equal(await load(1), 2)
    await expiry
    assert.equal(await load(1), 2, 'and what was made meanwhile is kept')
  }
})

test('invalidationLag: an invalidation elsewhere is obeyed within it, at once where it is 0, and never asked for where it is for ever', async () => {
  for (const [lag, before, after] of [[5_000, 4_999, 5_000], [60_000, 59_999, 60_000], [0, undefined, 0], ['forever', 10 ** 9, undefined]] as const) {
    const storage = memory()
    const one = await bench({ storage })
    const two = await bench({ storage, clock: one.time, invalidationLag: lag })
    await one.cache.set('a', 'old', { tags: ['t'] })
    assert.equal(await two.cache.get('a'), 'old')
    await one.cache.invalidate({ tag: 't' })
    if (before !== undefined) {
      one.time.set(one.time.now() + before)
      assert.equal(await two.cache.get('a'), 'old', `${lag} before`)
      // (Past half of it others are asked in the background, so that nobody waits.)
      await turns()
    }
    if (after === undefined) continue
    one.time.set(one.time.now() + 1)
    assert.equal(await two.cache.get('a'), undefined, `${lag} after`)
  }
})

test('invalidationLag: one small read each time, however many tags and calls there are', async () => {
  const storage = countedStorage()
  const { cache, time } = await bench({ storage })
  for (let i = 0; i < 20; i++) await cache.set(`${i}`, i, { tags: [`t:${i}`] })
  time.set(time.now() + 5_000)
  await cache.get('0')
  storage.calls.length = 0
  for (let round = 0; round < 3; round++) {
    time.set(time.now() + 5_000)
    await Promise.all(Array.from({ length: 20 }, (_, i) => cache.get(`${i}`)))
  }
  assert.deepEqual(storage.calls, ['get', 'get', 'get'])
})

test('peek: the fresh result of memory or storage, nothing stale, and nothing is run, counted or reported', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const make = (cache: Cache) => cache.wrap(async (n: number): Promise<{ n: number }> => ({ n }), { name: 'load', ttl: '1m', swr: '1h' })
  const load = make(one.cache)
  assert.equal(await load.peek(1), undefined)
  await load(1)
  await one.cache.settled()
  const before = one.cache.stats()
  one.transcript()
  assert.deepEqual(await load.peek(1), { n: 1 })
  const two = await bench({ storage, clock: one.time })
  const elsewhere = make(two.cache)
  assert.deepEqual(await elsewhere.peek(1), { n: 1 })
  await one.time.advance('1m')
  assert.deepEqual([await load.peek(1), await elsewhere.peek(1)], [undefined, undefined])
  assert.deepEqual([one.transcript(), two.transcript()], [[], []])
  const counts = ({ calls, hits, misses, bypasses }: typeof before): number[] => [calls, hits, misses, bypasses]
  assert.deepEqual([counts(one.cache.stats()), counts(two.cache.stats())], [counts(before), [0, 0, 0, 0]])
})

test('key: the name in storage, the same in every cache of a scope, of the arguments alone', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  const load = one.cache.wrap(async (a: { x: number; y: number }) => a, { name: 'load' })
  const name = await load.key({ x: 1, y: 2 })
  assert.equal(await load.key({ y: 2, x: 1 }), name)
  assert.notEqual(await load.key({ y: 2, x: 2 }), name)
  await load({ x: 1, y: 2 })
  await one.cache.settled()
  assert.deepEqual(entriesIn(storage).map(([key]) => key), [name])
  const two = await bench()
  assert.equal(await two.cache.wrap(async (a: { x: number; y: number }) => a, { name: 'load' }).key({ x: 1, y: 2 }), name, 'without a storage, too')
  assert.notEqual(await two.cache.scope('s').wrap(async (a: { x: number; y: number }) => a, { name: 'load' }).key({ x: 1, y: 2 }), name)
  for (const verb of ['key', 'peek', 'invalidate', 'expire', 'withInfo'] as const) await assert.rejects(load[verb]({ x: (() => 1) as never, y: 1 }), KeyError)
})

test('Scopes within scopes: what is around falls with all that is within, what is within falls alone', async () => {
  const storage = memory()
  for (const verb of ['invalidate', 'expire'] as const) {
    const { cache } = await bench({ storage, scope: `app ${verb}` })
    const [a, ab, b] = [cache.scope('a'), cache.scope('a').scope('b'), cache.scope('b')]
    const all = async (): Promise<unknown[]> => Promise.all([cache, a, ab, b].map(place => place.has('k')))
    const fill = async (): Promise<void> => { for (const place of [cache, a, ab, b]) await place.set('k', 1, { tags: ['t'] }) }
    await fill()
    await ab[verb]('all')
    assert.deepEqual(await all(), [true, true, false, true])
    await fill()
    await cache[verb]({ scope: 'a' })
    assert.deepEqual(await all(), [true, false, false, true])
    await fill()
    await a[verb]({ scope: 'b' })
    assert.deepEqual(await all(), [true, true, false, true])
    await fill()
    await a[verb]({ tag: 't' })
    assert.deepEqual(await all(), [true, false, true, true], 'a tag is of its scope alone')
    await cache[verb]('all')
    assert.deepEqual(await all(), [false, false, false, false])
  }
})

test('What names nothing is refused', async () => {
  const { cache } = await bench()
  for (const wrong of [undefined, null, '', 'everything', {}, { name: '' }, { tag: 5 }, { tag: 'a', name: 'b' }, { nmae: 'x' }, [], { scope: '' }] as never[]) {
    await assert.rejects(cache.invalidate(wrong), OptionError)
    await assert.rejects(cache.expire(wrong), OptionError)
  }
  for (const wrong of ['', 5, undefined, null] as never[]) assert.throws(() => cache.scope(wrong), OptionError)
})

test('What names two things at once, or has other options than a pattern has, is refused and says so', async () => {
  const { cache } = await bench()
  await assert.rejects(cache.invalidate({ tag: 'a', name: 'b' } as never), /^OptionError: invalidate: an object \(Object\) names more than one thing\. Give/)
  await assert.rejects(cache.invalidate({ match: 'x', tag: 'b' } as never), /^OptionError: match: tag: there is no such option/)
  await assert.rejects(cache.expire({ match: '*', signal: 5 } as never), /^OptionError: signal: 5 is not an AbortSignal/)
  await assert.rejects(cache.keys({ match: '*', onProgress: true } as never), /^OptionError: onProgress: true is not a function/)
})

test('getMany and setMany keep their order, take any list, and say what is wrong', async () => {
  const storage = memory()
  const { cache } = await bench({ storage })
  await cache.setMany(new Map<string | string[], unknown>([['a', 1], [['b', 'c'], 2]]), { ttl: '1h', tags: ['t'] })
  await cache.setMany([])
  assert.deepEqual(await cache.getMany(new Set(['a', 'missing', 'a'])), [1, undefined])
  const elsewhere = await bench({ storage })
  assert.deepEqual(await elsewhere.cache.getMany([['b', 'c'], 'a', 'missing']), [2, 1, undefined])
  await cache.invalidate({ tag: 't' })
  assert.deepEqual(await cache.getMany(['a', ['b', 'c']]), [undefined, undefined])
  await assert.rejects(cache.setMany([['a', 1], [5 as never, 2]]), /key: 5 is not a key/)
  await assert.rejects(cache.setMany([['a', 1]], { tag: 'x' } as never), /set: tag: there is no such option/)
  await assert.rejects(cache.getMany([5 as never]), OptionError)
  assert.deepEqual(await cache.getMany([]), [])
})

test('What a storage could not delete or be told does not come back from it', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  await cache.set('a', 'old', { tags: ['t'] })
  await cache.set('b', 'old', { tags: ['t'] })
  storage.failing = true
  await cache.delete('a')
  await cache.invalidate({ tag: 't' })
  storage.failing = false
  assert.deepEqual([await cache.get('a'), await cache.get('b')], [undefined, undefined])
  await cache.settled()
  const elsewhere = await bench({ storage })
  await cache.set('c', 1, { tags: ['t'] })
  assert.deepEqual(await elsewhere.cache.getMany(['a', 'b', 'c']), [undefined, undefined, 1], 'and as soon as it can, it is told')
})

test('expire() of a key while a value is set under it leaves the newer one', async () => {
  const entries = memory()
  const one = await bench({ storage: entries })
  await one.cache.set('a', 'old', { swr: '1h' })
  const reading = gate()
  let slow = true
  const { cache } = await bench({ swr: '1h', storage: { ...entries, async *keys() { yield* entries.keys!() }, async get(key) {
    const bytes = await entries.get(key)
    if (slow && key.length === 64) await reading.promise
    return bytes
  } } })
  const load = cache.wrap(async () => 'of load', { name: 'load' })
  await one.cache.wrap(async () => 'old', { name: 'load', swr: '1h' })()
  await one.cache.settled()
  const expiring = load.expire()
  await turns()
  slow = false
  const fresh = load.fresh()
  assert.equal(await fresh, 'of load')
  reading.open()
  await expiring
  assert.equal(await load(), 'of load')
})

test('What is made stale in storage still ends there', async () => {
  const hints: { expiresAt?: number }[] = []
  const inner = memory()
  const { cache, time } = await bench({ storage: { ...inner, set: async (key, entry, hint) => { if (key.length === 64) hints.push(hint); await inner.set(key, entry, hint) } } })
  const ask = cache.wrap(async (n: number) => n, { name: 'ask', ttl: '1m', swr: '1m' })
  await ask(1)
  await time.advance(1_000)
  await ask.expire(1)
  assert.deepEqual(hints, [{ expiresAt: 1_000_000 + 120_000 }, { expiresAt: 1_001_000 + 60_000 }])
})

test('What is over or invalidated is not deleted where it is found, as another may have replaced it by then', async () => {
  const storage = countedStorage()
  const [one, two] = [await bench({ storage }), await bench({ storage, invalidationLag: 0 })]
  const ask = (cache: Cache, answer: string): Promise<string> => cache.getOrSet('k', async () => answer, { ttl: '1s', tags: ['t'] })
  await ask(one.cache, 'old')
  await one.cache.settled()
  await one.cache.invalidate({ tag: 't' })
  storage.calls.length = 0
  assert.equal(await ask(two.cache, 'new'), 'new')
  await two.cache.settled()
  assert.equal(storage.calls.filter(call => call === 'delete').length, 0)
})

test('peek: what does not decode is as if it were not there', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  await one.cache.wrap(async () => new Date(5), { name: 'load' })()
  await one.cache.settled()
  for (const [key, entry] of entriesIn(storage)) {
    // As a runtime might write it that knows of a kind of array which this one does not.
    const head = entry.slice(0, 80 + 16 * entry[6]!)
    const payload = [0xd8, 83, 0x40]
    new DataView(head.buffer).setBigUint64(72, BigInt(payload.length), true)
    const body = Uint8Array.from([...head, ...payload])
    storage.entries.set(key, Uint8Array.from([...body, ...seal(body)]))
  }
  const { cache } = await bench({ storage, clock: one.time })
  const load = cache.wrap(async () => new Date(6), { name: 'load' })
  assert.deepEqual([await load.peek(), await load.peek(), await load()], [undefined, undefined, new Date(6)])
})

test('key: without a storage it is the same, whatever the arguments are', async () => {
  const keys = await Promise.all([{ storage: memory() }, {}].map(async options => {
    const ask = (await bench(options)).cache.wrap(async (_: unknown) => 1, { name: 'ask' })
    return Promise.all(['a', 'b', { text: 'x'.repeat(100_000) }, { text: 'y'.repeat(100_000) }].map(async argument => [await ask.key(argument), (await ask.withInfo(argument)).info.key]))
  }))
  assert.deepEqual(keys[1], keys[0])
  assert.equal(new Set(keys[0]!.flat()).size, 4)
})
