import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { inspect } from 'node:util'
import { ValueError } from '../../js/errors.js'
import { Failure } from '../../js/failure.js'
import { decodePayload, decodeValue, encodeValue, failed, flag, kind, labelled, loadFor } from '../../js/value.js'

await loadFor(kind.cbor)

const again = <T>(value: T): T => decodeValue(encodeValue(value)) as T

test('What structuredClone keeps comes back as it was', () => {
  const values: unknown[] = [
    undefined, null, true, false, 0, -0, 1, -1, 23, 24, 255, 256, 65535, 65536, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 60, 1.5, 1.1, NaN, Infinity, -Infinity, 5e-324,
    0n, 1n, -1n, 2n ** 70n, -(2n ** 70n), '', 'a', 'ü', '水', '𐅑', 'x'.repeat(100_000), 'é'.repeat(1000), '\ud800', '\ufeffbom', 'a\0b',
    [], [1, , 3], [undefined], new Array(3), {}, { a: undefined }, { a: { b: [{ c: 1 }] } }, Object.create(null),
    new Date(5), new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])], [NaN, -0]]), new Set([new Map()]), /a+b/giu,
    new Uint8Array([1, 2]), new Uint16Array([1, 500]), new Float64Array([1.5, NaN]), new BigInt64Array([-5n]), new Int8Array(0), new ArrayBuffer(3), new DataView(new ArrayBuffer(2)),
    new Error('plain'), new TypeError('typed', { cause: new RangeError('why') }), { nested: new Error('e', { cause: undefined }) },
  ]
  for (const value of values) assert.deepStrictEqual(again(value), value && structuredClone(value), inspect(value))
  assert.ok(Number.isNaN(again(new Date(NaN)).getTime()))
  assert.equal(again(new URL('http://a/?b')).href, 'http://a/?b')
})

test('Shared references and cycles keep their shape', () => {
  const shared = { n: 1 }
  const [a, b] = again([shared, shared]) as [object, object]
  assert.equal(a, b)
  const loop: Record<string, unknown> = { list: [], map: new Map(), date: new Date(1) }
  ;(loop['list'] as unknown[]).push(loop, loop['map'], loop['date'])
  ;(loop['map'] as Map<unknown, unknown>).set(loop, loop['list'])
  const copy = again(loop) as { list: unknown[]; map: Map<unknown, unknown>; date: Date }
  assert.equal(copy.list[0], copy)
  assert.equal(copy.list[1], copy.map)
  assert.equal(copy.list[2], copy.date)
  assert.equal(copy.map.get(copy), copy.list)
  const error = new Error('self')
  error.cause = error
  const back = again(error)
  assert.equal(back.cause, back)
})

test('Each decode makes objects of its own', () => {
  const payload = encodeValue({ list: [1], bytes: new Uint8Array([1]) })
  const first = decodeValue(payload) as { list: number[]; bytes: Uint8Array }
  first.list.push(2)
  first.bytes[0] = 9
  assert.deepEqual(decodeValue(payload), { list: [1], bytes: new Uint8Array([1]) })
  const bytes = new Uint8Array([1, 2, 3])
  const kept = encodeValue(bytes)
  bytes[0] = 9
  const out = decodeValue(kept) as Uint8Array
  assert.deepEqual(out, new Uint8Array([1, 2, 3]))
  out[0] = 7
  assert.deepEqual(decodeValue(kept), new Uint8Array([1, 2, 3]))
})

test('Bytes are stored as themselves, what is JSON-like is packed, and all else is CBOR', () => {
  for (const value of ['ü', 1, null, undefined, [{ a: ['text'] }]]) assert.equal(encodeValue(value).kind, kind.packed)
  for (const value of [new Date(), { a: 1n }, [new Uint8Array(1)], [1, , 2]]) assert.equal(encodeValue(value).kind, kind.cbor)
  assert.throws(() => decodeValue({ kind: 4, bytes: new Uint8Array([0xf6]) }), ValueError)
  assert.deepEqual(decodeValue({ kind: kind.text, bytes: new Uint8Array([0xc3, 0xbc]) }), 'ü')
  assert.deepEqual(encodeValue(new Uint8Array([7])), { kind: kind.bytes, bytes: new Uint8Array([7]) })
  assert.equal(encodeValue('\ud800').kind, kind.cbor, 'UTF-8 cannot hold a lone surrogate')
})

test('Instances of classes come back as plain objects', () => {
  class Point {
    constructor(readonly x: number) {}
    double(): number {
      return 2 * this.x
    }
  }
  assert.deepStrictEqual(again<unknown>(new Point(1)), { x: 1 })
})

test('Members called __proto__ and constructor are data and pollute nothing', () => {
  const value = JSON.parse('{"__proto__": {"evil": true}, "constructor": {"prototype": {"evil": true}}}') as Record<string, unknown>
  for (const given of [value, { ...Object.getOwnPropertyDescriptors(value), ...value, at: new Date() }, [value, value]]) {
    const back = again<object>(given)
    const own = (Array.isArray(back) ? back[0] : back) as object
    assert.deepStrictEqual(back, structuredClone(given))
    assert.ok(Object.hasOwn(own, 'constructor'))
    assert.equal(Object.getPrototypeOf(own), Object.prototype)
  }
  // Packed and CBOR alike.
  for (const given of [value, Object.assign(JSON.parse('{"__proto__": [1], "constructor": 2}') as object, { at: new Date(1) })]) {
    assert.deepStrictEqual(Object.getOwnPropertyDescriptors(again(given)), Object.getOwnPropertyDescriptors(given))
  }
  assert.equal(({} as { evil?: boolean }).evil, undefined)
})

test('Where Object.prototype is frozen, its names are data still', () => {
  const script = `
    import { decodeValue, encodeValue, kind, loadFor } from ${JSON.stringify(new URL('../../js/value.js', import.meta.url).href)}
    await loadFor(kind.cbor)
    Object.freeze(Object.prototype)
    for (const value of [{ constructor: 1, toString: 2 }, { constructor: 1, toString: 2, at: new Date(5) }]) {
      if (JSON.stringify(decodeValue(encodeValue(value))) !== JSON.stringify(value)) throw new Error('differs')
    }`
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('Getters and proxies that throw are refused with the path of the part', () => {
  const thrower = { get inner(): never { throw new Error('no such thing') } }
  const angry = (trap: string): object => new Proxy({}, { [trap]: () => { throw new TypeError(`${trap} is not for you`) } })
  const revoked = Proxy.revocable([], {})
  revoked.revoke()
  const strange = { get x(): never { throw { get message(): never { throw 1 } } } }
  const cases: [unknown, RegExp][] = [
    [{ list: [1, thrower] }, /^value\.list\[1\]\.inner cannot be read: no such thing$/],
    [{ at: new Date(), deep: { thrower } }, /^value\.deep\.thrower\.inner cannot be read: no such thing$/],
    [{ a: angry('getPrototypeOf') }, /^value\.a cannot be read: getPrototypeOf is not for you$/],
    [[angry('ownKeys')], /^value\[0\] cannot be read: ownKeys is not for you$/],
    [{ a: revoked.proxy }, /^value\.a cannot be read/],
    [strange, /^value\.x cannot be read/],
    [new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 32 - 1 : 1), has: () => true }), /^value takes more than 1000000 bytes/],
  ]
  for (const [value, message] of cases) {
    const start = performance.now()
    assert.throws(() => encodeValue(value, 1_000_000), (error: Error) => error instanceof ValueError && message.test(error.message), String(message))
    assert.ok(performance.now() - start < 2000)
  }
  assert.equal(decodeValue(encodeValue(new Proxy({ a: 1 }, {}))) !== undefined, true, 'a proxy that behaves is an object')
})

test('What cannot be stored is refused, and the message names the path', () => {
  const message = (value: unknown, maxBytes?: number): string => {
    try {
      encodeValue(value, maxBytes)
    } catch (error) {
      assert.ok(error instanceof ValueError, String(error))
      return error.message
    }
    return assert.fail('it was taken')
  }
  assert.match(message({ a: [1, () => 1] }), /^value\.a\[1\] is a function/)
  assert.match(message(Symbol('s')), /^value is a symbol/)
  assert.match(message({ later: Promise.resolve(1) }), /^value\.later is a Promise/)
  assert.match(message(new Response('x')), /^value is a Response/)
  assert.match(message('x'.repeat(101), 100), /takes more than 100 bytes/)
  assert.match(message({ a: 'x'.repeat(2000) }, 100), /takes more than 100 bytes/)
  assert.match(message(new Uint8Array(101), 100), /takes more than 100 bytes/)
  let deep: unknown = 1
  for (let i = 0; i < 600; i++) deep = [deep]
  assert.match(message(deep), /nested deeper than 512 levels/)
})

test('What would come back as something else is refused: boxed primitives, and what keeps its content where nobody can read it', () => {
  class Labelled {
    readonly n = 1
    get [Symbol.toStringTag](): string {
      return 'Labelled'
    }
  }
  const refused: [unknown, string][] = [
    [new String('x'), 'a String'], [new Number(5), 'a Number'], [new Boolean(false), 'a Boolean'], [Object(5n), 'a BigInt'], [Object(Symbol('s')), 'a Symbol'],
    [new SharedArrayBuffer(4), 'a SharedArrayBuffer'], [new Headers({ a: 'b' }), 'a Headers'], [new FormData(), 'a FormData'], [new URLSearchParams('a=1'), 'a URLSearchParams'],
    [new Request('http://a'), 'a Request'], [new AbortController(), 'an AbortController'], [new Blob(['x']), 'a Blob'], [new Intl.NumberFormat(), 'an Intl.NumberFormat'],
    [new Map().entries(), 'a Map Iterator'], [new WeakRef({}), 'a WeakRef'],
  ]
  for (const [value, type] of refused) {
    for (const [given, path] of [[value, 'value'], [{ list: [1, value] }, 'value.list[1]']] as const) {
      assert.throws(() => encodeValue(given), (error: Error) => error instanceof ValueError && error.message.startsWith(`${path} is ${type}, whose content cannot be stored.`), `${path}: ${type}`)
    }
  }
  assert.deepStrictEqual(again<unknown>(new Labelled()), { n: 1 }, 'as of any instance, what can be read is kept')
})

test('An array that has names beside its items is refused, whatever its items are, and others are not', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ i }))
  const numbers = rows.map(({ i }) => i)
  const arrays: unknown[][] = [[], [1], [0.5, 1.5, 2.5, 3.5], ['text'], [new Date(1)], [1, , 3], rows, [new Map(), ...rows], numbers, numbers.map(i => i / 7), numbers.map(String)]
  for (const items of arrays) {
    assert.deepStrictEqual(again(items), items)
    for (const name of ['columns', '-1', '01', '4294967295', '1.5', '']) {
      const named = Object.assign(items.slice(), { [name]: 1 })
      assert.throws(() => encodeValue({ a: named }), (error: Error) => error instanceof ValueError && error.message.startsWith(`value.a is an array that has a member '${name}' beside its items`), `${inspect(items).slice(0, 30)} and ${name}`)
    }
  }
  assert.throws(() => encodeValue('abc'.match(/(?<l>b)/)), /^ValueError: value is an array that has a member 'groups'/)
  assert.deepStrictEqual(again<unknown>('abcb'.match(/b/g)), ['b', 'b'])
})

test('Bytes that are not a value are refused, wherever they end', () => {
  const { bytes } = encodeValue({ a: [1, 'text', new Map([[1, new Date(0)]]), 2n ** 80n, new Float32Array(3)] })
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeValue({ kind: kind.cbor, bytes: bytes.slice(0, length) }), `at ${length}`)
  }
  assert.throws(() => decodeValue({ kind: kind.cbor, bytes: Uint8Array.of(...bytes, 0) }), ValueError)
  assert.throws(() => decodeValue({ kind: kind.cbor, bytes: Uint8Array.of(0x9b, 0, 0, 0, 1, 0, 0, 0, 0) }), ValueError, 'an array that claims 2^32 items')
  assert.throws(() => decodeValue({ kind: kind.cbor, bytes: Uint8Array.of(0x9f, 0xff) }), ValueError)
  assert.throws(() => decodeValue({ kind: kind.cbor, bytes: new Uint8Array(5000).fill(0x81) }), ValueError)
})

test('A payload that is labelled or failed, or both, is read without its label, and what was thrown as a Failure', () => {
  for (const value of ['text', 'ü', [{ a: 1 }, { a: 2 }], new Uint8Array([1, 2]), new Map([[1, 2]]), undefined]) {
    const payload = encodeValue(value)
    for (const label of ['', '["x"]', 'é😀'.repeat(300)]) {
      const all = labelled(payload, label)
      assert.equal(all.kind, payload.kind | flag.labelled)
      assert.equal(all.bytes.length, payload.bytes.length + Buffer.byteLength(label) + 4)
      assert.equal(Buffer.from(all.bytes).toString('utf8', payload.bytes.length, all.bytes.length - 4), label)
      assert.deepEqual(decodePayload(all), value)
      for (const thrown of [failed(all), labelled(failed(payload), label)]) {
        assert.equal(thrown.kind, payload.kind | flag.labelled | flag.failed)
        assert.deepEqual(decodePayload(thrown), new Failure(value))
      }
    }
    assert.deepEqual(decodePayload(failed(payload)), new Failure(value))
    assert.ok(decodePayload(failed(payload)) instanceof Failure)
    assert.deepEqual(decodePayload(payload), value)
  }
})

test('Flags that do not fit their payload are refused', () => {
  const { kind: which, bytes } = labelled(encodeValue('text'), 'label')
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodePayload({ kind: which, bytes: bytes.slice(0, length) }), ValueError, `${length} bytes`)
  }
  assert.throws(() => decodePayload({ kind: which, bytes: new Uint8Array(8).fill(255) }), ValueError)
  for (const kind of [16, 17, 255, -1]) assert.throws(() => decodePayload({ kind, bytes }), ValueError)
  assert.throws(() => decodeValue({ kind: which, bytes }), ValueError, 'decodeValue knows no flags')
})

test('What has to be a text is one: of a few bytes that refer to each other a text of any length could be made', async () => {
  await loadFor(kind.cbor)
  const again = (place: number): number[] => [0xda, 0x52, 0x50, 0x52, 0x37, ...(place < 24 ? [place] : [0x18, place])]
  const levels = 22
  const lists = [0x81, 0x01]
  for (let i = 1; i <= levels; i++) lists.push(0x82, ...again(i), ...again(i))
  const last = again(levels + 1)
  const places = {
    name: [0xa1, ...last, 0x00],
    date: [0xda, 0x52, 0x50, 0x52, 0x31, ...last],
    url: [0xd8, 32, ...last],
    regExp: [0xda, 0x52, 0x50, 0x52, 0x32, 0x82, ...last, 0x60],
    reference: [0xda, 0x52, 0x50, 0x52, 0x37, ...last],
    error: [0xda, 0x52, 0x50, 0x52, 0x33, 0x82, ...last, ...last],
  }
  for (const [what, place] of Object.entries(places)) {
    const decode = (): unknown => decodePayload({ kind: kind.cbor, bytes: Uint8Array.from([0x98, levels + 2, ...lists, ...place]) })
    if (what === 'error') assert.ok((decode() as Error[]).at(-1)!.stack!.length < 1000)
    else assert.throws(decode, { name: 'ValueError' }, what)
  }
})

test('Integers of any length come back', async () => {
  await loadFor(kind.cbor)
  for (const n of [0n, -1n, 2n ** 64n, -(2n ** 64n) - 1n, 0x0102030405060708090a0b0c0d0e0fn, (1n << 1_600_000n) - 1n, -(1n << 100_001n)]) {
    assert.equal(decodePayload(encodeValue(n)), n)
  }
})
