import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { build } from 'esbuild'
import { ValueError } from '../../js/errors.js'
import * as inNode from '../../js/packed.js'
import { decodeValue, encodeValue, kind, loadFor } from '../../js/value.js'
import { freshSeed, Random } from '../torture/random.js'

await loadFor(kind.cbor)

const tooLarge = (): never => assert.fail('too large')
const pack = (value: unknown): Uint8Array => inNode.encodePacked(value, 2 ** 31, tooLarge) ?? assert.fail(`not packed: ${inspect(value)}`)

/** The same code as a browser runs it, with TextDecoder where Node has slices of Buffers: all modules of it anew, without Buffer. */
const { outputFiles } = await build({
  stdin: { contents: `export * from './js/packed.js'; export { ValueError } from './js/errors.js'`, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
})
const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`
const { Buffer: buffer } = globalThis
Reflect.deleteProperty(globalThis, 'Buffer')
const inBrowsers = (await import(source)) as typeof inNode & { ValueError: typeof ValueError }
globalThis.Buffer = buffer
const isValueError = (error: unknown): boolean => error instanceof ValueError || error instanceof inBrowsers.ValueError

/** Packed and back, each way in each runtime, out of the middle of other bytes. */
function again(value: unknown): unknown {
  let bytes = pack(value)
  let other = inBrowsers.encodePacked(value, 2 ** 31, tooLarge)
  // Where one of them began its shapes anew on the way, as it does when they are many, those of before and after that are written twice.
  if (other?.length !== bytes.length) {
    assert.deepStrictEqual(inNode.decodePacked(other!, 0, other!.length), inNode.decodePacked(bytes, 0, bytes.length))
    bytes = pack(value)
    other = inBrowsers.encodePacked(value, 2 ** 31, tooLarge)
  }
  assert.deepEqual(other, bytes)
  const memory = new Uint8Array(bytes.length + 20).fill(0xff)
  memory.set(bytes, 7)
  const back = inNode.decodePacked(memory, 7, 7 + bytes.length)
  assert.deepStrictEqual(inBrowsers.decodePacked(memory, 7, 7 + bytes.length), back)
  return back
}

const texts = [
  '', 'a', 'ü', '水', '\u{1f600}', '\ufeffbom', 'a\0b', '\x80\x9f\xff', 'x'.repeat(100_000), 'é'.repeat(1000), '水'.repeat(50_000), `${'It’s '.repeat(20_000)}`,
  `${'plain '.repeat(100)}\u{1f600}`, 'Ā', '\u2028', 'x'.repeat(127), 'x'.repeat(128), 'я'.repeat(31),
]

test('JSON-like values come back as they were, in Node and in browsers', () => {
  const values: unknown[] = [
    undefined, null, true, false, 0, -0, 1, -1, 30, 31, 32, 127, 128, 158, 159, -31, -32, -33, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 1e300, 1.5, NaN, Infinity, -Infinity, 5e-324,
    ...texts, texts, [], [[]], [undefined, null], {}, [{}, {}, {}], { a: undefined }, { a: { b: [{ c: 1 }] } }, { '': 1, ü: 2, '水': 3 },
    [0.5, 1, -0, NaN], [0.5, 1.5, 2.5, '4.5'], Array.from({ length: 1536 }, (_, i) => Math.sin(i)), Array.from({ length: 500 }, (_, i) => ({ i, text: `row ${i}` })),
    Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`name ${i}`, i])), Array.from({ length: 40 }, (_, i) => ({ [`only ${i}`]: i, all: 1 })),
  ]
  for (const value of values) assert.deepStrictEqual(again(value), structuredClone(value), inspect(value).slice(0, 200))
})

test('Names keep their order, integers among them too', () => {
  const value = { b: 1, 10: 2, a: 3, 2: 4, '-1': 5, '01': 6 }
  assert.deepEqual(Object.keys(again(value) as object), Object.keys(value))
})

test('Names that Object.prototype has are data, and pollute nothing', () => {
  const value = JSON.parse('{"__proto__": {"evil": true}, "constructor": {"prototype": {"evil": true}}, "toString": 1, "hasOwnProperty": null}') as object
  const back = again(value) as object
  assert.deepEqual(Object.keys(back), Object.keys(value))
  assert.deepStrictEqual(Object.getOwnPropertyDescriptors(back), Object.getOwnPropertyDescriptors(value))
  assert.equal(Object.getPrototypeOf(back), Object.prototype)
  assert.equal(({} as { evil?: boolean }).evil, undefined)
})

test('An answer takes no more than its JSON as UTF-8, and rows of objects take a fraction of their JSON', () => {
  const answer = { id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'It’s said — twice. '.repeat(100) } }] }
  assert.ok(pack(answer).length <= Buffer.byteLength(JSON.stringify(answer)))
  const rows = Array.from({ length: 100 }, (_, i) => ({ identifier: i, description: `row ${i}`, available: true }))
  assert.ok(3 * pack(rows).length < JSON.stringify(rows).length)
})

test('What is not JSON-like is not packed: met twice, cycles, holes, classes, lone surrogates', () => {
  const shared = {}
  const loop: unknown[] = []
  loop.push(loop)
  const many = Array.from({ length: 100 }, (_, i) => ({ i }))
  for (const value of [[shared, shared], [[...many], many[99]], loop, [1, , 3], [0.5, , 1.5, 2.5], new Date(), [new Map()], new (class A {})(), 1n, [Symbol('s')], () => 1, '\ud800', { '\udc00': 1 }, [`${'x'.repeat(50)}\udfff`]]) {
    assert.equal(inNode.encodePacked(value, 2 ** 31, tooLarge), undefined, inspect(value))
  }
  // Side by side they are a pair, and come apart again.
  assert.deepEqual(again(['\ud83d', '\ude00']), ['\ud83d', '\ude00'])
})

test('A value of 512 levels is packed, a deeper one is not', () => {
  let deep: unknown = 1
  for (let i = 0; i < 512; i++) deep = i % 2 ? [deep] : { deep }
  assert.deepEqual(again(deep), deep)
  assert.equal(inNode.encodePacked([deep], 2 ** 31, tooLarge), undefined)
})

test('A getter that packs a value of its own disturbs nobody', () => {
  let inner: Uint8Array | undefined
  const value = { a: 'before', get b() { inner = inNode.encodePacked({ inner: ['x', 1] }, 100, tooLarge); return 1 }, c: 'after' }
  assert.deepEqual(inNode.decodePacked(pack(value)), { a: 'before', b: 1, c: 'after' })
  assert.equal(inner, undefined, 'it is stored some other way')
})

test('An object that has other names when it is read again is not packed, and others of its shape are', () => {
  const shrinking = { get a() { delete (this as { b?: number }).b; return 1 }, b: 2, c: 3 }
  const growing = { get a() { (this as { d?: number }).d = 4; return 1 }, b: 2, c: 3 }
  let looks = 0
  const changing = new Proxy({ a: 1, b: 2, c: 3 }, { ownKeys: () => (looks++ % 2 === 0 ? ['a', 'b', 'c'] : ['c', 'b', 'a']) })
  for (const value of [shrinking, growing, changing]) {
    const bytes = inNode.encodePacked(value, 2 ** 31, tooLarge)
    if (bytes !== undefined) assert.deepEqual(Object.keys(inNode.decodePacked(bytes) as object), ['a', 'b', 'c'])
    assert.deepStrictEqual(again({ a: 5, b: 6, c: 7 }), { a: 5, b: 6, c: 7 })
  }
  assert.equal(inNode.encodePacked({ get a() { delete (this as { b?: number }).b; return 1 }, b: 2 }, 2 ** 31, tooLarge), undefined)
})

test('Where Object.prototype has an enumerable member, values keep their own members only', () => {
  const polluted = Object.prototype as { stray?: number }
  polluted.stray = 1
  try {
    assert.deepEqual(Object.keys(decodeValue(encodeValue({ a: 1, b: { c: 2 } })) as object), ['a', 'b'])
  } finally {
    delete polluted.stray
  }
})

test('A payload of one value owes nothing to the one before it', () => {
  const values = [sample, 'x'.repeat(300_000), [1.5, 2.5, 3.5, 4.5], `${'’'.repeat(3)}${'x'.repeat(50_000)}`, rows(40), rows(3), {}, rows(200)]
  const alone = values.map(value => pack(value))
  for (const i of [7, 0, 3, 5, 1, 6, 4, 2]) assert.deepEqual(pack(values[i]), alone[i])
  assert.throws(() => inNode.encodePacked(rows(40), 50, () => { throw new RangeError('large') }), RangeError)
  assert.deepEqual(pack(values[4]), alone[4])
})

test('What takes more bytes than allowed is refused, whatever it is made of', () => {
  const large = [sample, 'x'.repeat(999), '’'.repeat(999), `${'x'.repeat(999)}’`, 'é'.repeat(999), rows(20), Array.from({ length: 99 }, (_, i) => i / 7), new Array(999).fill(null), Object.fromEntries(rows(99).map(({ i }) => [`name ${i}`, i]))]
  for (const value of large) {
    const { length } = pack(value)
    assert.equal(inNode.encodePacked(value, length, tooLarge)?.length, length)
    for (const most of [length - 1, length >> 1, 1]) assert.throws(() => inNode.encodePacked(value, most, () => { throw new RangeError('large') }), RangeError)
  }
})

test('Random values come back as structuredClone gives them, packed or not', () => {
  const seed = freshSeed()
  const random = new Random(seed)
  for (let run = 0; run < 2000; run++) {
    const value = randomValue(random, 0)
    const payload = encodeValue(value)
    const expected = structuredClone(value)
    const back = decodeValue(payload)
    try {
      assert.deepStrictEqual(back, expected)
      assert.deepStrictEqual(order(back), order(expected))
      if (payload.kind === kind.packed) again(value)
    } catch (error) {
      throw new Error(`seed ${seed}, run ${run}: ${inspect(value, { depth: 9 }).slice(0, 2000)}`, { cause: error })
    }
  }
})

test('Damaged bytes give a ValueError or a value, soon and of bounded size', () => {
  const seed = freshSeed()
  const random = new Random(seed)
  for (let run = 0; run < 20_000; run++) {
    const bytes = pack(run % 3 === 0 ? sample : randomJson(random, 0))
    let damaged: Uint8Array = bytes
    for (let hits = random.below(4); hits >= 0; hits--) {
      const at = random.below(Math.min(bytes.length, random.oneIn(2) ? 40 : 2 ** 20))
      damaged = random.oneIn(3) ? damaged.slice(0, at) : damaged.map((byte, i) => (i === at ? random.below(256) : byte))
    }
    for (const { decodePacked } of [inNode, inBrowsers]) {
      const start = performance.now()
      try {
        assert.ok(size(decodePacked(damaged)) <= 60 * bytes.length + 100)
      } catch (error) {
        if (!isValueError(error)) throw new Error(`seed ${seed}, run ${run}: ${Buffer.from(damaged).toString('hex')}`, { cause: error })
      }
      assert.ok(performance.now() - start < 1000, `seed ${seed}, run ${run} took long`)
    }
  }
})

test('Bytes that claim more than there is are refused before anything is made of them', () => {
  const hostile: Record<string, number[]> = {
    'nothing at all': [],
    'an unknown form': [9, 1, 0, 0xa1],
    'an unknown type': [0, 1, 0, 0xe0],
    'an unknown simple value': [0, 1, 0, 0xa5],
    'two values': [0, 2, 0, 0xa1, 0xa1],
    'text that nobody cuts': [0, 1, 0, 0xa1, 65],
    'more text than there is': [0, 1, 0, 5, 65],
    'an array of 2^35 items': [0, 6, 0, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x10],
    '2^35 numbers': [0, 6, 0, 0xdf, 0x80, 0x80, 0x80, 0x80, 0x10],
    'a number of 64 bits': [0, 11, 0, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    'a number without an end': [0, 4, 0, 0x3f, 0xff, 0xff, 0xff],
    'a shape that is not there': [0, 1, 0, 0x80],
    '2^28 names': [0, 1, 4, 0x80, 0xff, 0xff, 0xff, 0x7f],
    'a name that is not there': [0, 2, 5, 0x80, 0xa1, 1, 1, 1, 1, 5, 97],
    'one name twice': [0, 3, 6, 0x80, 0xa1, 0xa1, 1, 1, 1, 2, 0, 0, 97],
    'names that are longer than they say': [0, 2, 6, 0x80, 0xa1, 1, 1, 1, 1, 0, 97, 97],
    'names that are not UTF-8': [1, 2, 6, 0x80, 0xa1, 1, 1, 1, 1, 0, 0xff],
    'patches of text that is not there': [2, 4, 0, 1, 9, 0x20, 1, 65],
    'sections beyond the end': [0, 0x80, 0x80, 0x80, 0x80, 0x10, 0x80, 0x80, 0x80, 0x80, 0x10],
    '5000 levels': [0, 0x88, 0x27, 0, ...new Array<number>(4999).fill(0x61), 0xa1],
  }
  for (const [what, bytes] of Object.entries(hostile)) {
    for (const { decodePacked } of [inNode, inBrowsers]) assert.throws(() => decodePacked(Uint8Array.from(bytes)), isValueError, what)
  }
  // What failed leaves nothing behind.
  assert.deepEqual(again(sample), sample)
})

test('Names of one payload are never taken for those of another', () => {
  for (let i = 0; i < 3000; i++) {
    const value = { [`a${i % 7}`]: 1, [`b${i}`]: { [`c${i % 13}`]: i } }
    assert.deepEqual(again(value), value)
    assert.deepEqual(again(sample), sample)
  }
})

const sample = { id: 'x1', list: [{ a: 1, b: 'text' }, { a: 2, b: 'more — text' }], vector: [0.1, 0.2, 0.3, 0.4], far: 1722458112345, none: null, 'ü': true }

const rows = (count: number): { i: number; [name: string]: unknown }[] => Array.from({ length: count }, (_, i) => ({ i, [`only ${i % 50}`]: `row ${i}` }))

function randomText(random: Random): string {
  const unit = random.pick([() => 97 + random.below(26), () => 0xe0 + random.below(31), () => 0x4e00 + random.below(5000), () => random.below(0xd800)])
  const some = String.fromCharCode(...random.times(random.pick([0, 1, 3, 12, 13, 40, 300]), () => (random.oneIn(10) ? 0x2019 : unit())))
  return random.oneIn(20) ? `${some}\u{1f600}` : some
}

function randomJson(random: Random, depth: number): unknown {
  switch (random.below(depth > 4 ? 5 : 8)) {
    case 0: case 1: return randomText(random)
    case 2: return random.pick([random.below(100), -random.below(1e6), random.bits() * 1000, -0, NaN, 0.1, -Infinity])
    case 3: return random.pick([true, false, null])
    case 4: return undefined
    case 5: return random.times(random.below(6), () => randomJson(random, depth + 1))
    case 6: return random.times(random.below(30), () => random.below(1000) / 7)
    default: return Object.fromEntries(random.times(random.below(9), () => [random.pick(['id', 'name', 'content', '7', '12', 'ü', '__proto__', 'constructor', randomText(random)]), randomJson(random, depth + 1)]))
  }
}

/** JSON, and now and then what is not. */
function randomValue(random: Random, depth: number): unknown {
  const value = randomJson(random, depth)
  if (!random.oneIn(6)) return value
  return random.pick<() => unknown>([() => [value, value], () => new Map([[value, 1]]), () => [1, , value], () => ({ at: new Date(5), value }), () => `${randomText(random)}\ud800`, () => new Uint8Array(3), () => new Set([value])])()
}

/** All names in their order. */
function order(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return 0
  return Object.keys(value).map(name => [name, order((value as Record<string, unknown>)[name])])
}

/** What a value takes, roughly. */
function size(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  return 8 + Object.values(value).reduce((sum: number, item) => sum + size(item), Array.isArray(value) ? 8 * value.length : 0)
}
