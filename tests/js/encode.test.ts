import assert from 'node:assert/strict'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { KeyEncoder, keyPrefix } from '../../js/encode.js'
import { Outline } from '../../js/outline.js'
import { KeyError } from '../../js/errors.js'
import { seededRandom } from '../../js/testing/random.js'
import { hex } from '../../js/tokens.js'

const outline = new Outline()
const encoder = new KeyEncoder()
const none = new Uint8Array(0)

/** The bytes of one argument: what follows the head of the array of arguments. */
function bytesOf(value: unknown): string {
  encoder.write(outline, none, [value])
  return hex(encoder.canonicalBytes(outline)).slice(2)
}

function refused(value: unknown): string {
  try {
    bytesOf(value)
  } catch (error) {
    assert.ok(error instanceof KeyError, String(error))
    return error.message
  }
  return assert.fail('it was taken')
}

test('JSON is encoded as deterministic CBOR (RFC 8949, appendix A)', () => {
  const examples: [unknown, string][] = [
    [0, '00'], [1, '01'], [10, '0a'], [23, '17'], [24, '1818'], [100, '1864'], [1000, '1903e8'], [1000000, '1a000f4240'],
    [1000000000000, '1b000000e8d4a51000'], [-1, '20'], [-10, '29'], [-100, '3863'], [-1000, '3903e7'],
    [1.1, 'fb3ff199999999999a'], [1.5, 'f93e00'], [65504, '19ffe0'], [100000, '1a000186a0'], [3.4028234663852886e38, 'fa7f7fffff'],
    [1e300, 'fb7e37e43c8800759c'], [5.960464477539063e-8, 'f90001'], [0.00006103515625, 'f90400'], [-4.1, 'fbc010666666666666'],
    [Infinity, 'f97c00'], [NaN, 'f97e00'], [-Infinity, 'f9fc00'], [false, 'f4'], [true, 'f5'], [null, 'f6'], [undefined, 'f7'],
    ['', '60'], ['a', '6161'], ['IETF', '6449455446'], ['"\\', '62225c'], ['ü', '62c3bc'], ['水', '63e6b0b4'], ['𐅑', '64f0908591'],
    [[], '80'], [[1, 2, 3], '83010203'], [[1, [2, 3], [4, 5]], '8301820203820405'],
    [{}, 'a0'], [{ a: 1, b: [2, 3] }, 'a26161016162820203'], ['a'.repeat(24), `7818${'61'.repeat(24)}`],
  ]
  for (const [value, expected] of examples) assert.equal(bytesOf(value), expected, String(value))
})

test('Equal values have equal bytes, whatever the order of their names', () => {
  assert.equal(bytesOf({ b: 1, a: 2, aa: 3 }), bytesOf({ aa: 3, a: 2, b: 1 }))
  assert.equal(bytesOf({ b: 1, a: 2, aa: 3 }), 'a3616102616201626161' + '03', 'shorter names first, then by byte')
  assert.equal(bytesOf(new Map([[1, 'a'], [2, 'b']])), bytesOf(new Map([[2, 'b'], [1, 'a']])))
  assert.equal(bytesOf(new Set(['x', 'y'])), bytesOf(new Set(['y', 'x'])))
  assert.equal(bytesOf(-0), bytesOf(0))
  assert.equal(bytesOf(Object.create(null)), bytesOf({}))
  assert.equal(bytesOf(Buffer.from([1, 2])), bytesOf(new Uint8Array([1, 2])))
})

test('Values that differ have different bytes', () => {
  class Money {
    constructor(readonly cents: number) {}
    toJSON(): unknown {
      return { cents: this.cents }
    }
  }
  const values: unknown[] = [
    1, '1', 1n, -1n, 2n, [1], ['1'], null, undefined, NaN, Infinity, -Infinity, 'null', 'undefined', '', 0, false, true,
    [], {}, [undefined], [null], [,], new Array(2), { a: undefined }, { a: null }, { 0: 1 },
    new Map(), new Map([[1, 2]]), new Map([[3, 4]]), new Map([['a', 1]]), { a: 1 }, new Set(), new Set([1]), new Set([2]), new Set([[1]]),
    /a/, /b/, /a/g, new Date(0), new Date(1), new Date(NaN), new Date(0).toISOString(),
    new Error('a'), new Error('b'), new TypeError('a'), new Error('a', { cause: 1 }), new Error('a', { cause: undefined }),
    new URL('http://a/'), 'http://a/', new URLSearchParams('a=1'), new URLSearchParams('a=2'), 'a=1',
    new ArrayBuffer(1), new ArrayBuffer(2), new Uint8Array([0]), new Uint8Array([1]), new Uint8ClampedArray([1]), new Int8Array([1]),
    new Uint16Array([1]), new Uint32Array([1]), new Float32Array([1]), new Float64Array([1]), new BigInt64Array([1n]), new BigUint64Array([1n]),
    new DataView(new ArrayBuffer(1)), '\ud800', '\ufffd', '\udc00', '\ud800\ud800', '𐀀', 'ud800',
    new Money(1), new Money(2), { cents: 1 }, [[]], [[[]]], { a: {} }, { a: [] }, 'a\u0001b', ['a', 'b'], ['ab'], ['a', 'b', ''],
    2 ** 53, 2 ** 53 + 2, 2n ** 53n, 0.5, 1e-320, Number.MIN_VALUE, 'e\u0301', '\u00e9',
  ]
  const seen = new Map<string, unknown>()
  for (const value of values) {
    const bytes = bytesOf(value)
    assert.ok(!seen.has(bytes), `${String(value)} and ${String(seen.get(bytes))} share ${bytes}`)
    seen.set(bytes, value)
  }
})

test('Lone surrogates keep their code unit, as WTF-8 under tag 273', () => {
  assert.equal(bytesOf('\ud800'), 'd9011143eda080')
  assert.equal(bytesOf(`${'x'.repeat(30)}\udfff`), `d901115821${'78'.repeat(30)}edbfbf`)
})

test('Scope, name and version are parts of the key, and never run into each other', () => {
  const prefixes = [keyPrefix('a:b', 'c', null), keyPrefix('a', 'b:c', null), keyPrefix(null, 'c', null), keyPrefix('null', 'c', null), keyPrefix('a', 'b', 1), keyPrefix('a', 'b', '1')]
  assert.equal(new Set(prefixes.map(hex)).size, prefixes.length)
  assert.equal(hex(keyPrefix('acme', 'ask', 2)), '85016461636d656361736b02')
})

test('What has no identity is refused, and the message names the path', () => {
  assert.match(refused({ tools: [{}, {}, { run: () => 1 }] }), /^args\[0\]\.tools\[2\]\.run is a function/)
  assert.match(refused({ 'odd name': Symbol('s') }), /^args\[0\]\["odd name"\] is a symbol/)
  assert.match(refused(Promise.resolve()), /^args\[0\] is an instance of Promise/)
  assert.match(refused(new ReadableStream()), /is an instance of ReadableStream/)
  assert.match(refused(new (class Secret { #x = 1; x() { return this.#x } })()), /an instance of Secret.*toJSON/)
  assert.match(refused(new (class extends Map {})()), /args\[0\] is an instance of a class derived from Map/)
  assert.match(refused({ get broken() { throw new Error('no luck') } }), /^args\[0\]\.broken could not be read: no luck/)
  assert.match(refused({ a: { toJSON() { throw new Error('ouch') } } }), /^args\[0\]\.a has a toJSON\(\) that threw: ouch/)
  assert.match(refused(new Map([[1, { f() {} }]])), /^args\[0\]\.f is a function/)
})

test('A cycle is refused where it closes, and depth has a limit', () => {
  const loop: { list: unknown[] } = { list: [] }
  loop.list.push({ up: loop })
  assert.match(refused(loop), /^args\[0\]\.list\[0\]\.up refers back to an object that contains it/)
  const nest = (levels: number): unknown => {
    let value: unknown = 1
    for (let i = 0; i < levels; i++) value = [value]
    return value
  }
  bytesOf(nest(512))
  assert.match(refused(nest(513)), /nested deeper than 512 levels/)
  const shared = { a: 1 }
  assert.equal(bytesOf([shared, shared]), bytesOf([{ a: 1 }, { a: 1 }]), 'the same object twice is no cycle')
})

test('An AbortSignal is no part of a key', () => {
  const { signal } = new AbortController()
  assert.equal(bytesOf({ prompt: 'p', signal }), bytesOf({ prompt: 'p' }))
  assert.equal(bytesOf({ prompt: 'p', nested: { signal, x: 1 } }), bytesOf({ prompt: 'p', nested: { x: 1 } }))
  assert.equal(bytesOf({ signal: 'a text' }), bytesOf({ signal: 'a text' }))
  assert.notEqual(bytesOf({ signal: 'a text' }), bytesOf({}))
  assert.equal(bytesOf([1, signal, 2]), bytesOf([1, undefined, 2]), 'in a list its place stays')
  encoder.write(outline, none, ['x', signal])
  const withSignal = hex(encoder.canonicalBytes(outline))
  encoder.write(outline, none, ['x'])
  assert.equal(withSignal, hex(encoder.canonicalBytes(outline)), 'at the end of the arguments it leaves no trace')
  const other = new KeyEncoder()
  const renamed = Object.defineProperty(new AbortController().signal, Symbol.toStringTag, { value: 'TimeoutSignal' })
  other.write(outline, none, ['x', renamed])
  assert.equal(withSignal, hex(other.canonicalBytes(outline)), 'nor does one of another name, the first that is met')
})

test('After a refusal the encoder writes the next key as if nothing had been', () => {
  const before = bytesOf({ a: new Map([[{ b: 1 }, new Set([1, 2])]]) })
  refused({ a: new Map([[{ b: 1 }, new Set([() => 1])]]) })
  assert.equal(bytesOf({ a: new Map([[{ b: 1 }, new Set([1, 2])]]) }), before)
})

test('What an encoder met before changes no key, whatever the objects have in common', () => {
  const seed = Number(process.env['REPRISE_SEED'] ?? 1)
  const random = seededRandom(seed)
  const some = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  // Names that begin alike, in any order, at any depth: what is supposed of one object is nearly true of the next.
  const make = (depth: number): unknown => {
    if (depth === 0 || random() < 0.3) return some<unknown>([1, 'text', null, undefined, new AbortController().signal, true, -0.5])
    if (random() < 0.3) return Array.from({ length: Math.floor(random() * 4) }, () => make(depth - 1))
    const names = ['a', 'b', 'c', 'd', 'toJSON'].filter(() => random() < 0.6)
    if (random() < 0.3) names.reverse()
    const object = random() < 0.2 ? (Object.create(null) as object) : {}
    return Object.assign(object, Object.fromEntries(names.map(name => [name, make(depth - 1)])))
  }
  const keyOf = (encoder: KeyEncoder, args: readonly unknown[]): string => {
    encoder.write(outline, none, args)
    return hex(encoder.canonicalBytes(outline))
  }
  const experienced = new KeyEncoder()
  for (let i = 0; i < 3000; i++) {
    const args = Array.from({ length: Math.floor(random() * 4) }, () => make(4))
    assert.equal(keyOf(experienced, args), keyOf(new KeyEncoder(), args), `REPRISE_SEED=${seed}, arguments ${i}`)
  }
})

test('A member called __proto__ is a member like any other', () => {
  assert.notEqual(bytesOf(JSON.parse('{"__proto__": 1}')), bytesOf({}))
  assert.notEqual(bytesOf(JSON.parse('{"__proto__": 1}')), bytesOf(JSON.parse('{"__proto__": 2}')))
})

test('Values of another realm count like our own', async () => {
  const { runInNewContext } = await import('node:vm')
  const foreign: unknown = runInNewContext('({ a: [1, new Map([[1, 2]]), new Date(5), new Uint8Array([1]), new Set([1]), /x/g, new ArrayBuffer(2)] })')
  assert.equal(bytesOf(foreign), bytesOf({ a: [1, new Map([[1, 2]]), new Date(5), new Uint8Array([1]), new Set([1]), /x/g, new ArrayBuffer(2)] }))
})

test('A getter that changes its object while the key is made spoils no other key', () => {
  const bytesOf = (encoder: KeyEncoder, argument: unknown): Uint8Array => {
    const outline = new Outline()
    encoder.write(outline, keyPrefix(null, 'ask', null), [argument])
    return encoder.canonicalBytes(outline)
  }
  const met = new KeyEncoder()
  bytesOf(met, { get from() { delete (this as { from?: string }).from; return ((this as { from?: string }).from = 'X') }, to: 'Y' })
  bytesOf(met, { get prompt() { delete (this as { prompt?: string }).prompt; return 'once' } })
  bytesOf(met, { get total() { return ((this as { cached?: number }).cached ??= 5) } })
  for (const argument of [{ from: 'Rome', to: 'Oslo' }, { to: 'Rome', from: 'Oslo' }, { prompt: 'cats' }, { prompt: 'dogs' }, { total: 1 }]) {
    assert.deepEqual(bytesOf(met, argument), bytesOf(new KeyEncoder(), argument))
  }
})

test('A class derived from a typed array may hold more than its bytes, and is refused; a Buffer does not', () => {
  class Tensor extends Float32Array {
    shape = [2, 3]
  }
  class Frame extends DataView<ArrayBuffer> {}
  const chunk = Object.setPrototypeOf(Buffer.from('x'), Object.create(Buffer.prototype) as object) as Buffer
  const write = (value: unknown): void => new KeyEncoder().write(new Outline(), keyPrefix(null, 'f', null), [value])
  assert.throws(() => write(new Tensor(6)), /^KeyError: args\[0\] is an instance of Tensor, which may hold more than its bytes/)
  assert.throws(() => write(new Frame(new ArrayBuffer(1))), /an instance of Frame/)
  assert.throws(() => write(chunk), /an instance of Buffer, which may/)
  for (const value of [new Float32Array(2), Buffer.from('x'), Buffer.from('xyz').subarray(1), new DataView(new ArrayBuffer(1)), runInNewContext('new Uint8Array(3)'), runInNewContext('new DataView(new ArrayBuffer(1))')]) write(value)
})
