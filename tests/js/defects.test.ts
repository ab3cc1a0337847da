/**
 * What other caches were seen to do wrong, each tried here: "we do not do this". The numbers are those of the list that the
 * defects were collected in. D4, D14 and D16 (what storages make of keys and of times) come with the storages; D19 (a bundle for browsers that
 * does not start) with the packages.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CallContext } from '../../js/context.js'
import { DeadlineError, KeyError, OptionError, ReentrantCallError } from '../../js/errors.js'
import { createCache } from '../../js/runtimes/node.js'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, gate, turns, until } from './harness.js'

const day = 86_400_000

test('D1: prompts whose 32-bit hashes collide never get each other\'s answers', async () => {
  const { cache } = await bench()
  const ask = cache.wrap(async (request: { prompt: string }) => `the answer to ${request.prompt}`, { name: 'llm' })
  // 'Ez' and 'FY' are one and the same to djb2, and so are all texts that are made of them.
  const prompts = Array.from({ length: 1024 }, (_, n) => `refund order ${n.toString(2).padStart(10, '0').replaceAll('0', 'Ez').replaceAll('1', 'FY')}`)
  assert.equal(new Set(prompts.map(djb2)).size, 1)
  for (let round = 0; round < 2; round++) for (const prompt of prompts) assert.equal(await ask({ prompt }), `the answer to ${prompt}`)
  assert.equal(cache.stats().hits, 1024)
})

test('D2: two anonymous functions never share entries: they are refused until they have names', async () => {
  const { cache } = await bench()
  assert.throws(() => cache.wrap(async () => 1), (error: Error) => error instanceof OptionError && /^name: the function has none of its own/.test(error.message))
  assert.throws(() => cache.cached()((() => 1)), OptionError)
  const one = cache.wrap(async (_: number) => 'one', { name: 'one' })
  const two = cache.wrap(async (_: number) => 'two', { name: 'two' })
  assert.deepEqual([await one(1), await two(1), await one(1), await two(1)], ['one', 'two', 'one', 'two'])
})

test('D3: arguments that differ have entries of their own, or are refused; those that are equal share one', async () => {
  const { cache } = await bench()
  let runs = 0
  const ask = cache.wrap(async (..._: unknown[]) => ++runs, { name: 'ask' })
  class Secret {
    #state
    constructor(state: number) { this.#state = state }
    get state(): number { return this.#state }
  }
  const bytes = (...of: number[]): ArrayBuffer => Uint8Array.from(of).buffer
  const differ: [unknown[], unknown[]][] = [
    [[1], ['1']], [[undefined], [null]], [[NaN], [null]], [[Infinity], [null]], [[[undefined]], [[null]]], [['null'], [null]], [[true], ['true']],
    [[new Date(0)], ['1970-01-01T00:00:00.000Z']], [[new Map([[1, 2]])], [new Map([[3, 4]])]], [[new Map()], [{}]], [[new Set([1])], [new Set([2])]],
    [[/a/], [/b/]], [[/a/g], [/a/i]], [[new Error('a')], [new Error('b')]], [[new URL('http://x/?q=1')], [new URL('http://x/?q=2')]],
    [[bytes(1)], [bytes(2)]], [[Uint8Array.of(1)], [{ 0: 1 }]], [[Uint8Array.of(1)], [Int8Array.of(1)]], [[1n], [1]], [[1n], [2n]],
    [['\ud800'], ['\ufffd']], [['a\u0001b'], ['a', 'b']], [['a', 'b'], [['a', 'b']]], [[], [undefined]], [[{ a: undefined }], [{}]], [[[, 1]], [[undefined, 1]]],
    [[new URLSearchParams('a=1')], [new URLSearchParams('a=2')]], [[() => 1], [() => 2]], [[Symbol('a')], [Symbol('a')]], [[new Secret(1)], [new Secret(2)]],
  ]
  for (const [left, right] of differ) {
    const [one, two] = [await end(ask(...left)), await end(ask(...right))]
    if (one instanceof KeyError || two instanceof KeyError) continue
    assert.notEqual(one, two, `${String(left)} and ${String(right)}`)
    assert.equal(typeof one, 'number')
  }
  // Refused are those that nothing can be told of, and no others.
  const refused = differ.flat().filter(([value]) => typeof value === 'function' || typeof value === 'symbol' || value instanceof Secret || value instanceof URLSearchParams)
  for (const args of differ.flat()) assert.equal((await end(ask(...args))) instanceof KeyError, refused.includes(args) && !(args[0] instanceof URLSearchParams), String(args[0]))
  const same: [unknown[], unknown[]][] = [
    [[{ a: 1, b: 2 }], [{ b: 2, a: 1 }]], [[new Map([[1, 2], [3, 4]])], [new Map([[3, 4], [1, 2]])]], [[new Date(5)], [new Date(5)]], [[[1, [2]]], [[1, [2]]]],
  ]
  for (const [left, right] of same) assert.equal(await ask(...left), await ask(...right))
})

for (const [how, forget] of forgetting()) {
  test(`D5: an invalidation during a computation (${how}) wins: the old value is not stored afterwards`, async () => {
    const storage = memory()
    const { cache } = await bench({ storage })
    let version = 'old'
    const running = gate()
    let runs = 0
    const load = async (context: { tags(...tags: string[]): void }): Promise<string> => {
      const found = version
      context.tags('late')
      if (++runs === 1) await running.promise
      return found
    }
    const ask = (): Promise<string> => cache.getOrSet('user:1', load, { tags: ['early'], staleIfError: '1d', swr: 0 })
    const before = ask()
    await until(() => runs === 1)
    version = 'new'
    await forget(cache)
    const meanwhile = how === 'set' ? cache.get('user:1') : ask()
    assert.equal(await meanwhile, 'new', 'who asks afterwards is not given what was begun before')
    running.open()
    assert.equal(await before, 'old', 'who asked before gets an answer')
    assert.equal(await ask(), 'new')
    await cache.settled()
    const elsewhere = await bench({ storage })
    assert.notEqual(await elsewhere.cache.get('user:1'), 'old', 'and another process does not find the old one')
  })
}

function forgetting(): [string, (cache: Awaited<ReturnType<typeof bench>>['cache']) => Promise<unknown>][] {
  return [
    ['delete', cache => cache.delete('user:1')],
    ['expire key', cache => cache.expire({ match: 'user:1' })],
    ['match', cache => cache.invalidate({ match: 'user:*' })],
    ['tag given', cache => cache.invalidate({ tag: 'early' })],
    ['tag of ctx', cache => cache.invalidate({ tag: 'late' })],
    ['all', cache => cache.invalidate('all')],
    ['expire tag', cache => cache.expire({ tag: 'early' })],
    ['set', cache => cache.set('user:1', 'new')],
  ]
}

test('D5: an invalidation during a computation that has outlasted its timeout wins, too', async () => {
  const { cache, time } = await bench()
  const running = gate<string>()
  let runs = 0
  const load = cache.wrap(async () => (++runs === 1 ? running.promise : 'new'), { name: 'load', timeout: '1s', keepAlive: true })
  const slow = load()
  await turns()
  void time.advance('1s')
  await assert.rejects(slow, DeadlineError)
  await load.invalidate()
  assert.equal(await load(), 'new')
  running.open('old')
  await turns()
  assert.equal(await load(), 'new')
})

test('D5: an invalidation while a value is on its way from storage wins: memory does not keep what storage had', async () => {
  for (const look of ['get', 'peek'] as const) {
    const entries = memory()
    const writer = await bench({ storage: entries })
    await writer.cache.set('a', 'old')
    await writer.cache.wrap(async () => 'old', { name: 'load' })()
    await writer.cache.settled()
    const reading = gate()
    let slow = false
    const { cache } = await bench({ storage: { ...entries, async get(key) {
      const bytes = await entries.get(key)
      if (slow && key.length === 64) await reading.promise
      return bytes
    } } })
    const load = cache.wrap(async () => 'new', { name: 'load' })
    await cache.get('nothing')
    slow = true
    const before = look === 'get' ? cache.get('a') : load.peek()
    await turns()
    await (look === 'get' ? cache.delete('a') : load.invalidate())
    reading.open()
    slow = false
    await before
    assert.equal(await (look === 'get' ? cache.get('a') : load.peek()), undefined, look)
  }
})

test('D5: set() and what forgets take effect in the order in which they were called', async () => {
  for (const storage of [false, memory()] as const) {
    const { cache } = await bench({ storage })
    await cache.set('first', 0, { tags: ['t'] })
    const forget: [string, () => Promise<unknown>][] = [
      ['delete', () => cache.delete('a')], ['tag', () => cache.invalidate({ tag: 't' })], ['all', () => cache.invalidate('all')], ['match', () => cache.invalidate({ match: 'a' })],
    ]
    for (const [how, now] of forget) {
      const writing = cache.set('a', 'old', { tags: ['t'] })
      await Promise.all([now(), writing])
      assert.equal(await cache.get('a'), undefined, how)
      // A scan may find what is set while it goes on.
      if (how === 'match') continue
      await Promise.all([now(), cache.set('a', 'new', { tags: ['t'] })])
      assert.equal(await cache.get('a'), 'new', `${how}, then set`)
      await Promise.all([cache.set('a', 1), cache.set('a', 2)])
      assert.equal(await cache.get('a'), 2)
      await now()
    }
  }
})

test('D6: an invalidation by tag never un-happens: not after 21 days, not where the clock was stepped back before it', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    await cache.set('a', 'dead', { ttl: '60d', tags: ['users'] })
    time.set(time.now() - 60_000)
    await cache.invalidate({ tag: 'users' })
    assert.equal(await cache.get('a'), undefined)
    await cache.set('b', 'dead', { ttl: '60d', tags: ['users'] })
    await cache.invalidate({ tag: 'users' })
    for (const days of [0, 5, 21, 59]) {
      time.set(1_000_000 + days * day)
      assert.deepEqual([await cache.get('a'), await cache.get('b')], [undefined, undefined], `${days} days later`)
      if (storage === undefined) continue
      const elsewhere = await bench({ storage, clock: time })
      assert.deepEqual([await elsewhere.cache.get('a'), await elsewhere.cache.get('b')], [undefined, undefined], `${days} days later, elsewhere`)
    }
  }
})

test('D7: a ttl of 30 days or 10 years sets no timer, for one entry or a thousand', async t => {
  const set = ['setTimeout', 'setInterval', 'setImmediate'].map(name => t.mock.method(globalThis, name as 'setTimeout'))
  const cache = await createCache({ storage: false })
  const before = set.map(({ mock }) => mock.callCount())
  for (const ttl of ['30d', '3650d', 2 ** 31] as const) {
    const load = cache.wrap(async (n: number) => n, { name: `load ${ttl}`, ttl, swr: '30d', staleIfError: '30d', idle: '30d', refreshAt: 0.9 })
    for (let n = 0; n < 1000; n++) await load(n)
    for (let n = 0; n < 1000; n++) await load(n)
    await cache.set('a', 1, { ttl })
  }
  assert.deepEqual(set.map(({ mock }) => mock.callCount()), before)
  assert.equal(cache.stats().hits, 3000)
  await cache.close()
})

test('D7: timers that are asked for (a timeout of 30 days) fire no sooner, and do not keep a core busy', async t => {
  const cache = await createCache({ storage: false })
  const most = 2 ** 31 - 1
  const armed: { run: () => void; ms: number }[] = []
  const { setTimeout: set } = globalThis
  t.mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => { const timer = set(run, ms); if (ms > 1_000) { armed.push({ run, ms }); timer.unref() } return timer })
  let failed = false
  const asked = cache.wrap(() => new Promise(() => {}), { name: 'ask', timeout: '30d' })().catch(() => { failed = true })
  await turns(20)
  assert.deepEqual(armed.map(({ ms }) => ms), [most], 'the longest that setTimeout can, and not again')
  armed[0]!.run()
  await turns(5)
  assert.deepEqual([armed.map(({ ms }) => ms), failed], [[most, 30 * day - most], false], 'after 24.8 days there are 5.2 to go')
  armed[1]!.run()
  await asked
  assert.equal(failed, true)
  await cache.close()
})

test('D8: a ttl of 30 days is a ttl of 30 days: it answers at 29 and not at 31, and 10 years are 10 years', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    let runs = 0
    const month = cache.wrap(async () => ++runs, { name: 'month', ttl: '30d' })
    const decade = cache.wrap(async () => 'once', { name: 'decade', ttl: '3650d' })
    assert.deepEqual([await month(), await decade()], [1, 'once'])
    await time.advance('29d')
    assert.equal(await month(), 1)
    await time.advance('2d')
    assert.equal(await month(), 2)
    await cache.settled()
    await time.advance('3618d')
    assert.deepEqual([await month(), (await decade.withInfo()).info.status], [3, 'hit'])
    await time.advance('1d')
    assert.equal((await decade.withInfo()).info.status, 'miss')
  }
})

test('D9: nobody can poison the cache by changing what it gave, or what it was given', async () => {
  const storage = memory()
  for (const freeze of [false, true]) {
    const { cache } = await bench({ storage, freeze, scope: `frozen ${freeze}`, swr: '1d', ttl: '1d' })
    const spoil = (value: unknown): void => {
      try {
        ;(value as { list: number[] }).list.push(666)
      } catch (error) {
        assert.ok(freeze && error instanceof TypeError, String(error))
      }
    }
    const own = { list: [1] }
    const load = cache.wrap(async (_: number) => own, { name: 'load' })
    const good = { list: [1] }
    const ways: [string, () => Promise<unknown>][] = [
      ['a hit', () => load(1)], ['withInfo', async () => (await load.withInfo(1)).value], ['peek', () => load.peek(1)],
      ['get', () => cache.get('a')], ['getMany', async () => (await cache.getMany(['a']))[0]], ['getOrSet', () => cache.getOrSet('a', () => good)],
    ]
    const given = { list: [1] }
    await load(1)
    await cache.set('a', given)
    spoil(given)
    own.list.push(667)
    for (const [how, ask] of ways) for (let round = 0; round < 3; round++) {
      const value = await ask()
      assert.deepEqual(value, good, how)
      spoil(value)
    }
    const wave = await Promise.all([1, 2, 3].map(() => cache.getOrSet('wave', async () => ({ list: [1] }))))
    for (const value of wave) {
      assert.deepEqual(value, good)
      spoil(value)
    }
    assert.deepEqual(await cache.get('wave'), good)
    await cache.settled()
    const later = await bench({ storage, freeze, scope: `frozen ${freeze}` })
    const again = later.cache.wrap(async (_: number): Promise<unknown> => assert.fail('it ran'), { name: 'load' })
    const found = await Promise.all([again(1), again(1), later.cache.get('a'), later.cache.get('a')])
    for (const value of found) {
      assert.deepEqual(value, good)
      spoil(value)
    }
    assert.deepEqual([await again(1), await later.cache.get('a'), await later.cache.get('wave')], [good, good, good])
  }
})

test('D10: undefined is a result like any other: computed once, kept in memory and in storage, told from nothing', async () => {
  const storage = memory()
  const { cache } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async () => void runs++, { name: 'load' })
  for (let i = 0; i < 3; i++) assert.equal(await load(), undefined)
  await cache.getOrSet('a', () => void runs++)
  await cache.getOrSet('a', () => assert.fail('it ran'))
  assert.deepEqual([runs, await cache.has('a'), await cache.has('b')], [2, true, false])
  await cache.settled()
  const later = await bench({ storage })
  const again = later.cache.wrap(async () => assert.fail('it ran'), { name: 'load' })
  assert.equal((await again.withInfo()).info.status, 'hit')
  assert.equal(await later.cache.has('a'), true)
})

test('D11: what the function throws reaches every caller, whatever listens and whatever fails, and nothing is stored', async () => {
  for (const onEvent of [() => {}, undefined, () => { throw new Error('a broken listener') }]) {
    for (const failing of [false, true]) {
      const storage = countedStorage()
      storage.failing = failing
      const { cache } = await bench({ storage, ...(onEvent && { onEvent }) })
      const fault = Object.assign(new Error('no money left'), { code: 402 })
      const load = cache.wrap(async () => { throw fault }, { name: 'load' })
      const asks = [load(), load(), load.fresh(), load.with({ deadline: '1h' })(), load.withInfo(), cache.getOrSet('a', () => { throw fault }), cache.getOrSet('a', () => Promise.reject(fault))]
      for (const ask of asks) await assert.rejects(ask, error => error === fault)
      assert.equal(await cache.has('a'), false)
      assert.equal(await load.peek(), undefined)
    }
  }
})

test('D12: a caller\'s abort ends that caller\'s wait, and nobody else\'s', async () => {
  const { cache } = await bench()
  const answer = gate<string>()
  let runs = 0
  let ofFunction: AbortSignal | undefined
  const ask = cache.wrap((_: string, { signal }: { signal: AbortSignal }) => { runs++; ofFunction = signal; return answer.promise }, { name: 'ask' })
  const controllers = [new AbortController(), new AbortController(), new AbortController()]
  const [first, second, third] = controllers.map(({ signal }) => ask('same', { signal }))
  await until(() => runs === 1)
  controllers[0]!.abort(new Error('the first has left'))
  await assert.rejects(first!, /the first has left/)
  controllers[2]!.abort(new Error('the third has left'))
  await assert.rejects(third!, /the third has left/)
  assert.equal(ofFunction?.aborted, false)
  answer.open('the answer')
  assert.equal(await second, 'the answer')
  assert.equal(runs, 1)
  assert.equal(await ask('same', { signal: AbortSignal.abort() }), 'the answer', 'what is there costs no wait')
})

test('D13: a function that calls itself with the same arguments is refused at once, and does not wait for itself for ever', async () => {
  const { cache } = await bench()
  const self: (n: number) => Promise<number> = cache.wrap(async n => n > 0 ? self(n) : 0, { name: 'directly' })
  await assert.rejects(self(1), ReentrantCallError)
  assert.equal(await self(0), 0)

  const later: (n: number) => Promise<number> = cache.wrap(async n => { await turns(2); return later(n) }, { name: 'after an await' })
  await assert.rejects(later(1), ReentrantCallError)

  await assert.rejects(cache.getOrSet('key', () => cache.getOrSet('key', () => 1)), ReentrantCallError)

  const a: (n: number) => Promise<number> = cache.wrap(async n => b(n), { name: 'a' })
  const b: (n: number) => Promise<number> = cache.wrap(async n => { await turns(1); return c(n) }, { name: 'b' })
  const c: (n: number) => Promise<number> = cache.wrap(async n => a(n), { name: 'c' })
  for (const one of [a, b, c]) await assert.rejects(one(1), ReentrantCallError)
  // All at once, so that none was started within another.
  for (const end of await Promise.allSettled([a(2), b(2), c(2)])) assert.equal(end.status === 'rejected' && end.reason instanceof ReentrantCallError, true)

  const countdown: (n: number) => Promise<number> = cache.wrap(async n => n === 0 ? 0 : 1 + await countdown(n - 1), { name: 'countdown' })
  assert.equal(await countdown(20), 20, 'other arguments are another key')
})

test('D13: without an AsyncLocalStorage (browsers) that is known before the first await, and after it of a function that hands its signal on', async () => {
  const { cache } = await bench({}, { ambient: () => undefined })
  const self: (n: number) => Promise<number> = cache.wrap(async n => self(n), { name: 'directly' })
  await assert.rejects(self(1), ReentrantCallError)
  const request = async (ctx: CallContext, n: number): Promise<number> => {
    await turns(2)
    return other.with({ signal: ctx.signal })(n)
  }
  const ask: ((n: number) => Promise<number>) & { with(options: { signal: AbortSignal }): (n: number) => Promise<number> } = cache.wrap(request, { name: 'ask', context: true })
  const other: typeof ask = cache.wrap(async (ctx: CallContext, n: number) => ask.with({ signal: ctx.signal })(n), { name: 'other', context: true })
  await assert.rejects(ask(1), ReentrantCallError)
  const among: (n: number, options: { signal?: AbortSignal }) => Promise<number> = cache.wrap(async (n: number, { signal }: { signal?: AbortSignal }) => { await turns(2); return among(n, { ...(signal && { signal }) }) }, { name: 'among' })
  await assert.rejects(among(1, { signal: new AbortController().signal }), ReentrantCallError)
})

test('D15: scopes and keys are never confused, however their names are put together', async () => {
  const storage = memory()
  const { cache } = await bench({ storage })
  const places = [
    cache.scope('a'), cache.scope('a:b'), cache.scope('a').scope('b'), cache.scope('a').scope('b').scope('c'), cache.scope('b').scope('a'), cache.scope('["a","b"]'), cache.scope('a,b'), cache,
    cache.scope('b:c'), cache.scope('a').scope('b:c'), cache.scope('a.b'), cache.scope('a/b'), cache.scope('a\u0000b'),
  ]
  const keys = ['c', 'b:c', 'a:b:c', ['b', 'c'], ['a', 'b', 'c'], 'a,b,c', '["b","c"]'] as const
  const everything = (of: (place: number, key: number) => Promise<unknown>): Promise<unknown[]> => Promise.all(places.flatMap((_, place) => keys.map((_, key) => of(place, key))))
  await everything((place, key) => places[place]!.set(keys[key]!, `${place} ${key}`))
  await everything(async (place, key) => assert.equal(await places[place]!.get(keys[key]!), `${place} ${key}`))
  for (const [i, place] of places.entries()) {
    const load = place.wrap(async (_: string) => i, { name: 'b:c' })
    await load('x')
    assert.equal(await load('x'), i)
  }
  assert.equal(cache.stats().entries, places.length * (keys.length + 1))
})

test('D17: a time that cannot be read throws where it is written, for every option and verb; it never means "do not cache"', async () => {
  const { cache } = await bench()
  const never = async (): Promise<number> => assert.fail('it ran')
  for (const wrong of ['10 seconds', '1 day', '1 w', '', '5', NaN, -1, -Infinity, null, {}, '1h30m', '٣s'] as never[]) {
    for (const option of ['ttl', 'idle', 'swr', 'staleIfError', 'softTimeout', 'timeout']) {
      await assert.rejects(bench({ [option]: wrong }), OptionError)
      await assert.rejects(bench({ profiles: { p: { [option]: wrong } } }), OptionError)
      assert.throws(() => cache.wrap(never, { name: 'x', [option]: wrong }), new RegExp(`^OptionError: ${option}: .* is not a duration`))
      assert.throws(() => cache.cached({ name: 'x', [option]: wrong })(never), OptionError)
      await assert.rejects(async () => cache.getOrSet('k', never, { [option]: wrong }), OptionError)
    }
    assert.throws(() => cache.wrap(never, { name: 'x', cacheErrors: { ttl: wrong } }), OptionError)
    assert.throws(() => cache.wrap(never, { name: 'x' }).with({ deadline: wrong }), OptionError)
    await assert.rejects(async () => cache.getOrSet('k', never, { deadline: wrong }), OptionError)
    await assert.rejects(cache.set('k', 1, { ttl: wrong }), OptionError)
    await assert.rejects(bench({ invalidationLag: wrong }), OptionError)
    await assert.rejects(cache.getOrSet('k', ctx => ctx.ttl(wrong)), OptionError)
  }
  assert.equal(cache.stats().entries, 0)
  assert.equal(await cache.wrap(async () => 1, { name: 'right', ttl: '1w' })(), 1)
  assert.equal(cache.stats().entries, 1, '1w is a week')
})

test('D18: a ttl of 0 stores nothing, anywhere; "forever" and no ttl at all are for ever', async () => {
  const storage = countedStorage()
  const { cache, time } = await bench({ storage })
  let runs = 0
  const never = cache.wrap(async () => ++runs, { name: 'never', ttl: 0, swr: '1d', staleIfError: '1d' })
  assert.deepEqual([await never(), await never()], [1, 2])
  await cache.set('a', 1, { ttl: 0 })
  await cache.getOrSet('b', ctx => { ctx.ttl(0); return 1 })
  await cache.settled()
  assert.deepEqual([await cache.has('a'), await cache.has('b'), cache.stats().entries], [false, false, 0])
  assert.deepEqual([...storage.entries.keys()].filter(key => key.length === 64), [])
  const always = cache.wrap(async () => ++runs, { name: 'always' })
  const forever = cache.wrap(async () => ++runs, { name: 'forever', ttl: 'forever' })
  assert.deepEqual([await always(), await forever()], [3, 4])
  await time.advance('36500d')
  assert.deepEqual([await always(), await forever()], [3, 4])
})

test('D20: values come back as what they were, from memory and from storage', async () => {
  const storage = memory()
  const cyclic: { self?: unknown; name: string } = { name: 'cyclic' }
  cyclic.self = cyclic
  const shared = { n: 1 }
  const values: Record<string, unknown> = {
    date: new Date(123), map: new Map([[{ a: 1 }, new Set([1])]]), bytes: Uint8Array.of(1, 2), buffer: Uint8Array.of(3).buffer, floats: Float32Array.of(0.5), view: new DataView(Uint8Array.of(7, 8).buffer),
    nan: NaN, infinity: -Infinity, zero: -0, error: new TypeError('bad', { cause: new Error('worse') }), regexp: /a+/giu, big: 2n ** 70n, url: new URL('http://x/?q=1'),
    missing: { a: undefined }, sparse: [1, , 3], surrogate: '\ud800', cyclic, twice: [shared, shared], nested: { date: [new Date(0)], nothing: null },
  }
  const one = await bench({ storage })
  const two = await bench({ storage })
  for (const [name, value] of Object.entries(values)) await one.cache.set(name, value)
  for (const { cache } of [one, two]) {
    for (const [name, value] of Object.entries(values)) {
      const found = await cache.get(name)
      assert.deepEqual(found, value, name)
      assert.ok(Object.is(found, value) || typeof value === 'object', name)
    }
    const { self } = (await cache.get('cyclic')) as typeof cyclic
    assert.equal((self as typeof cyclic).self, self)
    const [left, right] = (await cache.get('twice')) as object[]
    assert.equal(left, right)
    assert.equal(0 in ((await cache.get('sparse')) as unknown[]) && !(1 in ((await cache.get('sparse')) as unknown[])), true)
    assert.equal(((await cache.get('error')) as Error & { cause: Error }).cause.message, 'worse')
  }
})

function djb2(text: string): number {
  let hash = 5381
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 33) + text.charCodeAt(i)) | 0
  return hash
}

/** What it brought: the value, or the error. */
async function end(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => error)
}
