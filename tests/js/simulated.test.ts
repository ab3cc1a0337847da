/** What the simulator of calls (tests/torture/calls.ts) found, each in the fewest steps. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Failure } from '../../js/failure.js'
import type { CallContext } from '../../js/index.js'
import { bench, countedStorage } from './harness.js'

const turns = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
}

test('An error that was kept is no stale result: no function is shown it, and no soft timeout answers with it', async () => {
  const { cache, time } = await bench()
  const shown: unknown[] = []
  let fails = true
  const load = cache.wrap(async (context: CallContext) => {
    shown.push(context.stale)
    if (fails) throw new Error('crash')
    return new Promise(resolve => time.after(500, () => resolve('new')))
  }, { name: 'load', context: true, ttl: '1m', staleIfError: '1h', softTimeout: '100ms', cacheErrors: { ttl: '1m' } })
  await assert.rejects(load(), /crash/)
  fails = false
  const forced = load.fresh()
  await time.advance(500)
  assert.equal(await forced, 'new')
  assert.ok(shown.every(stale => !(stale instanceof Failure)))
  assert.deepEqual(shown, [undefined, undefined])
})

test('Who comes after a soft timeout waits in turn, and gets nothing that is older than staleIfError', async () => {
  const { cache, time } = await bench()
  let runs = 0
  const load = cache.wrap(async () => (++runs === 1 ? 'old' : new Promise(resolve => time.after(5_000, () => resolve('new')))), { name: 'load', ttl: '1s', staleIfError: '1s', softTimeout: '100ms' })
  await load()
  await time.advance('1s')
  const first = load()
  await time.advance(100)
  assert.equal(await first, 'old')
  let answer: unknown
  const second = load().then(value => { answer = value })
  await time.advance(99)
  assert.equal(answer, undefined)
  await time.advance(1)
  assert.equal(answer, 'old')
  await second
  await time.advance(2_000)
  const third = load()
  await time.advance(5_000)
  assert.deepEqual([await third, runs], ['new', 2])
})

test('A frozen answer is that of the call, whatever took its place in memory meanwhile', async () => {
  const { cache } = await bench()
  let finish!: (value: object) => void
  const loading = cache.getOrSet('k', () => new Promise<object>(resolve => { finish = resolve }), { freeze: true })
  await turns()
  await cache.set('k', { from: 'set' })
  finish({ from: 'load' })
  assert.deepEqual(await loading, { from: 'load' })
})

test('Closing lets a refresh go on that somebody has come to wait for', async () => {
  const { cache, time } = await bench()
  let runs = 0
  const load = cache.wrap(async (context: CallContext) => {
    if (++runs === 1) return 'old'
    return new Promise((resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error))
      time.after(5_000, () => resolve('new'))
    })
  }, { name: 'load', context: true, ttl: '1s', swr: '1s' })
  await load()
  await time.advance('1s')
  assert.equal(await load(), 'old')
  await time.advance('1s')
  const waiting = load()
  await turns()
  const closed = cache.close()
  await time.advance(5_000)
  assert.equal(await waiting, 'new')
  await closed
})

test('A tag that was renewed while the function ran, and told after that, turns later callers away', async () => {
  const { cache } = await bench()
  const ends: ((value: string) => void)[] = []
  const contexts: CallContext[] = []
  const load = cache.wrap((context: CallContext) => new Promise<string>(resolve => {
    contexts.push(context)
    ends.push(resolve)
  }), { name: 'load', context: true })
  await cache.set('other', 1, { tags: ['t'] })
  const first = load()
  await turns()
  await cache.invalidate({ tag: 't' })
  contexts[0]!.tags('t')
  const second = load()
  await turns()
  assert.equal(ends.length, 2)
  ends[0]!('before')
  ends[1]!('after')
  assert.deepEqual([await first, await second], ['before', 'after'])
})

test('What another process renewed turns callers away from what is being computed, and is obeyed by peek', async () => {
  const storage = countedStorage()
  const here = await bench({ storage, invalidationLag: '1s' })
  const there = await bench({ storage, invalidationLag: '1s' })
  const ends: ((value: string) => void)[] = []
  const load = here.cache.wrap(() => new Promise<string>(resolve => ends.push(resolve)), { name: 'load' })
  const kept = here.cache.wrap(async () => 'kept', { name: 'kept' })
  await kept()
  const first = load()
  await turns()
  await there.cache.invalidate('all')
  await here.time.advance('1s')
  assert.equal(await kept.peek(), undefined)
  const second = load()
  await turns()
  assert.equal(ends.length, 2)
  ends[0]!('before')
  ends[1]!('after')
  assert.deepEqual([await first, await second], ['before', 'after'])
})

test('An invalidation is obeyed at once while the storage cannot be told of its tags', async () => {
  const storage = countedStorage()
  storage.failing = true
  const { cache } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  await load()
  const told = cache.invalidate({ name: 'load' })
  assert.equal(await load(), 2)
  await told
})

test('A hit that validate refuses once the cache is disabled counts once', async () => {
  const { cache } = await bench()
  let valid: (() => void) | undefined
  let asked = 0
  const load = cache.wrap(async () => 1, { name: 'load', validate: () => (++asked === 1 ? true : new Promise<boolean>(resolve => { valid = () => resolve(false) })) })
  await load()
  const second = load()
  await turns()
  cache.disable()
  valid!()
  await second
  const { calls, hits, misses, bypasses } = cache.stats()
  assert.deepEqual([calls, hits + misses + bypasses], [2, 2])
})
