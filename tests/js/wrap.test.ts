/** A wrapped function, and what hangs on it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { DeadlineError, OptionError } from '../../js/errors.js'
import { bench, gate, turns } from './harness.js'

test('`this` is the function\'s own, for calls and for what hangs on them, and no part of the key', async () => {
  const { cache } = await bench()
  class Painter {
    constructor(readonly brush: string) {}
    paint = cache.wrap(async function (this: Painter, what: string) { return `${what} in ${this.brush}` }, { name: 'paint' })
    draw = cache.wrap(async function (this: Painter, what: string) { return `${what} in ${this.brush}` }, { name: 'draw', key: function (this: unknown, what: string) { return [(this as Painter).brush, what] } as never })
  }
  const [oil, ink] = [new Painter('oil'), new Painter('ink')]
  assert.equal(await oil.paint('sea'), 'sea in oil')
  assert.equal(await ink.paint('sea'), 'sea in oil', 'what counts of `this` is to be said by `key`')
  assert.deepEqual([await oil.draw('sea'), await ink.draw('sea'), await oil.draw('sea')], ['sea in oil', 'sea in ink', 'sea in oil'])
  assert.deepEqual([await ink.draw.peek.call(ink, 'sea'), (await ink.draw.withInfo.call(ink, 'sea')).value], ['sea in ink', 'sea in ink'])
  await ink.draw.invalidate.call(ink, 'sea')
  assert.deepEqual([await ink.draw.peek.call(ink, 'sea'), await oil.draw.peek.call(oil, 'sea')], [undefined, 'sea in oil'])
  const bare = cache.wrap(async function (this: unknown) { return this === undefined }, { name: 'bare' })
  assert.deepEqual([await bare.fresh(), (await bare.with({ deadline: '1s' })())], [true, true], 'ask.fresh() has no `this` of the function\'s')
})

test('A synchronous function becomes one that returns a promise; what it throws at once is a rejection', async () => {
  const { cache } = await bench()
  const sync = cache.wrap((n: number) => { if (n < 0) throw new RangeError('below 0'); return n + 1 }, { name: 'sync' })
  const asked = sync(1)
  assert.ok(asked instanceof Promise)
  assert.equal(await asked, 2)
  await assert.rejects(sync(-1), RangeError)
  const thenable = cache.wrap(() => ({ then: (resolve: (value: number) => void) => resolve(7) }), { name: 'thenable' })
  assert.deepEqual([await thenable(), await thenable()], [7, 7])
})

test('Functions with a context hide it from their callers, their name, their length and their key', async () => {
  const { cache } = await bench()
  const load = cache.wrap(async function load(ctx, a: number, b: number) { ctx.ttl('1m'); return a + b }, { context: true })
  assert.deepEqual([load.name, load.length, await load(1, 2)], ['load', 2, 3])
  assert.equal(await load.key(1, 2), await cache.wrap(async (a: number, b: number) => a + b, { name: 'load' }).key(1, 2))
  const tagged = cache.wrap(async (_ctx, a: string) => a, { name: 'tagged', context: true, tags: a => [`of ${a}`], key: a => a.length })
  await tagged('abc')
  assert.equal(await tagged('xyz'), 'abc')
  await cache.invalidate({ tag: 'of abc' })
  assert.equal(await tagged('xyz'), 'xyz')
  for (const wrong of [1, 'true', null]) assert.throws(() => cache.wrap(async () => 1, { name: 'x', context: wrong as never }), /^OptionError: context: /)
})

test('Decorated methods: name, `this`, options; a context is refused by the types and works where it is forced', async () => {
  const { cache } = await bench()
  class Shop {
    constructor(readonly name: string) {}
    @cache.cached({ ttl: '1m', tags: ['shops'] })
    async price(id: number): Promise<string> { return `${this.name} ${id}` }
    // @ts-expect-error: `context` is for wrap()
    @cache.cached({ name: 'odd', context: true })
    async odd(ctx: unknown, id?: number): Promise<unknown> { return [typeof ctx, id] }
  }
  const shop = new Shop('corner')
  assert.equal(await shop.price(1), 'corner 1')
  assert.equal(await new Shop('other').price(1), 'corner 1')
  await cache.invalidate({ name: 'price' })
  assert.equal(await new Shop('other').price(1), 'other 1')
  assert.deepEqual(await (shop.odd as unknown as (id: number) => Promise<unknown>)(5), ['object', 5])
  for (const kind of ['class', 'getter', 'field', 'accessor']) assert.throws(() => cache.cached({})(async () => 1, { kind, name: 'x' } as never), OptionError)
  assert.equal(await cache.cached({ name: 'symbolic' })(async () => 1, { kind: 'method', name: Symbol('x') } as never)(), 1)
})

test('A deadline is one caller\'s: it rejects, the function goes on for the others, or is told that nobody waits', async () => {
  const { cache, time } = await bench()
  const answer = gate<string>()
  let signal: AbortSignal | undefined
  const load = cache.wrap((ctx, _: number) => { signal = ctx.signal; return answer.promise }, { name: 'load', context: true })
  const [hasty, patient] = [load.with({ deadline: 100 })(1), load.with({ deadline: '1m' })(1)]
  hasty.catch(() => {})
  await time.advance(100)
  await assert.rejects(hasty, (error: Error) => error instanceof DeadlineError && /"load" was not there within the caller's deadline of 100 ms/.test(error.message))
  assert.equal(signal!.aborted, false)
  answer.open('in time')
  assert.equal(await patient, 'in time')
  await turns()
  assert.equal(time.timers, 0, 'what waited for the deadline is taken back')
  const never = cache.getOrSet('a', ctx => { signal = ctx.signal; return new Promise(() => {}) }, { deadline: '1s' })
  never.catch(() => {})
  await time.advance('1s')
  await assert.rejects(never, DeadlineError)
  assert.equal(signal!.aborted, true)
})

test('`ignore` and `key` say what counts; what they leave out is still given to the function', async () => {
  const { cache } = await bench()
  const ask = cache.wrap(async (request: { prompt: string; user?: string; meta?: { trace?: string; lang?: string } }) => request, { name: 'ask', ignore: ['user', 'meta.trace'] })
  assert.deepEqual(await ask({ prompt: 'x', user: 'a', meta: { trace: '1', lang: 'en' } }), { prompt: 'x', user: 'a', meta: { trace: '1', lang: 'en' } })
  assert.equal((await ask({ prompt: 'x', user: 'b', meta: { trace: '2', lang: 'en' } })).user, 'a')
  assert.equal((await ask({ prompt: 'x', user: 'b', meta: { lang: 'de' } })).user, 'b')
  assert.throws(() => cache.wrap(async (_: object) => 1, { name: 'x', ignore: ['a'], key: () => 1 }), /^OptionError: ignore: has nothing to do beside `key`/)
})
