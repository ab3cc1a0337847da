/** hits + misses + bypasses = calls, whatever happens. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CallContext } from '../../js/context.js'
import { memory } from '../../js/storage/memory.js'
import { faultyStorage, seededRandom, virtualClock } from '../../js/testing/index.js'
import { bench, type Bench } from './harness.js'

/** Calls what a program may call, at random, and counts what of it is a call. */
async function season(seed: number, { cache, time }: Pick<Bench, 'cache' | 'time'>): Promise<number> {
  const random = seededRandom(seed)
  const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  let calls = 0
  const work = async (n: number): Promise<number> => {
    if (random() < 0.2) throw new Error('a bad day')
    if (random() < 0.3) await new Promise<void>(resolve => time.after(1 + random() * 90_000, resolve))
    return n
  }
  const plain = cache.wrap(work, { name: 'plain', ttl: '1m', tags: n => [`t:${n}`] })
  const rich = cache.wrap(work, { name: 'rich', ttl: '1m', swr: '1m', staleIfError: '2m', refreshAt: 0.8, softTimeout: '10s', timeout: '1m', cacheErrors: { ttl: '10s', when: () => random() < 0.5 }, validate: (n: number) => n !== 3 || random() < 0.5 })
  const older = cache.wrap(work, { name: 'aging', version: 1, ttl: '2m', swr: '1m' })
  const newer = cache.wrap(work, { name: 'aging', version: 2, ttl: '2m', keepAlive: true, migrate: { from: [1], to: old => { if (random() < 0.3) throw new Error('no'); return old as number } } })
  const pending = new Set<Promise<unknown>>()
  const called = (call: Promise<unknown>): void => { calls++; pending.add(call.catch(() => {})) }
  const done = (verb: Promise<unknown>): void => void pending.add(verb.catch(() => {}))
  for (let step = 0; step < 250; step++) {
    const n = Math.floor(random() * 5)
    const fn = pick(plain, rich, older, newer)
    switch (Math.floor(random() * 16)) {
      case 0: called(cache.get(`k${n}`)); break
      case 1: called(cache.has(`k${n}`)); break
      case 2: called(cache.getOrSet(`k${n}`, ctx => { if (random() < 0.2) ctx.skip(1); ctx.tags('t:1'); return work(n) }, { ttl: '1m', staleIfError: '1m', forceFresh: random() < 0.2 })); break
      case 3: done(cache.set(`k${n}`, n, { ttl: '1m', tags: [`t:${n}`] })); break
      case 4: done(pick<() => Promise<unknown>>(() => fn.invalidate(n), () => fn.expire(n), () => cache.delete(`k${n}`), () => cache.invalidate({ tag: `t:${n}` }), () => cache.expire({ name: 'rich' }), () => cache.invalidate({ match: `k${n}` }))()); break
      case 5: done(fn.peek(n)); break
      case 6: called(fn.fresh(n)); break
      case 7: called(fn.withInfo(n)); break
      case 8: called(fn.with({ deadline: pick(1, 1_000, 100_000) })(n)); break
      case 9: { const leaver = new AbortController(); called(fn.with({ signal: leaver.signal })(n)); if (random() < 0.5) leaver.abort(); break }
      case 10: if (random() < 0.1) { cache.disable(); called(fn(n)); called(cache.get('k1')); cache.enable() } break
      case 11: case 12: await time.advance(Math.floor(random() * 30_000)); break
      default: called(fn(n))
    }
  }
  for (let i = 0; i < 3; i++) await time.advance('5m')
  await Promise.all(pending)
  await cache.settled()
  return calls
}

for (const [how, faults] of [['in memory', undefined], ['with a storage', {}], ['with a storage that fails, forgets and damages', { fail: 0.1, lose: 0.1, damage: 0.1, delayMs: 5_000 }]] as const) {
  test(`Every call is a hit, a miss or a bypass, and every hit is an event of one (${how})`, async () => {
    for (let seed = 1; seed <= (faults === undefined ? 4 : 2); seed++) {
      const clock = virtualClock()
      const storage = faults && faultyStorage({ seed, clock, ...faults })
      // Two processes, one after the other, on one storage.
      for (let process = 0; process < (storage === undefined ? 1 : 2); process++) {
        const one = await bench({ clock, ...(storage && { storage }) })
        const calls = await season(10 * seed + process, { cache: one.cache, time: clock })
        const stats = one.cache.stats()
        assert.equal(stats.calls, calls, `seed ${seed}`)
        assert.equal(stats.hits + stats.misses + stats.bypasses, calls)
        assert.ok(stats.hits > 10 && stats.misses > 10, `${stats.hits} ${stats.misses}`)
        const events = (type: string, because?: string): number => one.events.filter(event => event.type === type && (because === undefined || ('because' in event && event.because === because))).length
        assert.equal(events('hit') + events('stale', 'swr'), stats.hits, `hits, seed ${seed}`)
        assert.equal(events('joined'), stats.joined)
        assert.equal(events('not-stored'), stats.notStored, `not stored, seed ${seed}`)
        assert.equal(events('storage-error'), stats.storageErrors)
      }
    }
  })
}

test('What hits saved is the sum of what their results had cost', async () => {
  const { cache } = await bench()
  const dear = cache.wrap(async (ctx, n: number) => { ctx.cost(n); return n }, { name: 'dear', context: true })
  for (let round = 0; round < 3; round++) for (const n of [10, 200]) await dear(n)
  assert.equal(cache.stats().savedMs, 420)
})

test('A cache that lost its core, or never had one, still counts', async () => {
  const { cache } = await bench({}, { compile: () => Promise.reject(new Error('refused')) })
  const load = cache.wrap(async () => 1, { name: 'load' })
  await load()
  await load.fresh()
  await cache.get('a')
  const { calls, hits, misses, bypasses, entries, core } = cache.stats()
  assert.deepEqual([calls, hits, misses, bypasses, entries, core], [3, 0, 0, 3, 0, undefined])
})

test('What is looked at behind the back of a call, or without one, has saved nothing', async () => {
  const storage = memory()
  const { cache, time } = await bench({ storage })
  const load = cache.wrap(async (context: CallContext) => (context.cost(1000), 'value'), { name: 'load', context: true, ttl: '1m', swr: '1h' })
  await load()
  await cache.settled()
  await time.advance('2m')
  await load()
  await cache.settled()
  assert.deepEqual([cache.stats().hits, cache.stats().savedMs], [1, 1000])
  const other = (await bench({ storage, clock: time })).cache
  await other.wrap(async () => 'value', { name: 'load', ttl: '1m', swr: '1h' }).peek()
  assert.deepEqual([other.stats().calls, other.stats().savedMs], [0, 0])
})
