import assert from 'node:assert/strict'
import test from 'node:test'
import { HotValues } from '../../js/hot-values.js'
import { seededRandom } from '../../js/testing/random.js'
import { bench } from './harness.js'

const value = { id: 'a', choices: [{ index: 0, message: { role: 'assistant', content: 'text' }, tags: ['x', 'y'] }], usage: { total: 1.5 }, none: null, list: [1, [2, undefined]], yes: true }

/** Asks for what a slot holds, and makes it where it is not held. Says whether it was. */
function ask(hot: HotValues, slot: number, low: number, made: unknown = value): boolean {
  const found = hot.find(slot, low, 1)
  if (found === undefined) hot.note(slot, low, 1, made)
  else assert.deepEqual(found, made)
  return found !== undefined
}

test('A value is held for its key from the second time on that it was asked for, until the slot is filled again', () => {
  for (const made of [value, 'text', '', 0, false, null, [], {}, [[], {}]]) {
    const hot = new HotValues(64e6)
    assert.deepEqual([1, 2, 3, 4].map(() => ask(hot, 7, 1, made)), [false, false, true, true])
    for (const [slot, low, high] of [[7, 1, 2], [7, 2, 1], [8, 1, 1], [7 + 1024, 1, 1]] as const) assert.equal(hot.find(slot, low, high), undefined)
    hot.drop(7 + 1024)
    assert.ok(ask(hot, 7, 1, made), 'another slot of its place')
    hot.drop(7)
    assert.equal(hot.find(7, 1, 1), undefined)
  }
})

test('Each caller has an object of their own, down to the last: what one does to it, or who made it, nobody else sees', () => {
  const hot = new HotValues(64e6)
  const made = structuredClone(value)
  for (let i = 0; i < 2; i++) ask(hot, 7, 1, made)
  const spoil = (object: object): void => {
    for (const [name, member] of Object.entries(object)) {
      if (typeof member === 'object' && member !== null) spoil(member as object)
      ;(object as Record<string, unknown>)[name] = 'spoilt'
    }
    Object.assign(object, { more: 1 })
  }
  spoil(made)
  for (let i = 0; i < 3; i++) {
    const found = hot.find(7, 1, 1) as object
    assert.deepStrictEqual(found, value)
    assert.deepEqual(Object.keys(found), Object.keys(value))
    spoil(found)
  }
})

test('Names that Object.prototype knows are names like any other, and pollute nothing', () => {
  const hot = new HotValues(64e6)
  const made = JSON.parse('{"__proto__": {"a": {"b": 1}}, "constructor": {"prototype": {"c": 1}}, "toString": "x"}') as object
  for (let i = 0; i < 2; i++) ask(hot, 7, 1, made)
  const found = hot.find(7, 1, 1) as object
  assert.equal(JSON.stringify(found), JSON.stringify(made))
  assert.equal(Object.getPrototypeOf(found), Object.prototype)
  assert.notEqual(Object.getOwnPropertyDescriptor(found, '__proto__')!.value, Object.getOwnPropertyDescriptor(made, '__proto__')!.value)
  assert.equal(({} as { a?: unknown }).a, undefined)
})

test('Objects of hundreds of shapes come back as they were', () => {
  const hot = new HotValues(64e6)
  const shapes = Array.from({ length: 300 }, (_, i) => ({ [`name ${i}`]: { [`inner ${i}`]: [i] }, [`other, ${i % 7}`]: i / 3 }))
  for (let round = 0; round < 4; round++) for (const [i, shape] of shapes.entries()) assert.equal(ask(hot, i, i + 1, shape), round > 1)
})

test('Who is asked for often keeps the place', () => {
  const hot = new HotValues(64e6)
  for (let i = 0; i < 3; i++) ask(hot, 7, 1)
  for (let i = 0; i < 100; i++) {
    assert.equal(ask(hot, 7 + 1024, 100 + i), false)
    assert.ok(ask(hot, 7, 1))
  }
  for (let i = 0; i < 3; i++) ask(hot, 7 + 1024, 2)
  assert.equal(hot.find(7, 1, 1), undefined, 'another was asked for twice meanwhile')
})

test('Values take a 32nd of the budget at most, and 2 MB at most, whichever come and go; entries have the rest', async () => {
  for (const maxBytes of [2 ** 31, 64e6, 1e6]) {
    const hot = new HotValues(maxBytes)
    assert.ok(hot.reservedBytes <= Math.min(maxBytes / 32, 2e6), `${maxBytes} bytes`)
    const random = seededRandom(maxBytes)
    let most = 0
    const held = new Map<number, number>()
    for (let i = 0; i < 5000; i++) {
      const slot = Math.floor(random() * 1500)
      const text = (random() < 0.5 ? 'x' : '水').repeat(random() * 9000)
      hot.drop(slot)
      held.delete(slot % 1024)
      for (let n = 0; n < 2; n++) hot.note(slot, i + 1, 1, text)
      if (hot.find(slot, i + 1, 1) === undefined) continue
      held.set(slot % 1024, text.startsWith('水') ? 2 * text.length : text.length)
      most = Math.max(most, [...held.values()].reduce((a, b) => a + b, 0))
    }
    assert.ok(most <= hot.reservedBytes && most > hot.reservedBytes / 2, `${most} of ${hot.reservedBytes}`)
  }
  const { cache } = await bench({ memory: { maxBytes: 6_400_000 } })
  for (let i = 0; i < 20_000; i++) await cache.set(['k', i], 'x'.repeat(1000))
  const { memory } = cache.stats().core!
  assert.ok(memory > 6_000_000 && memory <= 6_200_000, `${memory} bytes`)
})

test('What is heavy is not held', () => {
  const hot = new HotValues(64e6)
  for (const heavy of ['x'.repeat(17_000), { a: 'x'.repeat(17_000) }, new Array(2000).fill(1)]) assert.deepEqual([1, 2, 3].map(() => ask(hot, 7, 1, heavy)), [false, false, false])
})

test('One wide character makes all texts of a value wide, wherever it stands: so they are charged', () => {
  const hot = new HotValues(64e6)
  const latin = 'é'.repeat(9000)
  for (const narrow of [{ a: latin, b: 'e' }, [[latin], 1, null]]) {
    assert.deepEqual([1, 2, 3].map(() => ask(hot, 7, 1, narrow)), [false, false, true], 'held')
    hot.drop(7)
  }
  for (const wide of [{ a: latin, b: '€' }, { b: ['x', { c: '€' }], a: latin }, [[latin], 1, null, '€']]) {
    assert.deepEqual([1, 2, 3].map(() => ask(hot, 7, 1, wide)), [false, false, false], 'too heavy')
  }
})

test('What is stored anew is answered as it is now, however hot it was', async () => {
  const { cache } = await bench({ memory: { maxBytes: 1_000_000 } })
  for (let i = 0; i < 5000; i++) {
    const key = `key ${(i * 7919) % 300}`
    if (i % 11 === 0) await cache.set(key, `${key} as of ${i}`.padEnd(4000))
    const text = await cache.getOrSet(key, () => `${key} as of ${i}`.padEnd(4000))
    assert.ok(text.startsWith(`${key} as of `))
    // Memory may have better uses for it.
    const kept = await cache.has(key)
    for (let n = 0; n < 3; n++) assert.equal(await cache.get(key), kept ? text : undefined)
    if (i % 11 === 0) assert.equal(text, `${key} as of ${i}`.padEnd(4000))
  }
})

test('A hit of a hot entry is an object of the caller alone', async () => {
  const { cache } = await bench()
  const f = cache.wrap(async (_: number) => structuredClone(value), { name: 'f' })
  for (let i = 0; i < 6; i++) {
    const found = await f(1)
    assert.deepStrictEqual(found, value)
    found.choices[0]!.message.content = 'spoilt'
    found.list.push(3)
  }
})
