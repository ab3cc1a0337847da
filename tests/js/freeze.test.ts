import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { deepFreeze, FrozenValues } from '../../js/freeze.js'
import { bench, countedStorage } from './harness.js'

test('Plain objects and arrays are frozen deep down, cycles too; what holds anything else is left alone', () => {
  const loop: { list: unknown[]; self?: unknown } = { list: [{ a: 1 }, Object.create(null)] }
  loop.self = loop
  assert.equal(deepFreeze(loop), true)
  assert.ok([loop, loop.list, ...loop.list].every(part => Object.isFrozen(part)))
  for (const part of [new Date(), new Map(), new Set(), new Uint8Array(1), new ArrayBuffer(1), /x/, new Error('x')]) {
    const value = { list: [part] }
    assert.equal(deepFreeze(value), false)
    assert.ok(!Object.isFrozen(value) && !Object.isFrozen(value.list))
  }
  assert.equal(deepFreeze('text'), true)
})

test('With freeze, the caller who computed, those who waited and all later ones share one frozen value', async () => {
  const { cache, transcript } = await bench()
  let computed: { list: { n: number }[] } | undefined
  const f = cache.wrap((n: number) => (computed = { list: [{ n }] }), { name: 'f', freeze: true })
  const [first, joined] = await Promise.all([f(1), f(1)])
  const later = await f(1)
  assert.equal(first, joined)
  assert.equal(first, later)
  assert.deepEqual(transcript(), ['miss:absent', 'miss:absent', 'joined', 'computed', 'stored', 'hit:memory'])
  assert.throws(() => first.list[0]!.n++, TypeError)
  assert.throws(() => first.list.push({ n: 2 }), TypeError)
  computed!.list[0]!.n = 99 // The function's own object stays its own.
  assert.deepEqual(await f(1), { list: [{ n: 1 }] })
})

test('What holds a Date or bytes is copied for each caller, with freeze too', async () => {
  const { cache } = await bench()
  for (const make of [() => ({ at: new Date(5) }), () => new Uint8Array([1]), () => new Map([[1, 2]])]) {
    const f = cache.wrap(make as () => object, { name: `f${make}`, freeze: true })
    const all = await Promise.all([f(), f()])
    all.push(await f(), await f())
    assert.equal(new Set(all).size, 4)
    for (const value of all) assert.deepStrictEqual(value, make())
    assert.ok(!all.some(value => Object.isFrozen(value)))
  }
})

test('A text is shared as it is, and what cannot be stored is returned as it is', async () => {
  const { cache, transcript } = await bench()
  const f = cache.wrap((n: number) => (n === 1 ? 'text' : { run: () => n }), { name: 'f', freeze: true })
  assert.deepEqual([await f(1), await f(1)], ['text', 'text'])
  transcript()
  assert.equal((await f(2) as { run: () => number }).run(), 2)
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'not-stored:value'])
})

test('A key that was stored anew, invalidated or run out never answers with the frozen value of before', async () => {
  const { cache, clock } = await bench({ freeze: true, ttl: 100 })
  let n = 0
  const load = (): { n: number } => ({ n: ++n })
  assert.deepEqual(await cache.getOrSet('a', load), { n: 1 })
  await cache.set('a', { n: 50 })
  assert.deepEqual(await cache.get('a'), { n: 50 })
  await cache.delete('a')
  assert.deepEqual(await cache.getOrSet('b', load), { n: 2 }, 'in the slot of a')
  assert.deepEqual(await cache.getOrSet('a', load), { n: 3 })
  clock.now += 101
  assert.deepEqual(await cache.getOrSet('a', load), { n: 4 })
  await cache.invalidate('all')
  assert.deepEqual(await cache.getOrSet('a', load), { n: 5 })
  assert.equal(await cache.get('a'), await cache.get('a'))
})

test('With memory for few entries, every slot answers with the value of its key', async () => {
  const { cache } = await bench({ freeze: true, memory: { maxBytes: 1_000_000 } })
  for (let i = 0; i < 3000; i++) {
    const key = i * 7919 % 120
    const size = key % 3 === 0 ? 1000 : 20_000
    assert.deepEqual(await cache.getOrSet(['k', key], () => ({ key, text: 'x'.repeat(size) })), { key, text: 'x'.repeat(size) })
  }
})

test('What came out of storage is frozen and shared; another cache of the same storage may do without', async () => {
  const storage = countedStorage()
  const first = await bench({ storage })
  await first.cache.getOrSet('a', () => ({ list: [1] }))
  await first.cache.close()
  const second = await bench({ storage, freeze: true })
  const load = (): { list: number[] } => assert.fail('it is stored')
  const value = await second.cache.getOrSet('a', load)
  assert.ok(Object.isFrozen(value) && Object.isFrozen(value.list))
  assert.equal(await second.cache.getOrSet('a', load), value)
  const copy = await second.cache.getOrSet('a', load, { freeze: false })
  copy.list.push(2)
  assert.deepEqual(value, { list: [1] })
})

test('Another key in the slot is never answered with what the slot held, even where nobody said that it is gone', () => {
  const frozen = new FrozenValues()
  const a = frozen.of(7, 1, 1, () => ({ a: 1 }))
  assert.equal(frozen.of(7, 1, 1, () => ({ a: 2 })), a)
  assert.deepEqual(frozen.of(7, 1, 2, () => ({ b: 1 })), { b: 1 })
  assert.deepEqual(frozen.of(7, 1, 1, () => ({ a: 3 })), { a: 3 })
  frozen.drop(7)
  assert.deepEqual(frozen.of(7, 1, 1, () => ({ a: 4 })), { a: 4 })
})

test('Values that nobody holds any more leave nothing behind, and those that somebody holds stay the same', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const frozen = new FrozenValues()
  const date = { at: new Date(5) }
  const held = Array.from({ length: 100 }, (_, slot) => frozen.of(slot, slot, 1, () => ({ slot })))
  await setImmediate()
  gc()
  const before = process.memoryUsage().heapUsed
  for (let slot = 100; slot < 100_000; slot++) {
    frozen.of(slot, slot, 1, () => (slot % 2 === 0 ? { slot } : date))
    if (slot % 5000 === 0) {
      await setImmediate() // A WeakRef keeps its value until then.
      gc()
    }
  }
  await setImmediate()
  gc()
  const left = (process.memoryUsage().heapUsed - before) / 1e6
  assert.ok(left < 3, `${left} MB`)
  for (const [slot, value] of held.entries()) assert.equal(frozen.of(slot, slot, 1, () => assert.fail('it is held')), value)
  assert.equal(frozen.of(101, 101, 1, () => date), date)
})
