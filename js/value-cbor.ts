/**
 * Values that are not JSON-like, as CBOR with the tags of cbor.ts. An object that is met again is written as its number: arrays, maps and tagged objects count in the
 * order in which they begin.
 */
import type { GrowingWriter } from './cbor.js'
import { major, simple, tag } from './cbor-numbers.js'

/** What it has in common with the rest is handed in: what two files import, bundlers make a third of, for everyone to load. */
export interface Shared {
  readonly GrowingWriter: typeof import('./cbor.js').GrowingWriter
  readonly typedArrayName: typeof import('./cbor.js').typedArrayName
  readonly typedArrayTag: typeof import('./cbor.js').typedArrayTag
  readonly isPlain: typeof import('./encode.js').isPlain
  readonly maxDepth: number
  readonly typeName: typeof import('./encode.js').typeName
  readonly show: typeof import('./errors.js').show
  readonly ValueError: typeof import('./errors.js').ValueError
  readonly defineMember: typeof import('./packed.js').defineMember
  readonly strictUtf8: typeof import('./packed.js').strictUtf8
}

let shared: Shared

export interface Codec {
  encodeCbor(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array
  decodeCbor(bytes: Uint8Array): unknown
}

export function codecOf(given: Shared): Codec {
  shared = given
  return { encodeCbor, decodeCbor }
}

/** Throws ValueError where the value cannot be kept; `tooLarge` throws where it takes more than `maxBytes`. */
function encodeCbor(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array {
  return new ValueEncoder(new shared.GrowingWriter(1024, maxBytes, tooLarge)).encode(value)
}

/** Throws ValueError where the bytes are not encodeCbor's. */
function decodeCbor(bytes: Uint8Array): unknown {
  return new ValueDecoder(bytes).decode()
}

class ValueEncoder {
  private depth = 0
  private readonly numbers = new Map<object, number>()
  /** What is being read, by a getter or a proxy perhaps. */
  private reading = 'value'

  constructor(private readonly out: GrowingWriter) {}

  encode(value: unknown): Uint8Array {
    try {
      this.value(value, 'value')
    } catch (error) {
      if (error instanceof shared.ValueError) throw error
      throw new shared.ValueError(this.reading.slice(0, 120), `cannot be read: ${error instanceof Error ? error.message : shared.show(error)}`, { cause: error })
    }
    return this.out.take()
  }

  private value(value: unknown, path: string): void {
    const { out } = this
    switch (typeof value) {
      case 'string':
        return out.text(value)
      case 'number':
        // Unlike in a key, -0 is not 0.
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? out.integer(value) : out.float(value)
      case 'boolean':
        return out.byte(value ? simple.true : simple.false)
      case 'undefined':
        return out.byte(simple.undefined)
      case 'bigint':
        return out.bigint(value)
      case 'object':
        return value === null ? out.byte(simple.null) : this.object(value, path)
      default:
        throw new shared.ValueError(path, `is ${typeof value === 'symbol' ? 'a symbol' : shared.show(value)}, which cannot be stored.`)
    }
  }

  private object(value: object, path: string): void {
    this.reading = path
    const seen = this.numbers.get(value)
    if (seen !== undefined) {
      this.out.head(major.tag, tag.again)
      return this.out.integer(seen)
    }
    this.numbers.set(value, this.numbers.size)
    if (++this.depth > shared.maxDepth) throw new shared.ValueError(path.slice(0, 120), `is nested deeper than ${shared.maxDepth} levels.`)
    if (Array.isArray(value)) this.array(value, path)
    else if (shared.isPlain(value)) this.members(value as Record<string, unknown>, path)
    else this.special(value, path)
    this.depth--
  }

  private array(items: readonly unknown[], path: string): void {
    // Names come last, behind the indices.
    const last = Object.keys(items).at(-1)
    if (last !== undefined && (String(Number(last) >>> 0) !== last || Number(last) >= items.length)) {
      throw new shared.ValueError(path, `is an array that has a member '${last.slice(0, 40)}' beside its items, which cannot be stored. Return a plain array or object instead.`)
    }
    this.out.head(major.array, items.length)
    for (let i = 0; i < items.length; i++) {
      this.reading = `${path}[${i}]`
      if (i in items) this.value(items[i], this.reading)
      else {
        this.out.head(major.tag, tag.hole)
        this.out.byte(simple.null)
      }
    }
  }

  private members(object: Record<string, unknown>, path: string): void {
    const names = Object.keys(object)
    this.out.head(major.map, names.length)
    for (const name of names) {
      this.out.text(name)
      this.reading = `${path}.${name}`
      this.value(object[name], this.reading)
    }
  }

  private special(value: object, path: string): void {
    const { out } = this
    if (ArrayBuffer.isView(value)) {
      const name = shared.typedArrayName(value)
      const number = name === undefined ? tag.dataView : shared.typedArrayTag[name]
      if (number === undefined) this.refuse(name!, path)
      out.head(major.tag, number)
      return out.byteString(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    }
    const type = shared.typeName(value)
    switch (type) {
      case 'ArrayBuffer':
        return out.byteString(new Uint8Array(value as ArrayBuffer))
      case 'Date':
        out.head(major.tag, tag.date)
        return this.value((value as Date).getTime(), path)
      case 'Map': {
        const map = value as Map<unknown, unknown>
        out.head(major.tag, tag.map)
        out.head(major.map, map.size)
        for (const [key, item] of map) {
          this.value(key, `${path}.keys()`)
          this.value(item, `${path}.get(${shared.show(key)})`)
        }
        return
      }
      case 'Set': {
        const set = value as Set<unknown>
        out.head(major.tag, tag.set)
        out.head(major.array, set.size)
        for (const item of set) this.value(item, `${path}.values()`)
        return
      }
      case 'RegExp':
        return this.parts(tag.regExp, [(value as RegExp).source, (value as RegExp).flags], path)
      case 'URL':
        out.head(major.tag, tag.url)
        return out.text((value as URL).href)
      case 'Error':
      case 'DOMException': {
        const { name, message, cause } = value as Error
        return this.parts(tag.error, 'cause' in value ? [name, message, cause] : [name, message], path)
      }
      case 'Object':
        return this.members(value as Record<string, unknown>, path)
      default:
        // An instance of a class that has a tag of its own; or what keeps its content where nobody can read it: a boxed primitive, Headers.
        if (type === 'String' || Object.keys(value).length === 0) this.refuse(type, path)
        return this.members(value as Record<string, unknown>, path)
    }
  }

  private refuse(type: string, path: string): never {
    throw new shared.ValueError(path, `is ${/^[AEIO]/.test(type) ? 'an' : 'a'} ${type}, whose content cannot be stored. Return its text, JSON or bytes instead.`)
  }

  private parts(number: number, parts: readonly unknown[], path: string): void {
    this.out.head(major.tag, number)
    this.out.head(major.array, parts.length)
    for (const part of parts) this.value(part, path)
  }
}

const hole = Symbol('hole')

class ValueDecoder {
  private at = 0
  private depth = 0
  private readonly view: DataView
  private readonly objects: unknown[] = []

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  decode(): unknown {
    const value = this.value()
    if (this.at !== this.bytes.length) this.fail('has bytes after its end')
    return value
  }

  private value(): unknown {
    this.need(1)
    const first = this.bytes[this.at++]!
    const type = first >> 5
    const low = first & 31
    if (type === 7) return this.simple(low)
    const n = this.argument(low)
    switch (type) {
      case major.unsigned:
        return n
      case major.negative:
        return -1 - n
      case major.bytes:
        return this.remember(this.take(n).slice().buffer)
      case major.text:
        return shared.strictUtf8(this.take(n))
      case major.array:
        return this.nested(() => this.array(n, this.remember([])))
      case major.map:
        return this.nested(() => this.members(n))
      default:
        return this.nested(() => this.tagged(n))
    }
  }

  private simple(low: number): unknown {
    const at = this.at
    switch (low) {
      case 20:
        return false
      case 21:
        return true
      case 22:
        return null
      case 23:
        return undefined
      case 25:
        this.need(2)
        this.at += 2
        return halfToNumber(this.view.getUint16(at))
      case 26:
        this.need(4)
        this.at += 4
        return this.view.getFloat32(at)
      case 27:
        this.need(8)
        this.at += 8
        return this.view.getFloat64(at)
      default:
        return this.fail(`holds the simple value ${low}, which is not known`)
    }
  }

  private argument(low: number): number {
    if (low < 24) return low
    const at = this.at
    const size = low === 24 ? 1 : low === 25 ? 2 : low === 26 ? 4 : low === 27 ? 8 : this.fail('holds an item of indefinite length')
    this.need(size)
    this.at += size
    if (size === 1) return this.bytes[at]!
    if (size === 2) return this.view.getUint16(at)
    if (size === 4) return this.view.getUint32(at)
    return this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4)
  }

  private array(length: number, items: unknown[]): unknown[] {
    this.need(length)
    items.length = length
    for (let i = 0; i < length; i++) {
      const item = this.value()
      if (item !== hole) items[i] = item
    }
    return items
  }

  private members(count: number): Record<string, unknown> {
    this.need(count)
    const object = this.remember<Record<string, unknown>>({})
    for (; count > 0; count--) {
      const name = this.text()
      const value = this.value()
      if (name in Object.prototype) shared.defineMember(object, name, value)
      else object[name] = value
    }
    return object
  }

  /** What has to be a text: of arrays that refer to each other one could be made that is larger than all memory. */
  private text(): string {
    const text = this.value()
    return typeof text === 'string' ? text : this.fail('holds something else where a text must stand')
  }

  private number(): number {
    const number = this.value()
    return typeof number === 'number' ? number : this.fail('holds something else where a number must stand')
  }

  private tagged(number: number): unknown {
    switch (number) {
      case tag.hole:
        this.value()
        return hole
      case tag.again: {
        const seen = this.number()
        return seen < this.objects.length ? this.objects[seen] : this.fail(`refers to object ${seen}, which is not there`)
      }
      case tag.bigPositive:
        return this.bigint()
      case tag.bigNegative:
        return -1n - this.bigint()
      case tag.wtf8:
        return fromWtf8(this.byteString())
      case tag.date: {
        const place = this.reserve()
        return this.fill(place, new Date(this.number()))
      }
      case tag.url: {
        const place = this.reserve()
        return this.fill(place, new URL(this.text()))
      }
      // These two are in keys only, which are told to others by their canonical bytes.
      case tag.searchParams: {
        const place = this.reserve()
        return this.fill(place, new URLSearchParams(this.text()))
      }
      case tag.json: {
        const place = this.reserve()
        const json = this.value()
        return this.fill(place, { toJSON: () => json })
      }
      case tag.map: {
        const map = this.remember(new Map<unknown, unknown>())
        for (let count = this.headOf(major.map); count > 0; count--) {
          const key = this.value()
          map.set(key, this.value())
        }
        return map
      }
      case tag.set: {
        const set = this.remember(new Set<unknown>())
        for (let count = this.headOf(major.array); count > 0; count--) set.add(this.value())
        return set
      }
      case tag.regExp: {
        const place = this.reserve()
        this.headOf(major.array)
        return this.fill(place, new RegExp(this.text(), this.text()))
      }
      case tag.error:
        return this.error()
      default:
        return this.remember(this.typedArray(number))
    }
  }

  private error(): Error {
    // The object comes before its parts, as a cause may refer back to it.
    const error = this.remember(new Error())
    const parts = this.headOf(major.array)
    // Texts, as a rule; a function may have thrown an Error whose message is something else.
    const name = this.value()
    const message = this.value()
    const type = typeof name === 'string' ? nativeErrors[name] : undefined
    if (type !== undefined) Object.setPrototypeOf(error, type.prototype as object)
    else define(error, 'name', name)
    define(error, 'message', message)
    define(error, 'stack', [name, message].map(part => (typeof part === 'string' ? part : shared.show(part))).join(': '))
    if (parts === 3) define(error, 'cause', this.value())
    return error
  }

  private typedArray(number: number): unknown {
    const buffer = this.byteString().slice().buffer
    if (number === tag.dataView) return new DataView(buffer)
    const name = Object.keys(shared.typedArrayTag).find(name => shared.typedArrayTag[name] === number)
    const type = name === undefined ? undefined : (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => unknown>)[name]
    return type === undefined ? this.fail(`holds tag ${number}, which this runtime does not know`) : new type(buffer)
  }

  private bigint(): bigint {
    // (From hexadecimal digits it takes time in proportion to their number.)
    const digits: string[] = ['0x0']
    for (const byte of this.byteString()) digits.push(byte < 16 ? '0' : '', byte.toString(16))
    return BigInt(digits.join(''))
  }

  private byteString(): Uint8Array {
    return this.take(this.headOf(major.bytes))
  }

  private headOf(type: number): number {
    this.need(1)
    const first = this.bytes[this.at++]!
    if (first >> 5 !== type) this.fail(`holds major type ${first >> 5} where ${type} must stand`)
    return this.argument(first & 31)
  }

  private take(length: number): Uint8Array {
    this.need(length)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > 2 * shared.maxDepth + 2) this.fail('is nested too deep')
    const value = read()
    this.depth--
    return value
  }

  private remember<T>(object: T): T {
    this.objects.push(object)
    return object
  }

  private reserve(): number {
    return this.objects.push(undefined) - 1
  }

  private fill<T>(place: number, object: T): T {
    this.objects[place] = object
    return object
  }

  private need(count: number): void {
    if (this.at + count > this.bytes.length) this.fail('ends too early')
  }

  private fail(problem: string): never {
    throw new shared.ValueError('payload', `${problem} (at byte ${this.at})`)
  }
}

const nativeErrors: Readonly<Record<string, ErrorConstructor>> = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true })
}

function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 31
  const mantissa = half & 0x3ff
  const sign = half & 0x8000 ? -1 : 1
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (mantissa + 1024) * 2 ** (exponent - 25))
}

function fromWtf8(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i++]!
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    let code = more === 0 ? first : first & (0x3f >> more)
    for (let k = 0; k < more; k++) code = (code << 6) | (bytes[i++]! & 63)
    text += String.fromCodePoint(code)
  }
  return text
}
