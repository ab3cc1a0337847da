/** From departure to landing: storage, older versions, the function, and what stands in where it fails. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, entriesIn, gate, turns, until } from './harness.js'

test('forceFresh: the function runs whatever there is, and its result is what later calls get', async () => {
  const { cache, transcript } = await bench({ storage: memory() })
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  await load()
  transcript()
  assert.deepEqual([await load.fresh(), await load(), await load.with({ forceFresh: true })(), await load()], [2, 2, 3, 3])
  assert.deepEqual(transcript(), ['miss:forced', 'computed', 'stored', 'hit:memory', 'miss:forced', 'computed', 'stored', 'hit:memory'])
  assert.equal(await cache.getOrSet('a', () => 1), 1)
  assert.equal(await cache.getOrSet('a', () => 2, { forceFresh: true }), 2)
  assert.equal(await cache.get('a'), 2)
})

test('forceFresh: should the function fail, a result within staleIfError answers, of memory or of storage; without it the error does', async () => {
  const storage = memory()
  const one = await bench({ storage })
  await one.cache.set('a', 'before', { ttl: '1m' })
  for (const { cache, time } of [one, await bench({ storage, clock: one.time })]) {
    const fails = (): never => { throw new Error('today not') }
    assert.equal(await cache.getOrSet('a', fails, { forceFresh: true, staleIfError: '1h', ttl: '1m' }), 'before')
    await assert.rejects(cache.getOrSet('a', fails, { forceFresh: true }), /today not/)
    await assert.rejects(cache.getOrSet('b', fails, { forceFresh: true, staleIfError: '1h' }), /today not/)
    assert.equal(await cache.get('a'), 'before', 'and it is there still')
    assert.ok(time)
  }
})

test('What is set while the function runs stands in where that is slow or fails, and not what was there before', async () => {
  for (const { storage } of [{}, { storage: memory() }]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    const options = { ttl: '1s', staleIfError: '1h' } as const
    await cache.set('a', 'before', options)
    await time.advance(2_000)
    const slow = gate()
    const call = cache.getOrSet('a', () => slow.promise, { ...options, softTimeout: 100 })
    await turns()
    await cache.set('a', 'meanwhile', options)
    await time.advance(100)
    assert.equal(await call, 'meanwhile')
    await time.advance(2_000)
    const fails = gate()
    const failing = cache.getOrSet('a', () => fails.promise, { ...options, forceFresh: true })
    await turns()
    await cache.set('a', 'last', options)
    fails.fail(new Error('today not'))
    assert.equal(await failing, 'last')
  }
})

test('What is set in vain while the function runs leaves nothing to go back to', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const options = { ttl: '1s', staleIfError: '1h' } as const
  await one.cache.set('a', 'before', options)
  await one.time.advance(2_000)
  const held = gate<string>()
  const { cache } = await bench({ clock: one.time, storage: { ...storage, delete: async key => { await held.promise; await storage.delete(key) } } })
  const fails = gate()
  const vain = cache.set('a', () => 'no value that could be kept', options)
  const call = cache.getOrSet('a', () => fails.promise, options)
  await turns()
  held.open('')
  await vain
  fails.fail(new Error('today not'))
  await assert.rejects(call, /today not/)
})

test('forceFresh joins no computation that began without it, and supersedes it; those who want fresh ones share one', async () => {
  const { cache, transcript } = await bench()
  const gates = [gate(), gate()]
  let runs = 0
  const load = cache.wrap(async () => { const run = runs++; await gates[run]?.promise; return run }, { name: 'load' })
  const plain = load()
  await until(() => runs === 1)
  const forced = [load.fresh(), load.fresh(), load()]
  await until(() => runs === 2)
  gates[1]!.open()
  assert.deepEqual(await Promise.all(forced), [1, 1, 1])
  gates[0]!.open()
  assert.deepEqual([await plain, await load(), runs], [0, 1, 2])
  assert.ok(transcript().includes('not-stored:superseded'))
})

test('cacheErrors: an error is a result for its ttl, where when() says so, in memory and in storage; each caller gets a copy', async () => {
  const storage = memory()
  const one = await bench({ storage })
  let runs = 0
  const options = { name: 'load', ttl: '1d', swr: '1d', cacheErrors: { ttl: '10s', when: (error: unknown) => (error as { status?: number }).status !== 500 } } as const
  const failing = async (status: number): Promise<number> => { runs++; throw Object.assign(new RangeError(`status ${status}`), { status }) }
  const load = one.cache.wrap(failing, options)
  await assert.rejects(load(500), /status 500/)
  await assert.rejects(load(500), /status 500/)
  assert.equal(runs, 2)
  const errors = await Promise.all([1, 2, 3].map(() => load(404).catch((error: Error) => error)))
  assert.equal(runs, 3)
  const later = await Promise.all([load(404).catch((error: Error) => error), load(404).catch((error: Error) => error)])
  assert.notEqual(later[0], later[1])
  for (const error of [...errors, ...later]) assert.deepEqual([(error as Error).name, (error as Error).message], ['RangeError', 'status 404'])
  await one.cache.settled()
  const two = await bench({ storage, clock: one.time })
  const elsewhere = two.cache.wrap(async (_: number): Promise<number> => assert.fail('it ran'), options)
  await assert.rejects(elsewhere(404), /status 404/)
  await assert.rejects(elsewhere(404), /status 404/)
  await assert.rejects(elsewhere.peek(404), /status 404/)
  await one.time.advance('10s')
  await assert.rejects(load(404), /status 404/)
  assert.equal(runs, 4, 'its ttl is over; there is no stale error')
})

test('cacheErrors: what was thrown may be no error; what cannot be kept is thrown anew; a stale result is preferred', async () => {
  const { cache, time } = await bench({ storage: memory() })
  for (const thrown of ['a text', undefined, null, 0, { code: 5, list: [1] }, [1]]) {
    for (const freeze of [false, true]) {
      let runs = 0
      const load = cache.wrap(async () => { runs++; throw thrown }, { name: `load ${JSON.stringify(thrown)} ${freeze}`, cacheErrors: { ttl: '1m' }, freeze })
      for (let i = 0; i < 3; i++) assert.deepEqual(await load().then(() => assert.fail(), (error: unknown) => [error]), [thrown])
      assert.equal(runs, 1)
    }
  }
  let odd = 0
  const unkept = cache.wrap(async () => { odd++; throw () => 1 }, { name: 'unkept', cacheErrors: { ttl: '1m' } })
  for (let i = 0; i < 2; i++) assert.equal(typeof (await unkept().catch((error: unknown) => error)), 'function')
  assert.equal(odd, 2)
  let fails = false
  let runs = 0
  const load = cache.wrap(async () => { runs++; if (fails) throw new Error('down'); return 'well' }, { name: 'load', ttl: '1m', staleIfError: '1h', cacheErrors: { ttl: '1m' } })
  await load()
  fails = true
  await time.advance('1m')
  assert.deepEqual([await load(), await load(), runs], ['well', 'well', 3])
})

test('migrate: older versions are tried in order, changed once, kept for the rest of their time and under their tags', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const of = (version: number, ids: string[]) => {
    const load = one.cache.wrap(async (ctx, id: string) => { ctx.tags(`user:${id}`); return { version, id } }, { name: 'load', version, ttl: '1h', context: true })
    return Promise.all(ids.map(id => load(id)))
  }
  await of(1, ['a', 'b'])
  await of(2, ['b', 'c'])
  await one.cache.settled()
  await one.time.advance('20m')
  const two = await bench({ storage, clock: one.time })
  const seen: unknown[] = []
  let runs = 0
  const load = two.cache.wrap(async (id: string) => { runs++; return { id, from: 3 } }, {
    name: 'load', version: 3, ttl: '1h',
    migrate: { from: [2, 1], to: async (old, version) => { seen.push(version); if ((old as { id: string }).id === 'c') throw new Error('cannot'); return { id: (old as { id: string }).id, from: version as number } } },
  })
  assert.deepEqual(await load('a'), { id: 'a', from: 1 })
  assert.deepEqual(two.transcript(), ['miss:absent', 'stored'])
  assert.deepEqual([await load('b'), await load('b'), await load('a')], [{ id: 'b', from: 2 }, { id: 'b', from: 2 }, { id: 'a', from: 1 }])
  two.transcript()
  assert.deepEqual(await load('c'), { id: 'c', from: 3 })
  assert.deepEqual([two.transcript(), seen, runs], [['miss:absent', 'refused:not-migrated', 'computed', 'stored'], [1, 2, 2], 1])
  await two.cache.settled()
  const { info } = await load.withInfo('a')
  assert.deepEqual([info.status, info.ttlMs], ['hit', 40 * 60_000])
  await two.cache.invalidate({ tag: 'user:a' })
  assert.deepEqual(await load('a'), { id: 'a', from: 3 }, 'a tag that the old result had told')
  await one.time.advance('40m')
  assert.deepEqual(await load('b'), { id: 'b', from: 3 })
})

test('migrate: neither dead results nor errors nor what validate refuses is used', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const old = one.cache.wrap(async (id: string) => { if (id === 'error') throw new Error('kept'); return id }, { name: 'load', version: 1, ttl: '1m', swr: '1h', cacheErrors: { ttl: '1h' } })
  await Promise.all([old('over'), old('error').catch(() => {}), old('dead')])
  await one.cache.settled()
  await old.invalidate('dead')
  await one.time.advance('2m')
  await old('bad')
  await one.cache.settled()
  await old('bad')
  const two = await bench({ storage, clock: one.time })
  const load = two.cache.wrap(async (id: string) => `new ${id}`, { name: 'load', version: 2, validate: (value: string) => value !== 'migrated bad', migrate: { from: [1], to: value => `migrated ${value as string}` } })
  for (const id of ['over', 'error', 'dead', 'bad', 'unknown']) assert.equal(await load(id), `new ${id}`)
  assert.equal(await (await bench({ storage })).cache.wrap(async (_: string) => assert.fail('it ran'), { name: 'load', version: 2 })('over'), 'new over')
})

test('A key that is invalidated while storage is asked runs the function: what storage had is not believed', async () => {
  const entries = memory()
  const one = await bench({ storage: entries })
  await one.cache.set('a', 'old')
  const reading = gate()
  let slow = true
  const { cache } = await bench({ storage: { ...entries, async get(key) {
    const bytes = await entries.get(key)
    if (slow && key.length === 64) await reading.promise
    return bytes
  } } })
  const asked = cache.getOrSet('a', () => 'new')
  await turns()
  await cache.delete('a')
  slow = false
  reading.open()
  assert.equal(await asked, 'new')
  assert.equal(await cache.getOrSet('a', () => 'newer'), 'newer', 'what was asked for before is not kept')
})

test('The value is returned before it is written, and one write is made', async () => {
  const storage = countedStorage()
  const written = gate()
  const { cache } = await bench({ storage: { async set(key, entry) { if (key.length === 64) await written.promise; return storage.set(key, entry, {}) }, get: key => storage.get(key), delete: key => storage.delete(key) } })
  assert.equal(await cache.wrap(async () => 1, { name: 'load' })(), 1)
  assert.deepEqual(entriesIn(storage), [])
  const settled = cache.settled()
  written.open()
  await settled
  assert.equal(entriesIn(storage).length, 1)
})
