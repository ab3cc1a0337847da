import assert from 'node:assert/strict'
import test from 'node:test'
import { StorageError } from '../../js/errors.js'
import type { CacheEvent } from '../../js/events.js'
import { StorageGuard } from '../../js/storage/guard.js'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { faultyStorage, virtualClock, type VirtualClock } from '../../js/testing/index.js'
import { bench, entriesIn, gate, turns } from './harness.js'

const bytes = new Uint8Array([1])

function guarded(storage: Partial<Storage>, clock = virtualClock()): { guard: StorageGuard; events: CacheEvent[]; background: Promise<unknown>[]; clock: VirtualClock } {
  const events: CacheEvent[] = []
  const background: Promise<unknown>[] = []
  const whole: Storage = { get: async () => undefined, set: async () => {}, delete: async () => {}, ...storage }
  return { guard: new StorageGuard(whole, work => background.push(work), event => events.push(event), clock, 250), events, background, clock }
}

test('A storage that throws, at once or later, is an event and a counter and no rejection', async () => {
  for (const fail of [() => { throw new Error('at once') }, () => Promise.reject(new Error('later'))]) {
    const { guard, events, background } = guarded({ get: fail, set: fail, delete: fail, close: fail })
    assert.equal(await guard.get('k'), undefined)
    assert.deepEqual(await guard.tryGet('k'), { ok: false })
    guard.set('k', bytes, {})
    await guard.delete('k')
    await guard.close()
    await Promise.all(background)
    assert.deepEqual(events.map(event => event.type === 'storage-error' && event.operation), ['get', 'get', 'set', 'delete', 'get', false, 'close', 'close'], 'the last look whether it can be told, and that it cannot')
    assert.equal(guard.errors, 6)
  }
})

test('Operations on one key keep their order: a deletion is not overtaken by an older write', async () => {
  const order: string[] = []
  let finishSet = (): void => {}
  const { guard } = guarded({
    set: () => { order.push('set begins'); return new Promise(resolve => { finishSet = () => { order.push('set ends'); resolve() } }) },
    delete: async () => { order.push('delete') },
    get: async () => { order.push('get'); return undefined },
  })
  guard.set('k', bytes, {})
  const deleted = guard.delete('k')
  const got = guard.get('k')
  await guard.get('another key')
  finishSet()
  await Promise.all([deleted, got])
  assert.deepEqual(order.filter(step => step !== 'get'), ['set begins', 'set ends', 'delete'])
  assert.equal(order.at(-1), 'get', 'a read waits for the writes before it')
  assert.equal(order.filter(step => step === 'get').length, 2, 'another key waits for nothing')
})

test('settled() waits for every write that was begun, also those begun meanwhile', async () => {
  let ended = 0
  const { guard } = guarded({ set: async () => { await new Promise(resolve => setImmediate(resolve)); if (++ended === 1) guard.set('late', bytes, {}) } })
  guard.set('a', bytes, {})
  await guard.settled()
  assert.equal(ended, 2)
})

const errorsOf = (events: CacheEvent[]): string[] => events.flatMap(event => (event.type === 'storage-error' ? [`${event.operation}: ${(event.error as Error).message}`] : []))
const statesOf = (events: CacheEvent[]): string[] => events.flatMap(event => (event.type === 'storage' ? [event.state] : []))

test('Who reads waits for the deadline at the most; a late reply answers nobody, and is one error', async () => {
  for (const outcome of ['answers', 'fails', 'never'] as const) {
    const late = gate<Uint8Array>()
    const { guard, events, clock } = guarded({ get: () => late.promise })
    let got: unknown = 'nothing'
    void guard.get('k').then(bytes => { got = bytes })
    await clock.advance(249)
    assert.equal(got, 'nothing')
    await clock.advance(1)
    assert.equal(got, undefined)
    assert.deepEqual(errorsOf(events), ['get: the storage took longer than 250 ms for get().'])
    assert.ok(events.some(event => event.type === 'storage-error' && event.error instanceof StorageError))
    if (outcome === 'answers') late.open(bytes)
    else if (outcome === 'fails') late.fail(new Error('late'))
    await turns()
    assert.equal(guard.errors, 1)
    const closing = guard.close()
    await clock.advance(250)
    await closing
    assert.equal(clock.timers, 0)
  }
})

test('A read that is answered in time leaves no timer, and nothing is said', async () => {
  const { guard, events, clock } = guarded({ get: async () => bytes })
  assert.deepEqual(await Promise.all([guard.get('a'), guard.get('b')]), [bytes, bytes])
  guard.set('a', bytes, {})
  assert.equal(await guard.delete('a'), true)
  assert.deepEqual([events, clock.timers], [[], 0])
})

test('A timer that goes off late shows that the process was busy: the storage gets that time on top', async () => {
  const clock = virtualClock()
  let offset = 0
  const { guard } = guarded({ get: () => new Promise(resolve => void clock.after(300, () => resolve(bytes))) }, { ...clock, stopwatch: () => clock.stopwatch() + offset } as VirtualClock)
  const got = guard.get('k')
  offset = 100
  await clock.advance(400)
  assert.equal(await got, bytes)
})

test('While a write of a key hangs, a read of that key waits for the deadline at the most, and then not at all', async () => {
  const { guard, clock } = guarded({ set: () => new Promise(() => {}), get: async () => bytes })
  guard.set('k', bytes, {})
  const first = guard.get('k')
  await clock.advance(250)
  assert.equal(await first, undefined)
  assert.equal(await guard.get('k'), undefined)
  assert.equal(await guard.get('another'), bytes)
})

test('Of writes that wait for their turn only the last is carried out', async () => {
  const order: string[] = []
  const first = gate()
  const { guard } = guarded({ set: async (_, entry) => { order.push(`set ${entry[0]}`); if (entry[0] === 1) await first.promise }, delete: async () => void order.push('delete') })
  guard.set('k', new Uint8Array([1]), {})
  await turns()
  guard.set('k', new Uint8Array([2]), {})
  const deleted = guard.delete('k')
  const put = guard.put('k', new Uint8Array([3]), {})
  first.open()
  assert.deepEqual([await deleted, await put], [true, true], 'nothing older is there')
  assert.deepEqual(order, ['set 1', 'set 3'])
  await guard.settled()
})

test('A deletion behind a write that hangs is carried out once the storage is known to be there; should the write end after all, again', async () => {
  const entries = new Map<string, Uint8Array>()
  const hanging = gate()
  const store = memory(entries)
  const { guard, clock } = guarded({ ...store, set: async (...args) => { await hanging.promise; await store.set(...args) } })
  guard.set('k', bytes, {})
  await turns()
  const deleted = guard.delete('k')
  await clock.advance(250)
  assert.equal(await deleted, false)
  await clock.advance('2s')
  assert.equal(await guard.get('k'), undefined)
  hanging.open()
  await turns()
  await guard.settled()
  assert.equal(entries.size, 0, 'it does not come back')
  await clock.advance('1m')
  assert.equal(clock.timers, 0)
})

test('Too many entries on their way: more are dropped, and counted; deletions, tokens and what users put in are not', async () => {
  const hold = gate()
  let sets = 0
  const { guard, events } = guarded({ set: async () => { sets++; await hold.promise }, delete: () => hold.promise })
  let taken = 0
  for (let i = 0; i < 4_010; i++) taken += Number(guard.set(`k${i}`, bytes, {}))
  assert.equal(taken, 4_000)
  assert.equal(guard.notWritten, 10)
  assert.deepEqual(new Set(events.map(event => JSON.stringify(event))), new Set(['{"type":"not-written","reason":"full"}']))
  assert.equal(guard.set('of a user', bytes, {}, true), true)
  const must = [guard.put('token', bytes, {}), guard.delete('gone')]
  hold.open()
  assert.deepEqual(await Promise.all(must), [true, true])
  await guard.settled()
  assert.equal(sets, 4_002)
  assert.equal(guard.set('k', bytes, {}), true, 'there is room again')
})

test('The same by bytes; one entry is always let through, however large', async () => {
  const hold = gate()
  const { guard } = guarded({ set: () => hold.promise })
  assert.equal(guard.set('huge', new Uint8Array(20_000_000), {}), true)
  assert.equal(guard.set('k', bytes, {}), false)
  hold.open()
  await guard.settled()
  assert.equal(guard.set('a', new Uint8Array(8_000_000), {}), true)
  assert.equal(guard.set('b', new Uint8Array(8_000_000), {}), true)
  assert.equal(guard.set('c', bytes, {}), false)
  await guard.settled()
})

test('close() waits while writes end, and no longer than the deadline where none does', async () => {
  const { guard, clock } = guarded({ set: key => new Promise(resolve => void (key === 'never' || clock.after(Number(key), resolve))), close: () => new Promise(() => {}) }, virtualClock())
  for (const ms of ['200', '400', '600', 'never']) guard.set(ms, bytes, {})
  let closed = false
  const closing = guard.close().then(() => { closed = true })
  await clock.advance(700)
  assert.equal(closed, false, 'writes still end')
  await clock.advance(600)
  assert.equal(closed, true)
  await closing
})

test('A black hole delays the first call by the deadline, and no other; its function answers', async () => {
  for (const [deadline, given] of [[250, {}], [40, { storageDeadline: '40ms' as const }]] as const) {
    const storage = faultyStorage({ seed: 1, hang: 1 })
    const { cache, time, events } = await bench({ storage, ...given })
    let runs = 0
    const load = cache.wrap(async (n: number) => { runs++; return n }, { name: 'load', tags: ['a', 'b'] })
    let answered: unknown
    void load(1).then(value => { answered = value })
    await time.advance(deadline - 1)
    assert.equal(answered, undefined)
    await time.advance(1)
    assert.equal(answered, 1)
    const before = storage.calls.length
    const started = time.stopwatch()
    for (let n = 2; n < 50; n++) assert.equal(await load(n), n)
    await cache.invalidate({ tag: 'a' })
    await load.invalidate(1)
    await cache.set('x', 1)
    assert.equal(await cache.get('y'), undefined)
    assert.equal(time.stopwatch(), started, 'no time passes')
    assert.deepEqual([runs, storage.calls.length], [49, before], 'and the storage is left alone')
    const stats = cache.stats()
    assert.deepEqual([stats.storageState, stats.storageErrors], ['open', storage.faultCount])
    assert.deepEqual(statesOf(events), ['open'])
    const closing = cache.close()
    await time.advance(3 * deadline)
    await closing
    assert.equal(time.timers, 0)
  }
})

test('Once it answers again it is used again, and is told what it missed without anybody asking', async () => {
  const entries = new Map<string, Uint8Array>()
  const storage = faultyStorage({ seed: 1, storage: memory(entries) })
  const { cache, time, events } = await bench({ storage })
  const load = cache.wrap(async (n: number) => `value ${n}`, { name: 'load', tags: ['t'] })
  const gone = cache.wrap(async (n: number) => `value ${n}`, { name: 'gone' })
  await load(1)
  await gone(1)
  await cache.set('user', 'old')
  await cache.settled()
  assert.equal(entriesIn({ entries }).length, 3)
  const other = await bench({ storage })
  const shared = other.cache.wrap(async () => assert.fail('it is there'), { name: 'load', tags: ['t'] })
  assert.equal(await (shared as unknown as typeof load)(1), 'value 1')
  storage.faults.hang = 1
  const lost = [cache.invalidate({ tag: 't' }), gone.invalidate(1), cache.set('user', 'new')]
  await time.advance(600)
  await Promise.all(lost)
  assert.equal(cache.stats().storageState, 'open')
  storage.faults.hang = 0
  await time.advance('5s')
  assert.equal(cache.stats().storageState, 'closed')
  assert.deepEqual(statesOf(events).slice(-2), ['half-open', 'closed'])
  const third = await bench({ storage })
  let runs = 0
  assert.equal(await third.cache.wrap(async (_: number) => ++runs, { name: 'load', tags: ['t'] })(1), 1, 'the tag was renewed')
  assert.equal(await third.cache.wrap(async (_: number) => ++runs, { name: 'gone' })(1), 2, 'the entry was deleted')
  assert.notEqual(await third.cache.get('user'), 'old')
  await other.time.advance('5s')
  let again = 0
  assert.equal(await other.cache.wrap(async (_: number) => ++again, { name: 'load', tags: ['t'] })(1), 1, 'who runs already sees that something was renewed')
  await time.advance('1m')
  assert.equal(time.timers, 0)
})

test('A storage that only refuses is left alone after five reads; each fault is counted once', async () => {
  const storage = faultyStorage({ seed: 3, fail: 1 })
  const { cache, events, time } = await bench({ storage })
  const load = cache.wrap(async (n: number) => n, { name: 'load' })
  for (let n = 0; n < 20; n++) assert.equal(await load(n), n)
  await cache.settled()
  const stats = cache.stats()
  assert.deepEqual([stats.storageState, stats.storageErrors, events.filter(({ type }) => type === 'storage-error').length], ['open', storage.faultCount, storage.faultCount])
  assert.ok(storage.faultCount < 15)
  storage.faults.fail = 0
  await time.advance('2m')
  assert.equal(cache.stats().storageState, 'closed')
  await load(100)
  await cache.settled()
  assert.ok(storage.calls.slice(-3).includes('set'))
})

test('What is listed of a storage that is silent is refused, not taken for all', async () => {
  const { guard, clock } = guarded({ keys: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) })
  const listed = (async () => { for await (const _ of guard.keys()) assert.fail() })()
  listed.catch(() => {})
  await clock.advance('10s')
  await assert.rejects(listed, StorageError)
  await assert.rejects(async () => { for await (const _ of guard.keys()) assert.fail() }, /not all of it was looked at/)
})

test('A write that ends after a deletion was refused does not settle that debt; all debts are paid, however many', async () => {
  const entries = new Map<string, Uint8Array>()
  const storage = memory(entries)
  const slow = gate()
  let down = false
  const hangs = (): Promise<void> => (down ? new Promise(() => {}) : Promise.resolve())
  const { guard, clock, events } = guarded({
    get: async key => { await hangs(); return storage.get(key) },
    set: async (...args) => { if (args[0] === 'slow') await slow.promise; await storage.set(...args) },
    delete: async key => { await hangs(); await storage.delete(key) },
  })
  for (let i = 0; i < 200; i++) guard.set(`k${i}`, bytes, {})
  await guard.settled()
  guard.set('slow', bytes, {})
  await clock.advance(1)
  down = true
  void guard.get('other')
  await clock.advance(250)
  assert.equal(guard.state, 'open')
  const deleted = [guard.delete('slow'), ...Array.from({ length: 200 }, (_, i) => guard.delete(`k${i}`))]
  assert.deepEqual(new Set(await Promise.all(deleted)), new Set([false]), 'at once')
  slow.open()
  await turns()
  assert.equal(entries.size, 201)
  assert.equal(await guard.get('slow'), undefined)
  down = false
  await clock.advance('1m')
  assert.deepEqual([...entries.keys()], [])
  assert.deepEqual(statesOf(events).at(-1), 'closed')
  assert.equal(clock.timers, 0)
})

test('What fails for many with one and the same error is one failure', async () => {
  const error = new Error('the database cannot be opened')
  const { guard, events } = guarded({ get: async () => { throw error } })
  await Promise.all([guard.get('a'), guard.get('b'), guard.get('c')])
  assert.deepEqual([guard.errors, events.filter(({ type }) => type === 'storage-error').length], [1, 1])
})

test('null is nothing, and what is no bytes is an error that says so', async () => {
  const nothing = guarded({ get: async () => null as never })
  assert.deepEqual(await nothing.guard.tryGet('k'), { ok: true, bytes: undefined })
  for (const wrong of ['text', [1], new ArrayBuffer(2), 5]) {
    const { guard, events } = guarded({ get: async () => wrong as never })
    assert.deepEqual((await guard.tryGet('k')).ok, false)
    const [event] = events
    assert.match(String(event?.type === 'storage-error' && event.error), /get\(\) answered with .* Uint8Array, or with undefined/)
  }
  const { cache } = await bench({ storage: { get: async () => null, set: async () => {}, delete: async () => {} } as never })
  assert.equal(await cache.wrap(async () => 'computed', { name: 'f' })(), 'computed')
})

test('Who closes is told of what was set and is not there, and of invalidations', async () => {
  const hanging = guarded({ set: () => new Promise(() => {}) })
  hanging.guard.set('k', bytes, {}, true)
  const closing = hanging.guard.close(2)
  for (let i = 0; i < 60; i++) {
    await turns(2)
    await hanging.clock.advance(250)
  }
  await closing
  assert.match(String(hanging.events.map(event => event.type === 'storage-error' && event.error)), /not told of 1 change and 2 invalidations\./)
  const calm = guarded({})
  await calm.guard.close()
  assert.deepEqual(calm.events, [])
})

test('A lease is given back when the write under its key has ended, however long that takes; settled() and close() wait for it', async () => {
  const written = gate()
  const order: string[] = []
  const { guard, clock } = guarded({ set: async () => { await written.promise; order.push('written') } })
  guard.set('k', bytes, {})
  void guard.giveBack('k', { fence: 1, renew: async () => true, release: async () => { order.push('released') } })
  await turns()
  await clock.advance(2_000)
  assert.deepEqual(order, [])
  written.open()
  await guard.settled()
  assert.deepEqual(order, ['written', 'released'])
})

test('Who could not listen is asked again when the storage is there, a few times', async () => {
  let asked = 0
  const { guard, clock, background } = guarded({ publish: async () => {}, subscribe: async () => { asked++; throw new Error('not now') } })
  guard.returned = async () => void (await guard.subscribe(() => {}))
  assert.equal(await guard.subscribe(() => {}), false)
  for (let i = 0; i < 400; i++) {
    await clock.advance(1_000)
    await turns(2)
  }
  await Promise.all(background)
  assert.equal(asked, 6)
})

test('settled() and close() wait for messages, so that who ends at once is heard', async () => {
  for (const end of ['settled', 'close'] as const) {
    const sent = gate()
    const order: string[] = []
    const { guard } = guarded({ publish: async () => { await sent.promise; order.push('sent') }, subscribe: async () => async () => {}, close: async () => void order.push('closed') })
    void guard.publish(bytes)
    const ended = guard[end]().then(() => order.push('ended'))
    await turns()
    assert.deepEqual(order, [])
    sent.open()
    await ended
    assert.deepEqual(order, end === 'close' ? ['sent', 'closed', 'ended'] : ['sent', 'ended'])
  }
})

test('Of what was begun so far it can be waited for, whatever goes on being written', async () => {
  const writes = [gate(), gate()]
  let begun = 0
  const { guard } = guarded({ set: async () => writes[begun++]!.promise })
  guard.set('k', bytes, {})
  await turns()
  const settled = guard.settled(true)
  guard.set('another', bytes, {})
  await turns()
  assert.equal(begun, 2)
  writes[0]!.open()
  await settled
  writes[1]!.open()
})

test('To be closed while one begins to listen is no failure, and ends that', async () => {
  for (const fails of [true, false]) {
    const connecting = gate<() => Promise<void>>()
    let listening = 0
    const { guard, events } = guarded({ publish: async () => {}, subscribe: async () => (listening++, connecting.promise) })
    const subscribed = guard.subscribe(() => {})
    await turns()
    const closed = guard.close()
    if (fails) connecting.fail(new Error('this storage is closed'))
    else connecting.open(async () => void listening--)
    await Promise.all([subscribed, closed])
    assert.deepEqual([events, guard.errors], [[], 0])
    if (!fails) assert.equal(listening, 0)
  }
})
