/** What a function can tell the cache about the result that it is making. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Context } from '../../js/context.js'
import { OptionError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, entriesIn, gate, turns, until } from './harness.js'

test('ctx.skip: the value is returned to all who wait, as copies, and is not stored', async () => {
  const storage = countedStorage()
  const { cache, transcript } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async ctx => ctx.skip({ run: ++runs, list: [] as number[] }), { name: 'load', context: true })
  const [one, two] = await Promise.all([load(), load()])
  one.list.push(1)
  assert.deepEqual([one, two], [{ run: 1, list: [1] }, { run: 1, list: [] }])
  assert.equal((await load()).run, 2)
  await cache.settled()
  assert.deepEqual(entriesIn(storage), [])
  assert.ok(transcript().includes('not-stored:skipped'))
  assert.equal(cache.stats().notStored, 2)
})

test('ctx.ttl: this result lives as long as it says, in memory and in storage', async () => {
  const storage = memory()
  const { cache, time } = await bench({ storage })
  const load = cache.wrap(async (ctx, ttl: number) => { ctx.ttl(ttl); return ttl }, { name: 'load', context: true, ttl: '1h' })
  const status = async (ttl: number): Promise<string> => (await load.withInfo(ttl)).info.status
  assert.equal((await load.withInfo(1_000)).info.ttlMs, 1_000)
  await load(7_200_000)
  await cache.settled()
  await time.advance(1_000)
  assert.deepEqual([await status(1_000), await status(7_200_000)], ['miss', 'hit'])
  await time.advance('1h')
  const elsewhere = await bench({ storage, clock: time })
  const again = elsewhere.cache.wrap(async (_ctx, ttl: number) => ttl, { name: 'load', context: true })
  assert.equal((await again.withInfo(7_200_000)).info.status, 'hit')
})

test('ctx.ttl and ctx.cost refuse what is none; the call fails with that, and nothing is stored', async () => {
  const { cache } = await bench()
  for (const wrong of ['soon', NaN, -1] as never[]) {
    await assert.rejects(cache.getOrSet('a', ctx => ctx.ttl(wrong)), /^OptionError: ctx\.ttl: .* is not a duration/)
    await assert.rejects(cache.getOrSet('a', ctx => ctx.cost(wrong)), /^OptionError: ctx\.cost: .* is not a cost/)
  }
  await assert.rejects(cache.getOrSet('a', ctx => ctx.cost(Infinity)), OptionError)
  await assert.rejects(cache.getOrSet('a', ctx => ctx.tags('')), /^OptionError: ctx\.tags: "" is not a tag/)
  await assert.rejects(cache.getOrSet('a', ctx => ctx.tags(5 as never)), OptionError)
  assert.equal(cache.stats().entries, 0)
})

test('ctx.cost: a hit saves what the function says that the result cost, in place of the time it took', async () => {
  const { cache, time } = await bench()
  const dear = cache.wrap(async ctx => { ctx.cost(400); return 1 }, { name: 'dear', context: true })
  const slow = cache.wrap(async () => { await new Promise<void>(resolve => time.after(250, resolve)); return 1 }, { name: 'slow' })
  await dear()
  const asked = slow()
  await time.advance(250)
  await asked
  assert.deepEqual([(await dear.withInfo()).info.savedMs, (await slow.withInfo()).info.savedMs, cache.stats().savedMs], [400, 250, 650])
})

test('ctx.tags: a result depends on what it turns out to hold, here and elsewhere', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const two = await bench({ storage, invalidationLag: 0 })
  const make = ({ cache }: typeof one, what: string) => cache.wrap(async (ctx, id: number) => { ctx.tags(`team:${id % 2}`, 'teams'); return `${what} ${id}` }, { name: 'load', context: true })
  const [load, elsewhere] = [make(one, 'first'), make(two, 'second')]
  await Promise.all([load(1), load(2)])
  await one.cache.settled()
  assert.deepEqual(await Promise.all([elsewhere(1), elsewhere(2)]), ['first 1', 'first 2'], 'another process finds it, though it never heard of the tag')
  await one.cache.invalidate({ tag: 'team:1' })
  assert.deepEqual([await elsewhere(1), await elsewhere(2)], ['second 1', 'first 2'])
  await two.cache.settled()
  await one.cache.invalidate({ tag: 'teams' })
  assert.deepEqual([await load(1), await load(2)], ['first 1', 'first 2'])
})

test('A tag that is invalidated between the start of a function and its ctx.tags() takes effect: the result is not kept', async () => {
  for (const known of [true, false]) {
    const storage = memory()
    const { cache, transcript } = await bench({ storage })
    const running = gate()
    let runs = 0
    const load = async (ctx: { tags(...tags: string[]): void }): Promise<number> => { const run = ++runs; if (run === 1) await running.promise; ctx.tags('late'); return run }
    if (known) await cache.set('other', 1, { tags: ['late'] })
    const first = cache.getOrSet('a', load)
    await until(() => runs === 1)
    await cache.invalidate({ tag: 'late' })
    running.open()
    assert.equal(await first, 1)
    assert.ok(transcript().includes('not-stored:invalidated'), `known before: ${known}`)
    assert.equal(await cache.getOrSet('a', load), 2)
    await cache.settled()
    assert.equal(await (await bench({ storage })).cache.get('a'), 2)
  }
})

test('ctx.stale: the result that is to be replaced, a copy each time, where it may still answer somebody; else undefined', async () => {
  const { cache, time } = await bench()
  const seen: unknown[] = []
  const load = cache.wrap(async ctx => {
    const stale = ctx.stale as { list: number[] } | undefined
    stale?.list.push(666)
    seen.push(ctx.stale)
    return { list: [seen.length] }
  }, { name: 'load', context: true, ttl: '1m', swr: '1m', staleIfError: '10m' })
  await load()
  await time.advance('1m')
  assert.deepEqual(await load(), { list: [1] }, 'and what the function does to its copy is its own affair')
  await cache.settled()
  await time.advance('3m')
  await load()
  await load.expire()
  await load()
  await cache.settled()
  await time.advance('12m')
  await load()
  await load.invalidate()
  await load()
  assert.deepEqual(seen, [undefined, { list: [1] }, { list: [2] }, { list: [3] }, undefined, undefined])
})

test('ctx.notModified: the stale result is as good as new; where there is none it throws', async () => {
  const storage = memory()
  const { cache, time } = await bench({ storage })
  let asked = 0
  const load = cache.wrap(async ctx => (asked++, ctx.stale === undefined ? { etag: 'v1' } : ctx.notModified()), { name: 'load', context: true, ttl: '1m', staleIfError: '1h' })
  await load()
  await time.advance('2m')
  const { value, info } = await load.withInfo()
  assert.deepEqual([value, info.status, info.ageMs, asked], [{ etag: 'v1' }, 'miss', 0, 2])
  assert.deepEqual([await load(), asked], [{ etag: 'v1' }, 2])
  await cache.settled()
  const elsewhere = await bench({ storage, clock: time })
  assert.equal((await elsewhere.cache.wrap(async () => 1, { name: 'load' }).withInfo()).info.status, 'hit')
  await assert.rejects(cache.getOrSet('none', ctx => ctx.notModified()), /^OptionError: ctx\.notModified: there is no result to keep/)
})

test('What a context offers can be taken out of it, and its signal is made only where it is asked for', () => {
  const tags: unknown[] = []
  let signals = 0
  const flight = { get signal() { signals++; return new AbortController().signal }, moreTags: tags as never[] }
  const context = new Context(flight, undefined, values => values as never)
  const { skip, ttl, cost, tags: tag } = context
  assert.equal(skip(5), 5)
  ttl('1m')
  cost(3)
  tag('a', 'b')
  assert.deepEqual([context.skipped, context.ttlMs, context.costGiven, tags, signals, context.stale], [true, 60_000, 3, ['a', 'b'], 0, undefined])
})

test('ctx.tags: what another process invalidates after a tag was told, and before the function returns, is seen by all', async () => {
  const storage = memory()
  const elsewhere = await bench({ storage })
  await elsewhere.cache.getOrSet('before', () => 1, { tags: ['prices'] })
  const { cache } = await bench({ storage })
  const answer = gate<number>()
  const call = cache.getOrSet('a', ctx => (ctx.tags('prices'), answer.promise))
  await turns()
  await elsewhere.cache.invalidate({ tag: 'prices' })
  answer.open(1)
  assert.equal(await call, 1)
  await cache.settled()
  assert.equal(await elsewhere.cache.getOrSet('a', () => 2), 2)
})

test('getOrSet gives its load the same context', async () => {
  const { cache, time } = await bench()
  const value = await cache.getOrSet('a', ctx => { ctx.ttl('1m'); ctx.tags('t'); ctx.cost(5); assert.equal(ctx.signal.aborted, false); return 1 })
  assert.equal(value, 1)
  await cache.get('a')
  assert.equal(cache.stats().savedMs, 5)
  await cache.invalidate({ tag: 't' })
  assert.equal(await cache.has('a'), false)
  await cache.getOrSet('a', ctx => { ctx.ttl('1m'); return 2 })
  await time.advance('1m')
  assert.equal(await cache.has('a'), false)
})

test('A cost that memory cannot hold is refused', async () => {
  const { cache } = await bench()
  const load = (cost: number): Promise<unknown> => cache.getOrSet(['k', String(cost)], ctx => (ctx.cost(cost), 1))
  await load(1e30)
  for (const cost of [1e31, Infinity, NaN, -1]) await assert.rejects(load(cost), /^OptionError: ctx\.cost: .* is not a cost\. Give a number from 0 to 1e\+30/)
})
