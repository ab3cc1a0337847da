/**
 * Random arguments of every type that a key can hold, and variations of them.
 *
 * Two random values are hardly ever alike, and tell little. So the second of a pair is made from the first: rebuilt with
 * whatever does not count changed (the order of names, prototypes, where bytes lie), and, every other time, with one
 * part replaced by its near miss: `'1'` for `1`, a hole for undefined, a Set for an array. Which pairs are equal in the
 * end is not known here; same.ts decides.
 */
import { randomNumber, randomText } from './primitives.js'
import type { Random } from './random.js'

const signal = new AbortController().signal
const symbol = Symbol('not part of a key')
type Members = Record<string, unknown>
type Bytes = { buffer: ArrayBuffer; byteOffset: number; byteLength: number }
type TypedArrayType = { new (buffer: ArrayBuffer, offset?: number, length?: number): Bytes & { length: number }; BYTES_PER_ELEMENT: number; name: string }

const typedArrays = [
  Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, BigUint64Array, Int8Array, Int16Array, Int32Array, BigInt64Array, Float32Array, Float64Array,
] as unknown as TypedArrayType[]

/** An instance of a class that says itself what it is. */
class Money {
  constructor(
    readonly json: unknown,
    readonly unit: string,
  ) {}
  toJSON(): unknown {
    return this.json
  }
}

class HttpError extends Error {
  status = 500
}

export function randomArguments(random: Random): unknown[] {
  const args = random.times(random.pick([0, 1, 1, 1, 2, 2, 3]), () => randomValue(random, 3))
  return random.oneIn(300) ? [...args, randomLong(random)] : args
}

/** Any value; containers nest at most `depth` deep. */
function randomValue(random: Random, depth: number): unknown {
  if (depth === 0 || random.below(10) < 4) return randomPrimitive(random)
  const inner = (): unknown => randomValue(random, depth - 1)
  const few = (): number => random.pick([0, 1, 2, 2, 3, 3, 4, 6])
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: {
      const object: Members = {}
      for (let i = few(); i > 0; i--) put(object, random.oneIn(30) ? '\ud800' : randomText(random), inner())
      return object
    }
    case 5:
    case 6:
    case 7: {
      const array = random.times(few(), inner)
      if (array.length > 0 && random.oneIn(6)) delete array[random.below(array.length)]
      if (array.length > 1 && random.oneIn(6)) array[0] = array[1]
      return array
    }
    case 8: {
      const map = new Map(random.times(few(), () => [inner(), inner()]))
      // Keys that are alike and still two.
      if (random.oneIn(4)) for (let i = 0; i < 2; i++) map.set([1], inner())
      return map
    }
    case 9:
      return new Set(random.times(few(), inner))
    case 10: {
      const type = random.pick(typedArrays)
      return new type(randomBuffer(random, type.BYTES_PER_ELEMENT * random.below(4)))
    }
    case 11:
      return random.oneIn(2) ? randomBuffer(random, random.below(5)) : new DataView(randomBuffer(random, random.below(5)))
    case 12: {
      const error = new (random.pick([Error, TypeError, HttpError]))(randomText(random))
      if (random.oneIn(3)) error.cause = inner()
      if (random.oneIn(3)) error.name = randomText(random)
      return error
    }
    case 13:
      return new Money(inner(), randomText(random))
    case 14:
      return random.oneIn(2) ? new URL(`http://a/${encodeURIComponent(randomText(random))}`) : new URLSearchParams([[randomText(random), randomText(random)]])
    default:
      return random.oneIn(2) ? new RegExp(random.pick(['a', 'b', '(?:)', '[é]']), random.pick(['', 'g', 'gi', 'u'])) : new Date(random.oneIn(8) ? NaN : Math.trunc(random.below(5) * 1e12))
  }
}

function randomPrimitive(random: Random): unknown {
  switch (random.below(14)) {
    case 0:
      return random.pick([true, false])
    case 1:
      return random.pick([null, undefined])
    case 2:
      return random.pick([NaN, Infinity, -Infinity, 0, -0])
    case 3:
      return random.oneIn(4) ? BigInt(random.bits()) ** BigInt(random.below(6)) * (random.oneIn(2) ? 1n : -1n) : BigInt(random.below(600) - 300)
    case 4:
      return random.oneIn(4) ? random.pick(['\ud800', 'a\udc00', '\udc00\ud800']) + randomText(random) : randomText(random)
    case 5:
      return random.oneIn(6) ? signal : random.below(3)
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return randomNumber(random)
    default:
      return randomText(random)
  }
}

/** Longer than the core's inbox, or nearly so: text (ASCII, but for one character, or none of it), bytes, and a name. */
function randomLong(random: Random): unknown {
  const length = random.pick([1, 2, 4]) * (random.oneIn(2) ? 65_536 : 21_842) + random.below(40) - 20
  const other = (): string => random.pick(['é', '東', '😀', '\ud800', '\udc00'])
  const text = random.pick(['a', 'ab', '東', '😀', 'aé']).repeat(length).slice(0, length)
  const at = random.pick([0, 1, length - 1, random.below(length)])
  switch (random.below(5)) {
    case 0:
      return text
    case 1:
      return new Uint8Array(length).fill(7)
    case 2:
      return { [text]: 1, [`${text}b`]: 2, a: text }
    default:
      return text.slice(0, at) + other() + text.slice(at)
  }
}

function randomBuffer(random: Random, length: number): ArrayBuffer {
  return Uint8Array.from(random.times(length, () => random.pick([0, 1, 0x80, 0xff, 0x3f, 0x7f]))).buffer
}

/** `__proto__` is a name like any other. */
function put(object: Members, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

/** Other arguments made from these: the same if nothing is changed, though built in another way; else with one or two near misses. */
export function variation(args: readonly unknown[], random: Random): unknown[] {
  const variation = new Variation(random)
  const list = variation.items(args)
  for (let i = random.pick([0, 0, 0, 1, 1, 2]); i > 0; i--) variation.changeOne(list)
  while (random.oneIn(20)) list.push(signal)
  return list
}

class Variation {
  constructor(private readonly random: Random) {}

  items(list: readonly unknown[]): unknown[] {
    const copy: unknown[] = new Array<unknown>(list.length)
    for (let i = 0; i < list.length; i++) if (i in list) copy[i] = this.rebuilt(list[i])
    return copy
  }

  /** An equal value. */
  private rebuilt(value: unknown): unknown {
    const { random } = this
    if (value === 0) return random.oneIn(2) ? -0 : 0
    if (typeof value === 'string') return ` ${value}`.slice(1)
    if (typeof value !== 'object' || value === null || value === signal) return value
    if (Array.isArray(value)) return this.items(value)
    if (value instanceof Map) {
      const entries = [...value].map(([key, item]): [unknown, unknown] => [this.rebuilt(key), this.rebuilt(item)])
      if (random.oneIn(16) && !value.has('signal')) entries.push(['signal', signal])
      return new Map(random.shuffled(entries))
    }
    if (value instanceof Set) {
      const members = random.shuffled([...value].map(item => this.rebuilt(item)))
      return new Set(random.oneIn(16) ? [signal, ...members] : members)
    }
    if (value instanceof Date) return new Date(value)
    if (value instanceof RegExp) return Object.assign(new RegExp(value), { lastIndex: random.below(2) })
    if (value instanceof URL) return new URL(value)
    if (value instanceof URLSearchParams) return new URLSearchParams(value)
    if (value instanceof ArrayBuffer) return value.slice(0)
    if (ArrayBuffer.isView(value)) return this.moved(value as Bytes)
    if (value instanceof Error) {
      const { name, message, cause } = value
      const error = new (random.pick([Error, RangeError]))(message, 'cause' in value ? { cause: this.rebuilt(cause) } : undefined)
      return Object.assign(error, { name })
    }
    if (value instanceof Money) {
      const json = this.rebuilt(value.json)
      return random.oneIn(4) ? { toJSON: () => json } : new Money(json, randomText(random))
    }
    return this.object(value as Members)
  }

  private object(from: Members): Members {
    const { random } = this
    const object = (random.oneIn(8) ? Object.create(null) : {}) as Members
    const names = random.oneIn(2) ? random.shuffled(Object.keys(from)) : Object.keys(from)
    if (random.oneIn(16) && !Object.hasOwn(from, 'signal')) names.unshift('signal')
    for (const name of names) put(object, name, name === 'signal' && !Object.hasOwn(from, name) ? signal : this.rebuilt(from[name]))
    if (random.oneIn(16)) Object.defineProperty(object, symbol, { value: 1, enumerable: true })
    if (random.oneIn(16) && !Object.hasOwn(from, 'hidden')) Object.defineProperty(object, 'hidden', { value: 1, enumerable: false, configurable: true, writable: true })
    return object
  }

  /** The same bytes elsewhere: in a buffer of their own, or within another. */
  private moved(view: Bytes): unknown {
    const type = (Buffer.isBuffer(view) ? Uint8Array : (view as object).constructor) as TypedArrayType
    const size = type.BYTES_PER_ELEMENT ?? 1
    const room = new Uint8Array(view.byteLength + 16).fill(0x55)
    const at = 8 * this.random.below(3)
    room.set(bytesOf(view), at)
    if (type === (Uint8Array as unknown) && this.random.oneIn(3)) return Buffer.from(room.buffer, at, view.byteLength)
    return new type(room.buffer, at, view.byteLength / size)
  }

  /** Replaces one part of `list`, somewhere in its depth, by a near miss. The list is this variation's own. */
  changeOne(list: unknown[]): void {
    const { random } = this
    if (list.length === 0 || random.oneIn(6)) return this.changeList(list)
    const at = random.below(list.length)
    if (!(at in list)) list[at] = undefined
    else if (!this.changeWithin(list[at])) list[at] = this.nearMiss(list[at])
  }

  /** Changes something inside of `value`; false if there is nothing inside, or if the value itself shall be replaced. */
  private changeWithin(value: unknown): boolean {
    const { random } = this
    if (typeof value !== 'object' || value === null || random.oneIn(3)) return false
    if (Array.isArray(value)) this.changeOne(value)
    else if (value instanceof Map) this.changeMap(value)
    else if (value instanceof Set) this.changeSet(value)
    else if (isRecord(value) && typeof value['toJSON'] !== 'function') this.changeMembers(value)
    else return false
    return true
  }

  private changeList(list: unknown[]): void {
    const { random } = this
    const at = random.below(list.length + 1)
    switch (random.below(6)) {
      case 0:
        list.splice(at, 1)
        break
      case 1:
        list.splice(at, 0, random.pick([undefined, null, signal, randomPrimitive(random)]))
        break
      case 2:
        if (at < list.length) delete list[at]
        break
      case 3:
        list.length++
        break
      case 4: // [a, b, c] becomes [a, [b, c]]
        list.push(list.splice(at))
        break
      default:
        if (list.length > 1) list.push(list.shift())
    }
  }

  private changeMembers(object: Members): void {
    const { random } = this
    const names = Object.keys(object)
    const name = random.pick(names)
    if (name === undefined || random.oneIn(8)) return put(object, randomText(random), random.pick([undefined, null, signal, 1]))
    const value = object[name]
    switch (random.below(6)) {
      case 0:
        delete object[name]
        return
      case 1: {
        delete object[name]
        return put(object, random.pick([`${name} `, name.toUpperCase(), name.normalize('NFD'), name.slice(1), randomText(random)]), value)
      }
      case 2: {
        const other = random.pick(names)
        put(object, name, object[other])
        return put(object, other, value)
      }
      case 3:
        return Object.defineProperty(object, name, { enumerable: false }) && undefined
      default:
        if (!this.changeWithin(value)) put(object, name, this.nearMiss(value))
    }
  }

  private changeMap(map: Map<unknown, unknown>): void {
    const { random } = this
    const keys = [...map.keys()]
    if (keys.length === 0) return void map.set(randomPrimitive(random), random.pick([undefined, signal, 1]))
    const key = random.pick(keys)
    const value = map.get(key)
    switch (random.below(4)) {
      case 0:
        map.delete(key)
        break
      case 1:
        map.delete(key)
        map.set(this.nearMiss(key), value)
        break
      case 2: {
        const other = random.pick(keys)
        map.set(key, map.get(other)).set(other, value)
        break
      }
      default:
        if (!this.changeWithin(value)) map.set(key, this.nearMiss(value))
    }
  }

  private changeSet(set: Set<unknown>): void {
    const { random } = this
    const members = [...set]
    if (members.length === 0 || random.oneIn(4)) return void set.add(randomPrimitive(random))
    const member = random.pick(members)
    if (this.changeWithin(member)) return
    set.delete(member)
    if (random.oneIn(2)) set.add(this.nearMiss(member))
  }

  /** A value that could be taken for this one. */
  private nearMiss(value: unknown): unknown {
    const { random } = this
    if (random.oneIn(20)) return random.pick([null, undefined, signal, [value], { '0': value }, new Set([value]), new Money(value, ''), randomValue(random, 2)])
    switch (typeof value) {
      case 'number':
        return random.pick([String(value), Number.isInteger(value) ? BigInt(value) : Math.trunc(value), value + 1, -value, neighbour(value), Math.fround(value), new Date(value), [value], `${value}n`, value !== 0])
      case 'bigint':
        return random.pick([Number(value), value + 1n, -value, -1n - value, BigInt.asIntN(8, value), String(value), `${value}n`])
      case 'string':
        if (/\p{Surrogate}/u.test(value)) return value.replace(/\p{Surrogate}/u, random.pick(['\ufffd', '\ud801', '\\ud800', '']))
        return random.pick([
          `${value}\0`, value.slice(1), value.slice(0, -1), value.toUpperCase(), value.normalize('NFD'), `${value}\ud800`, Number(value), [value], [...value], Buffer.from(value), new Error(value), new URLSearchParams(value), [value.slice(0, 1), value.slice(1)], { [value]: value },
        ])
      case 'boolean':
        return random.pick([!value, Number(value), String(value)])
      case 'undefined':
        return random.pick([null, 'undefined', NaN, [], {}, new Array(1)])
    }
    if (value === null || value === signal || typeof value !== 'object') return random.pick([undefined, 'null', 0, false, {}, []])
    return this.nearObject(value)
  }

  private nearObject(value: object): unknown {
    const { random } = this
    if (Array.isArray(value)) return random.pick([{ ...value }, new Set(value), new Map(value.entries()), [value], value.flat(1), value[0], JSON.stringify(value.length)])
    if (value instanceof Map) return random.pick([[...value], new Set(value), new Map([...value].map(([key, item]) => [item, key])), Object.fromEntries([...value].map(([key, item]) => [typeof key === 'object' ? 'x' : String(key), item]))])
    if (value instanceof Set) return random.pick([[...value], new Map([...value].map(member => [member, member])), [value], {}])
    if (value instanceof Date) return random.pick([value.getTime(), new Date(value.getTime() + 1), new Date(NaN), String(value), new Money(value.getTime(), '')])
    if (value instanceof RegExp) return random.pick([value.source, String(value), [value.source, value.flags], new RegExp(value.source, 'm'), new RegExp(`${value.source}?`, value.flags)])
    if (value instanceof URL) return random.pick([value.href, new URL(`${value.href}?`), new URL(`${value.href}#a`), new URL('http://A/')])
    if (value instanceof URLSearchParams) return random.pick([String(value), new URLSearchParams(`${String(value)}&a=`), new URL(`http://a/?${String(value)}`), [...value]])
    if (value instanceof ArrayBuffer) return random.pick([new Uint8Array(value), new DataView(value), value.slice(1), [...new Uint8Array(value)]])
    if (ArrayBuffer.isView(value)) return this.nearBytes(value as Bytes)
    if (value instanceof Error) {
      const { name, message } = value
      return random.pick([{ name, message }, [name, message], Object.assign(new Error(message, { cause: random.pick([undefined, null, 1]) }), { name }), Object.assign(new Error(name), { name: message }), new Error(`${message} `), message])
    }
    if (value instanceof Money || typeof (value as { toJSON?: unknown }).toJSON === 'function') {
      const json = (value as { toJSON(): unknown }).toJSON()
      return random.pick([json, new Money([json], ''), new Money(new Money(json, ''), ''), { json }])
    }
    const members = value as Members
    return random.pick([new Map(Object.entries(members)), Object.entries(members), Object.keys(members), Object.values(members), new Money(members, ''), [members], { ...members, toJSON: 1 }, { '': members }])
  }

  private nearBytes(view: Bytes): unknown {
    const { random } = this
    const bytes = bytesOf(view)
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8)
    padded.set(bytes)
    const other = random.pick(typedArrays)
    const flipped = Uint8Array.from(bytes, (byte, i) => (i === 0 ? byte ^ 0x80 : byte))
    return random.pick([new other(padded.buffer), new Uint8Array(bytes), new DataView(Uint8Array.from(bytes).buffer), Uint8Array.from(bytes).buffer, bytes.slice(1), flipped, [...bytes], new Uint8ClampedArray(bytes)])
  }
}

function bytesOf(view: Bytes): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function isRecord(value: object): value is Members {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

const bits = new DataView(new ArrayBuffer(8))

/** The next double. */
function neighbour(x: number): number {
  bits.setFloat64(0, x)
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n)
  return bits.getFloat64(0)
}
