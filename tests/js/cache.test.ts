import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { CoreExports } from '../../js/boundary.js'
import { OptionError } from '../../js/errors.js'
import { encodeValue, kind, loadFor } from '../../js/value.js'
import { bench, changeCores, countedStorage, entriesIn, wasmOnly } from './harness.js'

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
