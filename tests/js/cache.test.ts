import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { CoreExports } from '../../js/boundary.js'
import type { Cache } from '../../js/cache.js'
import type { CallContext } from '../../js/context.js'
import { OptionError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { encodeValue, kind, loadFor } from '../../js/value.js'
import { bench, changeCores, countedStorage, entriesIn, gate, until, wasmOnly } from './harness.js'

await loadFor(kind.cbor)

test('get, set, has and delete work on texts and on arrays', async () => {
  const { cache } = await bench()
  assert.equal(await cache.get('a'), undefined)
  await cache.set('a', { n: 1 })
  await cache.set(['a', 1], 'one')
  await cache.set(['a', '1'], 'text')
  assert.deepEqual(await cache.get('a'), { n: 1 })
  assert.equal(await cache.get(['a', 1]), 'one')
  assert.equal(await cache.get(['a', '1']), 'text')
  assert.deepEqual(await cache.get(['a']), { n: 1 }, 'a text is the array of that text')
  assert.equal(await cache.has('b'), false)
  await cache.set('b', undefined)
  assert.equal(await cache.has('b'), true)
  await cache.delete('a')
  assert.equal(await cache.has('a'), false)
  await assert.rejects(cache.get(5 as never), (error: Error) => error instanceof OptionError && /key: 5 is not a key/.test(error.message))
})

test('What set() kept is found in storage by a later process, and what delete() took is not', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  await one.cache.set('a', [1])
  await one.cache.set('b', [2], { ttl: '5m' })
  assert.equal(entriesIn(storage).length, 2)
  const two = await bench({ storage })
  assert.deepEqual(await two.cache.get('a'), [1])
  assert.equal(await two.cache.has('b'), true)
  await two.cache.delete('a')
  const three = await bench({ storage })
  assert.equal(await three.cache.get('a'), undefined)
  three.clock.now += 300_000
  assert.equal(await three.cache.get('b'), undefined)
})

test('get() and has() report hits and misses as calls of wrapped functions do', async () => {
  const { cache, transcript } = await bench()
  assert.equal(await cache.get('a'), undefined)
  await cache.set('a', 1)
  assert.equal(await cache.get('a'), 1)
  assert.equal(await cache.has('a'), true)
  assert.deepEqual(transcript(), ['miss:absent', 'stored', 'hit:memory', 'hit:memory'])
  assert.deepEqual([cache.stats().hits, cache.stats().misses], [2, 1])
})

test('What is in memory and does not decode is forgotten, and is a miss for get(), has() and getOrSet()', wasmOnly('no test can reach the payloads of the twin to damage them'), async t => {
  const memory = spyOnCore(t)
  const { cache, transcript } = await bench()
  const damage = (value: object): void => {
    const bytes = Buffer.from(memory().buffer)
    const payload = encodeValue(value).bytes
    for (let at = bytes.indexOf(payload); at >= 0; at = bytes.indexOf(payload, at)) bytes[at] = 9
  }
  const asks = { get: () => cache.get('a'), has: () => cache.has('a'), getOrSet: () => cache.getOrSet('a', () => 'anew') }
  for (const [verb, answer] of [['get', undefined], ['has', false], ['getOrSet', 'anew']] as const) {
    const value = { [`needle of ${verb}`]: 'in the haystack' }
    await cache.set('a', value)
    assert.deepEqual(await cache.get('a'), value)
    damage(value)
    transcript()
    assert.equal(await asks[verb](), answer)
    assert.deepEqual(transcript().slice(0, 1), ['refused:undecodable'])
    assert.equal(await cache.has('a'), verb === 'getOrSet')
    await cache.delete('a')
  }
  assert.equal(cache.stats().damaged, 3)
})

test('An entry that is damaged in storage is counted, and one that is over is not', async () => {
  const storage = countedStorage()
  const ask = async (later = 0): Promise<number> => {
    const { cache, time } = await bench({ storage })
    await time.advance(later)
    await cache.getOrSet('k', async () => 1, { ttl: '1m' })
    await cache.settled()
    return cache.stats().damaged
  }
  assert.equal(await ask(), 0)
  entriesIn(storage)[0]![1][90]! ^= 1
  assert.deepEqual([await ask(), await ask(), await ask(120_000)], [1, 0, 0])
})

test('After a trap in the core get() and has() find nothing, and the core is built anew', async t => {
  let trap = false
  spyOnCore(t, () => { if (trap) throw new WebAssembly.RuntimeError('unreachable') })
  const { cache, transcript } = await bench()
  for (const ask of [() => cache.get('a'), () => cache.has('a')]) {
    await cache.set('a', 1)
    assert.ok(await ask())
    transcript()
    trap = true
    assert.ok(!(await ask()))
    assert.deepEqual(transcript(), ['uncached'])
    trap = false
    for (let i = 0; i < 100 && cache.stats().core === undefined; i++) await new Promise(resolve => setImmediate(resolve))
    assert.ok(!(await ask()), 'the new core begins empty')
  }
})

test('getOrSet loads once for all who ask, and keeps what it loaded', async () => {
  const { cache, clock } = await bench()
  let loads = 0
  const load = async (): Promise<{ loads: number }> => ({ loads: ++loads })
  const [a, b] = await Promise.all([cache.getOrSet(['user', 7], load, { ttl: '5m' }), cache.getOrSet(['user', 7], load, { ttl: '5m' })])
  assert.deepEqual([a, b, loads], [{ loads: 1 }, { loads: 1 }, 1])
  assert.deepEqual(await cache.get(['user', 7]), { loads: 1 })
  clock.now += 300_000
  assert.deepEqual(await cache.getOrSet(['user', 7], load), { loads: 2 })
  assert.throws(() => cache.getOrSet('x', 5 as never), /getOrSet: load: 5 is not a function/)
})

test('A wrapped function keeps its this, its name and its length', async () => {
  const { cache } = await bench()
  class Greeter {
    constructor(readonly greeting: string) {}
  }
  const greet = cache.wrap(async function greet(this: Greeter, name: string) {
    return `${this.greeting} ${name}`
  })
  assert.equal(await greet.call(new Greeter('hello'), 'you'), 'hello you')
  assert.deepEqual([greet.name, greet.length], ['greet', 1])
})

test('cached() decorates methods', async () => {
  const { cache } = await bench()
  let runs = 0
  class Painter {
    constructor(readonly brush: string) {}
    @cache.cached({ ttl: '2h' })
    async paint(prompt: string): Promise<string> {
      return `${this.brush} ${prompt} ${++runs}`
    }
  }
  const painter = new Painter('oil')
  assert.equal(await painter.paint('sea'), 'oil sea 1')
  assert.equal(await painter.paint('sea'), 'oil sea 1')
  assert.equal(await painter.paint('sky'), 'oil sky 2')
  assert.throws(() => cache.cached()(async () => 1, { kind: 'getter', name: 'x' } as never), /cannot decorate a getter/)
})

test('cached() also takes options first and the function later', async () => {
  const { cache } = await bench()
  let runs = 0
  const double = cache.cached({ name: 'double' })(async (n: number) => { runs++; return 2 * n })
  assert.deepEqual([await double(4), await double(4), runs], [8, 8, 1])
})

test('Two functions of one name are refused unless one is given a name of its own', async () => {
  const { cache } = await bench()
  const make = (): ((n: number) => Promise<number>) => async function load(n: number) { return n }
  const load = make()
  cache.wrap(load)
  cache.wrap(load)
  assert.throws(() => cache.wrap(make()), /name: another function of this cache is called "load", and the two would share entries/)
  cache.wrap(make(), { name: 'load of orders' })
  class One { @cache.cached() async paint(): Promise<number> { return 1 } }
  assert.ok(One)
  assert.throws(() => { class Two { @cache.cached() async paint(): Promise<number> { return 2 } }; return Two }, OptionError)
})

test('invalidate() of a wrapped function forgets one result, in memory and in storage', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async (n: number) => `${n} ${++runs}`, { name: 'load' })
  await load(1)
  await load(2)
  await cache.settled()
  await load.invalidate(1)
  assert.equal(entriesIn(storage).length, 1)
  assert.equal(await load(1), '1 3')
  assert.equal(await load(2), '2 2')
})

test('A result that was being computed when its key was invalidated is not kept', async () => {
  const storage = countedStorage()
  const { cache, transcript } = await bench({ storage })
  const gates: (() => void)[] = []
  let runs = 0
  const load = cache.wrap(async (_: number) => { const run = ++runs; await new Promise<void>(open => gates.push(open)); return run }, { name: 'load' })
  const until = async (count: number): Promise<void> => { while (gates.length < count) await new Promise(resolve => setImmediate(resolve)) }
  const before = load(1)
  await until(1)
  await load.invalidate(1)
  const after = load(1)
  await until(2)
  gates[1]!()
  assert.equal(await after, 2)
  gates[0]!()
  assert.equal(await before, 1, 'who asked before gets what was computed before')
  assert.equal(await load(1), 2, 'the old value did not come back')
  assert.ok(transcript().includes('not-stored:invalidated'))
  await cache.settled()
  const later = await bench({ storage })
  assert.equal(await later.cache.wrap(async (_: number) => 99, { name: 'load' })(1), 2)
})

test('invalidate({ name }) forgets one function, invalidate("all") the whole scope, for later processes too', async () => {
  const storage = countedStorage()
  const results = async (): Promise<string[]> => {
    const { cache } = await bench({ storage })
    const a = cache.wrap(async () => 'computed', { name: 'a' })
    const b = cache.wrap(async () => 'computed', { name: 'b' })
    const found: string[] = []
    for (const [name, fn] of [['a', a], ['b', b]] as const) {
      const { hits } = cache.stats()
      await fn()
      if (cache.stats().hits > hits) found.push(name)
    }
    await cache.settled()
    return found
  }
  assert.deepEqual(await results(), [])
  assert.deepEqual(await results(), ['a', 'b'])
  const one = await bench({ storage })
  await one.cache.invalidate({ name: 'a' })
  assert.deepEqual(await results(), ['b'])
  await one.cache.invalidate('all')
  assert.deepEqual(await results(), [])
  assert.deepEqual(await results(), ['a', 'b'])
  await assert.rejects(one.cache.invalidate({} as never), /invalidate: an object \(Object\) names nothing/)
})

test('A computation that began before invalidate({ name }) is joined by nobody after it and is not kept', async () => {
  const { cache } = await bench()
  const gates: (() => void)[] = []
  let runs = 0
  const load = cache.wrap(async () => { const run = ++runs; await new Promise<void>(open => gates.push(open)); return run }, { name: 'load' })
  const until = async (count: number): Promise<void> => { while (gates.length < count) await new Promise(resolve => setImmediate(resolve)) }
  const before = load()
  await until(1)
  await cache.invalidate({ name: 'load' })
  const after = load()
  await until(2)
  for (const open of gates) open()
  assert.deepEqual([await before, await after, await load()], [1, 2, 2])
})

test('A lost token invalidates; it never revives', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  await one.cache.wrap(async () => 'old', { name: 'load' })()
  await one.cache.settled()
  for (const key of [...storage.entries.keys()]) if (key.length !== 64) storage.entries.delete(key)
  const two = await bench({ storage })
  assert.equal(await two.cache.wrap(async () => 'new', { name: 'load' })(), 'new')
  assert.equal(two.cache.stats().core?.refusedInvalidated, 1)
})

test('Hits, misses and bypasses add up to the calls that were made', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  const load = one.cache.wrap(async (n: number) => n, { name: 'load' })
  await Promise.all([load(1), load(1), load(2)])
  await load(1)
  await one.cache.get('a')
  await one.cache.has('a')
  await assert.rejects(load(Symbol() as never))
  const { calls, hits, misses, bypasses, joined } = one.cache.stats()
  assert.deepEqual({ calls, hits, misses, bypasses, joined }, { calls: 6, hits: 1, misses: 5, bypasses: 0, joined: 1 })
})

test('A secret changes every name in storage, and only who knows it finds the entries', async () => {
  const storage = countedStorage()
  const run = async (secret: string | undefined, result: string): Promise<string> => {
    const { cache } = await bench({ storage, ...(secret === undefined ? {} : { secret }) })
    const found = await cache.wrap(async (_: string) => result, { name: 'ask' })('the same question')
    await cache.settled()
    return found
  }
  assert.equal(await run(undefined, 'open'), 'open')
  assert.equal(await run('a secret of 16 bytes or more', 'one'), 'one')
  assert.equal(await run('another secret of 16 bytes', 'two'), 'two')
  assert.equal(await run('a secret of 16 bytes or more', 'three'), 'one')
  assert.equal(entriesIn(storage).length, 3)
})

/** Runs `before` before each look-up of the cores that are built from now on. Returns the memory of the last one. */
function spyOnCore(t: TestContext, before: () => void = () => {}): () => CoreExports['memory'] {
  let memory: CoreExports['memory'] | undefined
  changeCores(t, exports => {
    memory = exports.memory
    const { look_up, look_up_key } = exports
    return { look_up: (...args) => (before(), look_up(...args)), look_up_key: (...args) => (before(), look_up_key(...args)) }
  })
  return () => memory!
}

test('What a user puts in is let in, however full memory is and whatever it is worth', async () => {
  const { cache } = await bench({ storage: false, memory: { maxBytes: '1MB' } })
  const text = 'x'.repeat(1000)
  for (let n = 0; n < 3000; n++) {
    await cache.set(['n', n], text + n)
    assert.equal(await cache.get(['n', n]), text + n, `number ${n}`)
  }
  assert.ok(cache.stats().core!.evicted > 1000)
  assert.equal(cache.stats().notStored, 0)
})

test('Large bytes under a key that is a text come back as they are, each time their own', async () => {
  const { cache } = await bench({ storage: false })
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7)
  await cache.set('bytes', bytes)
  const [one, two] = [await cache.get('bytes') as Uint8Array, await cache.get('bytes') as Uint8Array]
  assert.deepEqual(one, bytes)
  assert.notEqual(one.buffer, two.buffer)
  one.fill(0)
  assert.deepEqual(two, bytes)
})

test('A value that was set is there at once, in any scope, with any tags and of any kind', async () => {
  const { cache } = await bench({ storage: false })
  void cache.set('first', 1)
  assert.equal(await cache.get('first'), 1)
  void cache.set('tagged', 1, { tags: ['new'] })
  assert.equal(await cache.get('tagged'), 1)
  const scope = cache.scope('tenant')
  void scope.set('x', 1)
  assert.equal(await scope.get('x'), 1)
  await cache.set('date', new Date(1))
  void cache.set('date', new Date(2))
  assert.deepEqual(await cache.get('date'), new Date(2))
})

test('What is set is the value as it was then', async () => {
  for (const storage of [false, memory()] as const) {
    const { cache } = await bench({ storage })
    const value = { a: 1 }
    const set = cache.set('k', value)
    value.a = 2
    await set
    assert.deepEqual(await cache.get('k'), { a: 1 })
  }
})

test('A value that was set and overtaken takes nothing newer with it', async () => {
  for (const storage of [false, memory()] as const) {
    const { cache } = await bench({ storage })
    await Promise.all([cache.set('k', new Date(5)), cache.delete('k'), cache.set('k', 'new')])
    assert.equal(await cache.get('k'), 'new')
    const ask = (): Promise<unknown> => cache.getOrSet('computed', async () => 'computed')
    await Promise.all([cache.set('computed', new Date(5)), cache.delete('computed'), ask()])
    assert.equal(await cache.get('computed'), 'computed')
  }
})

test('A tag for each value, for longer than there is room for tags: each value is kept, and dies with its tag', async () => {
  const { cache } = await bench({ memory: { maxBytes: 1e6 } })
  const count = 60_000
  for (let i = 0; i < count; i++) await cache.set([i], i, { tags: [`document ${i}`] })
  assert.equal(cache.stats().notStored, 0)
  assert.ok(cache.stats().entries > 500, `${cache.stats().entries} entries`)
  // What leaves is the oldest of 64 at random: of the 700 that are there, it is one of the last 200 about never.
  for (let i = count - 200; i < count; i++) assert.equal(await cache.get([i]), i)
  await cache.invalidate({ tag: `document ${count - 1}` })
  assert.equal(await cache.get([count - 1]), undefined)
  assert.equal(await cache.get([count - 2]), count - 2)
})

test('Calls that run while thousands of tags come and go are kept, and their tags still count', async () => {
  const { cache } = await bench()
  let runs = 0
  let release = (): void => {}
  const gate = new Promise<void>(resolve => (release = resolve))
  const slow = cache.wrap(async (n: number) => (await gate, ++runs, n), { name: 'slow', tags: n => [`slow ${n}`] })
  const calls = Array.from({ length: 300 }, (_, n) => slow(n))
  for (let i = 0; i < 10_000; i++) await cache.set('same', i, { tags: [`document ${i}`] })
  release()
  await Promise.all(calls)
  assert.equal(runs, 300)
  for (let n = 0; n < 300; n++) await slow(n)
  assert.equal(runs, 300)
  await cache.invalidate({ tag: 'slow 7' })
  await slow(7)
  assert.equal(runs, 301)
})

test('More tags than an entry has room for are refused, and a tag in a loop counts once', async () => {
  const { cache } = await bench({ storage: false })
  const tags = (count: number): string[] => Array.from({ length: count }, (_, i) => `tag ${i}`)
  await cache.set('k', 'v', { tags: tags(62) })
  await cache.invalidate({ tag: 'tag 61' })
  assert.equal(await cache.get('k'), undefined)
  await assert.rejects(cache.set('k', 'v', { tags: tags(63) }), /^OptionError: tags: 63 tags are more than an entry can have\. Give at most 62\./)
  let runs = 0
  const ask = cache.wrap(async (ctx: CallContext, count: number) => {
    runs++
    for (let i = 0; i < count; i++) ctx.tags(`once ${i % 50}`)
    return count
  }, { name: 'ask', context: true })
  for (let i = 0; i < 2; i++) await ask(500)
  assert.equal(runs, 1, 'the same tags again and again')
  const many = cache.wrap(async (ctx: CallContext, count: number) => {
    runs++
    for (const tag of tags(count)) ctx.tags(tag)
    return count
  }, { name: 'many', context: true })
  await cache.set('other', 1)
  for (let i = 0; i < 2; i++) assert.equal(await many(6_000), 6_000)
  assert.equal(runs, 3, 'what has too many is not kept')
  assert.equal(await cache.get('other'), 1, 'and nothing else is hurt')
})

test('A core that fails when it is told of a tag, or is to forget one, is built anew, and breaks no call', async t => {
  for (const storage of [false, countedStorage()] as const) {
    for (const verb of ['set_token', 'forget_token'] as const) {
      let armed = false
      const fail = (): void => {
        if (!armed) return
        armed = false
        throw new WebAssembly.RuntimeError('unreachable')
      }
      changeCores(t, core => ({ [verb]: () => (fail(), core[verb]()) }))
      const { cache, transcript } = await bench({ storage })
      const { parts } = cache as unknown as { parts: { core: unknown } }
      const f = cache.wrap(async (n: number) => n, { name: 'f', tags: n => [`number ${n}`] })
      const steps = [(n: number) => f(n).then(found => assert.equal(found, n)), (n: number) => cache.set(`key ${n}`, n, { tags: [`n ${n}`] }), (n: number) => cache.invalidate({ tag: `name ${n}` })]
      for (const step of steps) {
        armed = true
        for (let n = 0; n < 2_000 && armed; n++) await step(n)
        assert.equal(armed, false, `${verb} was not called`)
        await until(() => parts.core !== undefined)
      }
      assert.equal(transcript().filter(event => event.startsWith('uncached')).length, steps.length)
      await cache.set('after', 1)
      assert.equal(await cache.get('after'), 1)
    }
  }
})

test('A core that fails in any verb is built anew, and the verb is done', wasmOnly('its memory is not one of wasm'), async () => {
  const verbs: [string, (cache: Cache) => Promise<unknown>][] = [
    ['set', cache => cache.set('new', 1)], ['delete', cache => cache.delete('k1')], ['keys', cache => cache.keys()], ['get', cache => cache.get('k2')],
    ['peek', cache => cache.wrap(async (n: number) => n, { name: 'f' }).peek(1)], ['expire', cache => cache.expire({ match: 'k*' })], ['stats', async cache => cache.stats()],
  ]
  for (const [name, verb] of verbs) {
    const { cache, transcript } = await bench({ storage: false })
    const parts = (cache as unknown as { parts: { core: { exports: CoreExports } } }).parts
    for (let i = 0; i < 50; i++) await cache.set(`k${i}`, { i })
    new Uint8Array(parts.core.exports.memory.buffer).fill(0xff, 100_000)
    await verb(cache)
    await until(() => parts.core !== undefined)
    for (let i = 0; i < 3; i++) await cache.getOrSet('again', async () => i)
    await until(() => parts.core !== undefined)
    await cache.set('after', 1)
    assert.equal(await cache.get('after'), 1, name)
    assert.ok(transcript().filter(event => event.startsWith('uncached')).length <= 1, `${name}: built once`)
  }
})

test('set() counts against every load that began before it had ended, in memory and in storage', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache } = await bench({ ...(storage && { storage }) })
    const load = gate<string>()
    const before = cache.getOrSet('k', () => load.promise)
    const setting = cache.set('k', 'of the user')
    const meanwhile = cache.getOrSet('k', () => load.promise)
    await setting
    load.open('older')
    await Promise.all([before, meanwhile])
    await cache.settled()
    assert.equal(await cache.get('k'), 'of the user')
    if (storage !== undefined) assert.equal(await (await bench({ storage })).cache.get('k'), 'of the user')
  }
})

test('close() waits for what was set or deleted just before it', async () => {
  const entries = new Map<string, Uint8Array>()
  // A digest that takes time, as in browsers, and a storage that does nothing once it is closed.
  const open = async () => {
    let isClosed = false
    const inner = memory(entries)
    const alive = <T>(work: () => Promise<T>): Promise<T> => (isClosed ? Promise.reject(new Error('closed')) : work())
    const storage: Storage = {
      get: key => alive(() => inner.get(key)),
      set: (key, entry, hint) => alive(() => inner.set(key, entry, hint)),
      delete: key => alive(() => inner.delete(key)),
      close: async () => void (isClosed = true),
    }
    const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
    return bench({ storage }, { digest: () => sha256 })
  }
  const one = await open()
  await one.cache.setMany([['kept', 'old'], ['gone', 'old']])
  await one.cache.close()
  const two = await open()
  void two.cache.set('kept', 'new')
  void two.cache.delete('gone')
  await two.cache.close()
  assert.equal(two.cache.stats().storageErrors, 0)
  const three = await open()
  assert.deepEqual(await three.cache.getMany(['kept', 'gone']), ['new', undefined])
})

test('An array that is a key is what it was when get() was called, although the storage is asked first what was invalidated', async () => {
  const { cache } = await bench({ storage: memory(), invalidationLag: 0 })
  await cache.setMany([[['n', 1], 'one'], [['n', 2], 'two']])
  const key = ['n', 1]
  const got = cache.get(key)
  key[1] = 2
  assert.equal(await got, 'one')
})

test('has() says no of an error that was kept, and get() rejects with it, out of memory and out of storage', async () => {
  const storage = memory()
  const one = await bench({ storage })
  await assert.rejects(one.cache.getOrSet('k', () => { throw new Error('down') }, { cacheErrors: { ttl: '1m' } }), /down/)
  await one.cache.settled()
  for (const make of [async () => one.cache, async () => (await bench({ storage, clock: one.time })).cache, async () => (await bench({ storage, clock: one.time })).cache]) {
    const cache = await make()
    assert.equal(await cache.has('k'), false)
    await assert.rejects(cache.get('k'), /down/)
  }
  assert.equal(await (await bench({ storage, clock: one.time })).cache.has('k'), false)
})

test('A result that is larger than all of memory is kept in storage', async () => {
  const { cache, events } = await bench({ storage: memory(), memory: { maxBytes: '2MB' } })
  let runs = 0
  const paint = cache.wrap(async () => new Uint8Array(3_000_000).fill(++runs), { name: 'paint' })
  await paint()
  await cache.settled()
  assert.deepEqual([(await paint())[0], runs], [1, 1])
  assert.deepEqual(events.flatMap((event): unknown[] => (event.type === 'stored' ? [event.memory] : event.type === 'not-stored' ? [event.reason] : [])), [false])
  assert.equal(cache.stats().notStored, 0)
})
