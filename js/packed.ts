/**
 * JSON-like values, packed: what an LLM or an HTTP API answers is mostly text, so all texts of a value lie behind each other
 * in one string, and the rest is a few bytes of structure that say where to cut it. Making one string out of memory and
 * slices out of that costs a fraction of making each text by itself; a slice is two words that point into the whole.
 *
 *   form (1)   how the text is written
 *   N, S       sizes of what follows, as LEB128
 *   structure (S)  one item, in pre-order; where the form says so, before it the patches of the text
 *   names (N)  every name and every shape (the names of one object, in order) once
 *   text       the rest
 *
 * docs/entry-format.md is the specification. Answers of one function have the same names, so a reader remembers names
 * blocks: then an object is a `{}` that is given interned names in the order they always come in, which V8 turns into one
 * hidden class. Names lie beside the text to be part of the same string: comparing strings beats comparing bytes.
 *
 * Packed is what a tree of plain objects, arrays and primitives can be. All else (an object that is met twice, which
 * must come back as one; Dates, Maps, holes) is for value.ts to store another way.
 */
import { GrowingWriter, wellFormed } from './cbor.js'
import { isPlain, maxDepth } from './encode.js'
import { ValueError } from './errors.js'

/**
 * How the text is written. `ascii`: so are names. `latin1`: the UTF-16 code units, which are all below 0x100. `patched`: their low
 * bytes, with the high ones that are not 0 apart. (Text that is English but for some quotes or emoji stays small, and
 * UTF-8 takes four times as long to read.)
 */
const form = { ascii: 0, latin1: 1, patched: 2, utf16: 3 } as const

/** The first three bits of an item; the other five are its number, or 31 where that follows as LEB128. */
const type = { text: 0, positive: 1, negative: 2, array: 3, object: 4, simple: 5, doubles: 6 } as const

/** The numbers of type.simple. After `double` come its 8 bytes. */
const simple = { undefined: 0, null: 1, false: 2, true: 3, double: 4 } as const

// ---- writing ----------------------------------------------------------------------------------

/** A JSON-like value as bytes; undefined where it is not one. `tooLarge` throws: it takes more than `maxBytes`. */
export function encodePacked(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array | undefined {
  // A getter of a value that is being packed packs another one, which then is stored some other way.
  if (busy) return undefined
  busy = true
  try {
    structure.begin()
    const packer = new Packer(maxBytes, tooLarge)
    return packer.item(value, 0) ? packer.take() : undefined
  } finally {
    busy = false
    if (structure.bytes.length > 65_536) structure = new GrowingWriter()
  }
}

class Packer {
  /** V8 keeps what is added up as a rope, and makes it flat once. */
  private text = ''
  private readonly shapes: (readonly string[])[] = []
  private readonly met = new Set<object>()

  constructor(
    private readonly maxBytes: number,
    private readonly tooLarge: () => never,
  ) {}

  /** Writes a value; false where it is not JSON-like: then all that was written is void. */
  item(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.head(type.text, value.length)
        this.text += value
        if (this.text.length > this.maxBytes) this.tooLarge()
        return true
      case 'number':
        if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) {
          this.simple(simple.double)
          this.doubles([value])
        } else if (value >= 0) this.head(type.positive, value)
        else this.head(type.negative, -1 - value)
        return true
      case 'boolean':
        return this.simple(value ? simple.true : simple.false)
      case 'undefined':
        return this.simple(simple.undefined)
      case 'object':
        if (value === null) return this.simple(simple.null)
        if (depth === maxDepth || this.met.size === this.met.add(value).size) return false
        if (Array.isArray(value)) return this.array(value, depth + 1)
        return isPlain(value) && this.object(value as Record<string, unknown>, depth + 1)
      default:
        return false
    }
  }

  private array(items: readonly unknown[], depth: number): boolean {
    const { length } = items
    if (length > this.maxBytes) this.tooLarge()
    if (length > 3 && isVector(items, length)) {
      this.head(type.doubles, length)
      return this.doubles(items as number[])
    }
    this.head(type.array, length)
    for (let i = 0; i < length; i++) {
      const item = items[i]
      if ((item === undefined && !(i in items)) || !this.item(item, depth)) return false
    }
    return true
  }

  private object(object: Record<string, unknown>, depth: number): boolean {
    const names = Object.keys(object)
    this.head(type.object, this.shape(names))
    for (let i = 0; i < names.length; i++) if (!this.item(object[names[i]!], depth)) return false
    return true
  }

  /** The number of a shape. Only the last ones are looked through: an odd one out may be written twice. */
  private shape(names: readonly string[]): number {
    const { shapes } = this
    for (let i = shapes.length - 1; i >= 0 && i >= shapes.length - 16; i--) if (sameNames(shapes[i]!, names)) return i
    return shapes.push(names) - 1
  }

  private simple(which: number): boolean {
    structure.byte((type.simple << 5) | which)
    return true
  }

  private doubles(numbers: readonly number[]): boolean {
    structure.raw(new Uint8Array(new Float64Array(numbers).buffer))
    return true
  }

  private head(first: number, n: number): void {
    if (structure.at > this.maxBytes) this.tooLarge()
    structure.byte((first << 5) | (n < 31 ? n : 31))
    if (n < 31) return
    structure.room(8)
    structure.at = putNumber(structure.bytes, structure.at, n)
  }

  /** All that was written; undefined where a text has a lone surrogate, which browsers cannot decode. */
  take(): Uint8Array | undefined {
    const { text } = this
    const { length } = text
    const names = namesBlock(this.shapes)
    if (names === undefined) return undefined
    const items = structure.bytes.subarray(0, structure.at)

    // Most texts are ASCII, and then the first try is right.
    if (names.isAscii) {
      const ascii = this.frame(form.ascii, items, names.block, length)
      if (utf8.encodeInto(text, ascii.subarray(ascii.length - length)).read === length) return ascii
    }
    const units = unitsOf(text)
    let wide = 0
    for (let i = 0; i < length; i++) if (units[i]! > 0xff) wide++
    if (wide > 0 && !wellFormed(text)) return undefined
    const how = wide === 0 ? form.latin1 : 4 * wide > length ? form.utf16 : form.patched
    const content = how === form.utf16 ? new Uint8Array(units.buffer, 0, 2 * length) : units.subarray(0, length)
    const bytes = this.frame(how, how === form.patched ? patched(units, length, wide, items) : items, names.block, content.length)
    bytes.set(content, bytes.length - content.length) // Units are stored modulo 256.
    return bytes
  }

  /** A payload whose last `textSize` bytes are yet to be written. */
  private frame(how: number, structure: Uint8Array, names: Uint8Array, textSize: number): Uint8Array {
    header[0] = how
    const at = putNumber(header, putNumber(header, 1, structure.length), names.length)
    const size = at + structure.length + names.length + textSize
    if (size > this.maxBytes) this.tooLarge()
    const bytes = new Uint8Array(size)
    bytes.set(header.subarray(0, at))
    bytes.set(structure, at)
    bytes.set(names, at + structure.length)
    return bytes
  }
}

interface Names {
  readonly block: Uint8Array
  readonly isAscii: boolean
}

/** Numbers: of names, their lengths, of shapes, of each its names. Then the names as UTF-8; undefined where they cannot be that. */
function namesBlock(shapes: readonly (readonly string[])[]): Names | undefined {
  if (shapes.length === 0) return noNames
  const numberOf = new Map<string, number>()
  for (const names of shapes) for (const name of names) if (!numberOf.has(name)) numberOf.set(name, numberOf.size)
  const all = [...numberOf.keys()].join('')
  if (!wellFormed(all)) return undefined
  const numbers = [numberOf.size, ...Array.from(numberOf.keys(), name => name.length), shapes.length, ...shapes.flatMap(names => [names.length, ...names.map(name => numberOf.get(name)!)])]
  const text = utf8.encode(all)
  const block = new Uint8Array(8 * numbers.length + text.length)
  let at = 0
  for (const number of numbers) at = putNumber(block, at, number)
  block.set(text, at)
  return { block: block.subarray(0, at + text.length), isAscii: text.length === all.length && !numbers.some(number => number > 0x7f) }
}

const utf8 = new TextEncoder()
const none = new Uint8Array(0)
const eight = new Float64Array(1)
const eightBytes = new Uint8Array(eight.buffer)
const header = new Uint8Array(20)
const noNames: Names = { block: none, isAscii: true }
/** Names blocks that take more are not remembered: objects that are dictionaries have one each. */
const maxBlock = 4096

/** Where structure is written. */
let structure = new GrowingWriter()
let busy = false

/** Numbers, most of them not whole, such as an embedding: they are kept as they lie in memory. */
function isVector(items: readonly unknown[], length: number): boolean {
  let fractions = 0
  for (let i = 0; i < length; i++) {
    const item = items[i]
    if (typeof item !== 'number') return false
    if (!Number.isSafeInteger(item)) fractions++
  }
  return 2 * fractions > length
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** LEB128: seven bits a byte, the low ones first; the highest bit says that more follow. Returns where it ends. */
function putNumber(bytes: Uint8Array, at: number, n: number): number {
  for (; n > 0x7f; n = Math.floor(n / 128)) bytes[at++] = (n % 128) | 0x80
  bytes[at++] = n
  return at
}

/** The code units of a text, and perhaps more behind them. */
function unitsOf(text: string): Uint16Array {
  const units = room(text.length)
  if (node !== undefined) node.ucs2Write.call(new Uint8Array(units.buffer), text, 0)
  else for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i)
  return units
}

/** The structure with the patches before it: how many, and for each the units since the last one and the high byte. */
function patched(units: Uint16Array, length: number, count: number, structure: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + 6 * count + structure.length)
  let at = putNumber(bytes, 0, count)
  for (let i = 0, next = 0; i < length; i++) {
    const unit = units[i]!
    if (unit < 0x100) continue
    at = putNumber(bytes, at, i - next)
    bytes[at++] = unit >> 8
    next = i + 1
  }
  bytes.set(structure, at)
  return bytes.subarray(0, at + structure.length)
}

// ---- reading ----------------------------------------------------------------------------------

interface Shape {
  readonly names: readonly string[]
  /** Object.prototype has one of the names. */
  readonly defines: boolean
}

/**
 * The value of the packed bytes from `from` to `to`, made of new objects. Throws ValueError where the bytes are not
 * encodePacked's. It takes time and memory in proportion to the bytes, whatever they say: each item takes one at least.
 */
export function decodePacked(bytes: Uint8Array, from = 0, to = bytes.length): unknown {
  return unpacker.decode(bytes, from, to)
}

/** A member that is data whatever Object.prototype makes of its name: assigning could meet a setter, as that of `__proto__`, or a frozen member. */
export function defineMember(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

/** One for all, as it calls nobody who could decode meanwhile, and so makes no garbage. */
class Unpacker {
  private bytes: Uint8Array = none
  private at = 0
  private end = 0
  private text = ''
  private textAt = 0
  private shapes: readonly Shape[] = []

  decode(bytes: Uint8Array, from: number, to: number): unknown {
    this.bytes = bytes
    this.at = from
    this.end = to
    try {
      const how = this.byte()
      const structureSize = this.number()
      const namesSize = this.number()
      const structure = this.at
      const names = structure + structureSize
      const text = names + namesSize
      if (text > to) this.fail(tooShort)
      if (how === form.ascii) {
        const all = latin1Text(bytes, names, to)
        this.shapes = namesSize === 0 ? noShapes : this.shapesOf(all.substring(0, namesSize), names, text)
        this.text = all
        this.textAt = namesSize
        this.at = structure
        this.end = names
      } else {
        this.shapes = namesSize === 0 ? noShapes : this.shapesOf(latin1Text(bytes, names, text), names, text)
        this.at = structure
        this.end = names
        this.text = this.wideText(how, text, to)
        this.textAt = 0
      }
      const value = this.item(0)
      if (this.at !== this.end || this.textAt !== this.text.length) this.fail('has bytes after its end')
      return value
    } finally {
      this.bytes = none
      this.text = ''
      this.shapes = noShapes
    }
  }

  private item(depth: number): unknown {
    const head = this.byte()
    let n = head & 31
    if (n === 31) n = this.number()
    switch (head >> 5) {
      case type.text: {
        const { text, textAt } = this
        const end = textAt + n
        if (end > text.length) this.fail(tooShort)
        this.textAt = end
        return text.substring(textAt, end)
      }
      case type.positive:
        return n
      case type.negative:
        return -1 - n
      case type.array:
        return this.array(n, depth + 1)
      case type.object:
        return this.object(n, depth + 1)
      case type.simple:
        switch (n) {
          case simple.undefined:
            return undefined
          case simple.null:
            return null
          case simple.false:
            return false
          case simple.true:
            return true
          case simple.double:
            this.need(8)
            for (let i = 0; i < 8; i++) eightBytes[i] = this.bytes[this.at++]!
            return eight[0]
        }
        break
      case type.doubles:
        return this.doubles(n)
    }
    return this.fail(unknown)
  }

  private array(length: number, depth: number): unknown[] {
    this.enter(length, depth)
    if (length === 1) return [this.item(depth)]
    const items = new Array<unknown>(length)
    for (let i = 0; i < length; i++) items[i] = this.item(depth)
    return items
  }

  private object(which: number, depth: number): Record<string, unknown> {
    const shape = this.shapes[which]
    if (shape === undefined) return this.fail(unknown)
    const { names } = shape
    this.enter(names.length, depth)
    const object: Record<string, unknown> = {}
    if (shape.defines) {
      for (const name of names) defineMember(object, name, this.item(depth))
    } else {
      for (let i = 0; i < names.length; i++) object[names[i]!] = this.item(depth)
    }
    return object
  }

  private doubles(length: number): number[] {
    this.need(8 * length)
    const { bytes, at } = this
    this.at += 8 * length
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8 * length)
    const numbers = new Array<number>(length)
    for (let i = 0; i < length; i++) numbers[i] = view.getFloat64(8 * i, true)
    return numbers
  }

  /** Before an array or object: `length` items of a byte or more follow. */
  private enter(length: number, depth: number): void {
    if (depth > maxDepth) this.fail('is nested too deep')
    this.need(length)
  }

  /** `key` is the names block as a string; its bytes are read where it is new. */
  private shapesOf(key: string, from: number, to: number): readonly Shape[] {
    // The block's length, the length of its first name and a letter tell functions apart well enough.
    const { length } = key
    const slot = (length + 7 * key.charCodeAt(1) + 31 * key.charCodeAt(length >> 1)) & 255
    const known = remembered[slot]
    if (known !== undefined && known.key === key) return known.shapes
    const shapes = this.newShapes(from, to)
    // Not `key` itself: a slice would keep all the text alive.
    if (length <= maxBlock) remembered[slot] = { key: latin1Text(this.bytes, from, to), shapes }
    return shapes
  }

  private newShapes(from: number, to: number): readonly Shape[] {
    this.at = from
    this.end = to
    const lengths = this.numbers()
    const shapes: number[][] = []
    for (let count = this.number(); count > 0; count--) shapes.push(this.numbers())
    const names: string[] = []
    const all = strictUtf8(this.bytes.subarray(this.at, to))
    let at = 0
    for (const length of lengths) names.push(all.slice(at, (at += length)))
    if (at !== all.length) this.fail('has bytes after its end')
    return shapes.map(numbers => {
      const own = numbers.map(i => names[i] ?? this.fail(unknown))
      if (new Set(own).size < own.length) this.fail('has a name twice')
      return { names: own, defines: own.some(name => name in Object.prototype) }
    })
  }

  private numbers(): number[] {
    const numbers: number[] = []
    for (let count = this.number(); count > 0; count--) numbers.push(this.number())
    return numbers
  }

  private wideText(how: number, from: number, to: number): string {
    const { bytes } = this
    if (how === form.utf16) return utf16Text(bytes, from, to)
    if (how === form.latin1 && node !== undefined) return latin1Text(bytes, from, to)
    if (how !== form.latin1 && how !== form.patched) this.fail(unknown)
    const length = to - from
    const units = room(length)
    units.set(bytes.subarray(from, to))
    if (how === form.patched) {
      for (let count = this.number(), at = 0; count > 0; count--, at++) {
        at += this.number()
        if (at >= length) this.fail(tooShort)
        units[at]! |= this.byte() << 8
      }
    }
    return utf16Text(new Uint8Array(units.buffer), 0, 2 * length)
  }

  private number(): number {
    let n = 0
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = this.byte()
      n += (byte & 0x7f) * scale
      if (byte < 0x80 && n < 2 ** 53) return n
    }
    return this.fail('holds something that is too large')
  }

  private byte(): number {
    if (this.at >= this.end) this.fail(tooShort)
    return this.bytes[this.at++]!
  }

  private need(count: number): void {
    if (count > this.end - this.at) this.fail(tooShort)
  }

  private fail(problem: string): never {
    throw new ValueError('payload', `${problem} (at byte ${this.at})`)
  }
}

const tooShort = 'ends too early'
const unknown = 'holds something that is not known'

const noShapes: readonly Shape[] = []

/** Names blocks that were met, with what they say: 256 at most. */
const remembered: ({ readonly key: string; readonly shapes: readonly Shape[] } | undefined)[] = new Array<undefined>(256).fill(undefined)

/** Where texts of up to 128 KB as UTF-16 are put together. */
const widened = new Uint16Array(65_536)
const room = (length: number): Uint16Array => (length <= widened.length ? widened : new Uint16Array(length))

/** Node's slices of bytes need no view and no check; a TextDecoder takes twice as long. */
interface NodeSlices {
  latin1Slice(this: Uint8Array, from: number, to: number): string
  ucs2Slice(this: Uint8Array, from: number, to: number): string
  ucs2Write(this: Uint8Array, text: string, offset: number): number
}
const prototype = (globalThis as unknown as { Buffer?: { prototype: NodeSlices } }).Buffer?.prototype
const node = prototype !== undefined && 'latin1Slice' in prototype && 'ucs2Slice' in prototype && 'ucs2Write' in prototype ? prototype : undefined

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Read = (bytes: Uint8Array, from: number, to: number) => string

function reader(slice: keyof NodeSlices & `${string}Slice`, label: string): Read {
  if (node !== undefined) return (bytes, from, to) => node[slice].call(bytes, from, to)
  const decoder = new TextDecoder(label, { ignoreBOM: true })
  return (bytes, from, to) => decoder.decode(bytes.subarray(from, to))
}

/** ASCII, or any bytes as a string that no other bytes give. (To a TextDecoder, latin1 is windows-1252, which has a character for each byte, too.) */
const latin1Text = reader('latin1Slice', 'latin1')
const utf16Text = reader('ucs2Slice', 'utf-16le')

/** The text of UTF-8. Throws ValueError where the bytes are not that. */
export function strictUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch (cause) {
    throw new ValueError('payload', 'holds text that is not UTF-8', { cause })
  }
}

const unpacker = new Unpacker()
