/** Whose turn it is to compute, of all who share a storage that can tell. Each cache here is a process; the leases are those of a Map. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Cache } from '../../js/cache.js'
import { ReentrantCallError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { virtualClock } from '../../js/testing/index.js'
import type { Wrapped } from '../../js/wrapped.js'
import { bench, gate, turns, until } from './harness.js'

/** A Map that several caches share, with leases that end by the clock. */
function shared(time = virtualClock()) {
  const leases = new Map<string, { fence: number; until: number }>()
  const waiting = new Set<() => void>()
  let fence = 0
  const storage: Storage = {
    ...memory(),
    async lease(key, leaseMs) {
      if ((leases.get(key)?.until ?? 0) > time.stopwatch()) return undefined
      const mine = { fence: ++fence, until: time.stopwatch() + leaseMs }
      leases.set(key, mine)
      const isMine = (): boolean => leases.get(key) === mine && mine.until > time.stopwatch()
      return {
        fence: mine.fence,
        renew: async () => isMine() && Boolean((mine.until = time.stopwatch() + leaseMs)),
        async release() {
          if (isMine()) leases.delete(key)
          for (const wake of waiting) wake()
        },
      }
    },
    released: (_, ms) => new Promise(resolve => {
      waiting.add(resolve)
      time.after(ms, resolve)
    }),
  }
  return { storage, leases, time }
}

test('Of all processes that ask at once one runs the function, and the others take its result out of storage', async () => {
  const { storage, time, leases } = shared()
  let runs = 0
  const answer = gate<string>()
  const processes = await Promise.all([1, 2, 3].map(() => bench({ storage, clock: time })))
  const asks = processes.map(({ cache }) => cache.wrap(async (_: number) => (runs++, answer.promise), { name: 'ask' }))
  const answers = Promise.all(asks.flatMap(ask => [ask.withInfo(1), ask.withInfo(1)]))
  await until(() => runs === 1)
  await turns()
  assert.equal(runs, 1)
  answer.open('the answer')
  const infos = await answers
  assert.deepEqual(infos.map(({ value }) => value), Array(6).fill('the answer'))
  assert.deepEqual(infos.map(({ info }) => info.status).sort(), ['hit', 'hit', 'joined', 'joined', 'joined', 'miss'])
  await turns()
  assert.deepEqual([runs, leases.size], [1, 0])
})

test('Where the function fails the next one has its turn, one after the other', async () => {
  const { storage, time } = shared()
  let running = 0
  let most = 0
  const processes = await Promise.all([1, 2, 3].map(() => bench({ storage, clock: time })))
  const asks = processes.map(({ cache }, i) => cache.wrap(async () => {
    most = Math.max(most, ++running)
    await turns(2)
    running--
    throw new Error(`no ${i}`)
  }, { name: 'ask' }))
  const ends = await Promise.allSettled(asks.map(ask => ask()))
  assert.deepEqual(ends.map(end => end.status === 'rejected' && (end.reason as Error).message).sort(), ['no 0', 'no 1', 'no 2'], 'each has run its own function')
  assert.equal(most, 1)
})

test('A process that has died is waited for until its lease is over; one that computes for long keeps it', async () => {
  const { storage, time, leases } = shared()
  const one = await bench({ storage, clock: time })
  const dead = await storage.lease!((await one.cache.wrap(async () => 1, { name: 'ask' }).key())!, 10_000)
  assert.ok(dead)
  let runs = 0
  const long = gate<number>()
  const call = one.cache.wrap(async () => (runs++, long.promise), { name: 'ask' })()
  await time.advance(9_000)
  assert.equal(runs, 0)
  await time.advance(2_000)
  assert.equal(runs, 1)
  const two = await bench({ storage, clock: time })
  let others = 0
  const waits = two.cache.wrap(async () => ++others, { name: 'ask' })()
  await time.advance(45_000)
  assert.equal(others, 0, 'it is renewed all the time')
  long.open(5)
  assert.deepEqual([await call, await waits, others], [5, 5, 0])
  await turns()
  assert.equal(leases.size, 0)
})

test('What a process brings that has lost its lease is not written: another may have newer', async () => {
  const { storage, time, leases } = shared()
  const slow = gate<string>()
  const one = await bench({ storage, clock: time })
  const late = one.cache.wrap(async () => slow.promise, { name: 'ask' })()
  await turns()
  leases.clear() // Held up for so long that it was given to others.
  const two = await bench({ storage, clock: time })
  assert.equal(await two.cache.wrap(async () => 'newer', { name: 'ask' })(), 'newer')
  await time.advance(4_000)
  slow.open('older')
  assert.equal(await late, 'older', 'its own callers asked before')
  await one.cache.settled()
  const three = await bench({ storage, clock: time })
  assert.equal(await three.cache.wrap(async () => 'none', { name: 'ask' })(), 'newer')
})

test('Nobody waits who is being waited for: calls within a function take no turn that another has', async () => {
  const { storage, time } = shared()
  const [one, two] = await Promise.all([bench({ storage, clock: time }), bench({ storage, clock: time })])
  const both = [gate(), gate()]
  const make = ({ cache }: typeof one, i: number) => {
    const a: () => Promise<string> = cache.wrap(async () => { both[0]!.open(); await both[1]!.promise; return i === 0 ? `a of ${await b()}` : 'a' }, { name: 'a' })
    const b: () => Promise<string> = cache.wrap(async () => { both[1]!.open(); await both[0]!.promise; return i === 1 ? `b of ${await a()}` : 'b' }, { name: 'b' })
    return { a, b }
  }
  const [first, second] = [make(one, 0), make(two, 1)]
  assert.deepEqual(await Promise.all([first.a(), second.b()]), ['a of b', 'b of a'])
  const self: () => Promise<unknown> = one.cache.wrap(async () => { await turns(1); return self() }, { name: 'self' })
  await assert.rejects(self(), ReentrantCallError)
})

test('Who waits for his turn can leave; a slow one is stood in for; nobody waits longer than a minute', async () => {
  const { storage, time } = shared()
  const { cache } = await bench({ storage, clock: time })
  let runs = 0
  const options = { name: 'ask', ttl: '1s', staleIfError: '1h', softTimeout: 100 } as const
  const ask = cache.wrap(async () => ++runs, options)
  assert.equal(await ask(), 1)
  await cache.settled()
  await time.advance(2_000)
  // Another process has it, and goes on and on.
  const lease = (await storage.lease!((await ask.key())!, 1e9))!
  const leaves = ask.with({ deadline: 50 })()
  const waits = ask.withInfo()
  const left = assert.rejects(leaves, /caller's deadline of 50 ms/)
  await time.advance(100)
  await left
  const { value, info } = await waits
  assert.deepEqual([value, info.status, runs], [1, 'error-stale', 1])
  await time.advance(59_000)
  assert.equal(runs, 1)
  await time.advance(3_000)
  await until(() => runs === 2)
  await lease.release()
})

test('Where the storage cannot say whose turn it is, or is not to, everybody computes', async () => {
  for (const change of [{ lease: async () => { throw new Error('no lease today') } }, { released: async () => { throw new Error('nobody knows') } }, { lease: 0 }] as const) {
    const { storage, time } = shared()
    const options = 'lease' in change && change.lease === 0 ? { lease: 0, storage } : { storage: { ...storage, ...(change as Partial<Storage>) } }
    const processes = await Promise.all([1, 2].map(() => bench({ ...options, clock: time })))
    let runs = 0
    const answer = gate<number>()
    const answers = Promise.all(processes.map(({ cache }) => cache.wrap(async () => (runs++, answer.promise), { name: 'ask' })()))
    await turns()
    assert.equal(runs, 2)
    answer.open(1)
    assert.deepEqual(await answers, [1, 1])
  }
})

test('What is not kept keeps nobody waiting: doomed, abandoned or closed, a flight gives its lease back', async () => {
  const ends: [string, (cache: Cache, ask: Wrapped<(n: number) => Promise<string>>) => Promise<unknown>][] = [
    ['invalidated', cache => cache.invalidate({ name: 'ask' })],
    ['forgotten', (_, ask) => ask.invalidate(1)],
    ['closed', cache => cache.close()],
  ]
  for (const [name, end] of ends) {
    const { storage, time, leases } = shared()
    const answer = gate<string>()
    const { cache } = await bench({ storage, clock: time })
    let runs = 0
    const ask = cache.wrap(async (_: number) => (runs++, answer.promise), { name: 'ask' })
    const first = ask(1)
    await until(() => runs === 1)
    assert.equal(leases.size, 1)
    void end(cache, ask)
    await until(() => leases.size === 0)
    answer.open('late')
    assert.equal(await first, 'late', name)
  }
  const { storage, time, leases } = shared()
  const { cache } = await bench({ storage, clock: time })
  const hangs = cache.wrap((_: number) => new Promise<string>(() => {}), { name: 'hangs' })
  const waiting = assert.rejects(hangs.with({ deadline: 10 })(1), { name: 'DeadlineError' })
  await until(() => leases.size === 1)
  await time.advance(10)
  await waiting
  await until(() => leases.size === 0)
})

test('What is not to be stored takes no turn', async () => {
  const { storage, time, leases } = shared()
  const { cache } = await bench({ storage, clock: time })
  let taken = 0
  await cache.wrap(async (_: number) => (taken = leases.size, 1), { name: 'ask', ttl: 0 })(1)
  assert.equal(taken, 0)
})

test('What a function leaves behind that calls others, a timer, waits for its turn as everybody does', async () => {
  const { storage, time } = shared()
  const [one, two] = [await bench({ storage, clock: time }), await bench({ storage, clock: time })]
  const answer = gate<string>()
  let runs = 0
  const [first, second] = [one, two].map(({ cache }) => cache.wrap(async () => (runs++, answer.promise), { name: 'ask' })) as [Wrapped<() => Promise<string>>, Wrapped<() => Promise<string>>]
  const timer = gate()
  let later: Promise<string> | undefined
  await two.cache.wrap(async () => {
    later = timer.promise.then(() => second())
  }, { name: 'sets a timer' })()
  const asked = first()
  await until(() => runs === 1)
  timer.open()
  await turns(20)
  answer.open('the answer')
  assert.deepEqual([await asked, await later, runs], ['the answer', 'the answer', 1])
})
