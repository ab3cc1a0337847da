/**
 * JSON-like values, packed: what an LLM or an HTTP API answers is mostly text, so all texts of a value lie behind each other
 * in one string, and the rest is a few bytes of structure that say where to cut it. Making one string out of memory and
 * slices out of that costs a fraction of making each text by itself; a slice is two words that point into the whole.
 *
 *   form (1)   how the text is written
 *   N, S       sizes of what follows, as LEB128
 *   names (N)  every name and every shape (the names of one object, in order) once
 *   structure (S)  one item, in pre-order; where the form says so, before it the patches of the text
 *   text       the rest
 *
 * docs/entry-format.md is the specification. Answers of one function have the same names, so a reader remembers names
 * blocks by their bytes: then an object is a `{}` that is given interned names in the order they always come in, which
 * V8 turns into one hidden class.
 *
 * Packed is what a tree of plain objects, arrays and primitives can be. All else (an object that is met twice, which
 * must come back as one; Dates, Maps, holes) is for value.ts to store another way.
 */
import { GrowingWriter, wellFormed } from './cbor.js'
import { isPlain, maxDepth } from './encode.js'
import { ValueError } from './errors.js'

/** How the text is written. `patched`: the low byte of each UTF-16 code unit, and the high bytes that are not 0 apart. */
const form = { ascii: 0, latin1: 1, patched: 2, utf16: 3 } as const

/** The first three bits of an item; the other five are its number, or 31 where that follows as LEB128. */
const type = { text: 0, positive: 1, negative: 2, array: 3, object: 4, simple: 5, doubles: 6 } as const

/** The numbers of type.simple. After `double` come its 8 bytes. */
const simple = { undefined: 0, null: 1, false: 2, true: 3, double: 4 } as const

// ---- writing ----------------------------------------------------------------------------------

/** A JSON-like value as bytes; undefined where it is not one. `tooLarge` throws: it takes more than `maxBytes`. */
export function encodePacked(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array | undefined {
  const packer = new Packer(maxBytes, tooLarge)
  return packer.item(value, 0) ? packer.take() : undefined
}

class Packer {
  /** V8 keeps what is added up as a rope, and makes it flat once. */
  private text = ''
  private readonly structure: GrowingWriter
  private readonly names = new Map<string, number>()
  private readonly shapes: (readonly string[])[] = []
  /** The objects met so far: a few are looked through faster than they are hashed. */
  private readonly few: object[] = []
  private many: Set<object> | undefined

  constructor(
    private readonly maxBytes: number,
    private readonly tooLarge: () => never,
  ) {
    this.structure = new GrowingWriter(256, maxBytes, tooLarge)
  }

  /** Writes a value; false where it is not JSON-like: then all that was written is void. */
  item(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.head(type.text, value.length)
        this.text += value
        if (this.text.length > this.maxBytes) this.tooLarge()
        return true
      case 'number':
        if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.double(value)
        else if (value >= 0) this.head(type.positive, value)
        else this.head(type.negative, -1 - value)
        return true
      case 'boolean':
        return this.simple(value ? simple.true : simple.false)
      case 'undefined':
        return this.simple(simple.undefined)
      case 'object':
        if (value === null) return this.simple(simple.null)
        if (depth === maxDepth || !this.isNew(value)) return false
        if (Array.isArray(value)) return this.array(value, depth + 1)
        return isPlain(value) && this.object(value as Record<string, unknown>, depth + 1)
      default:
        return false
    }
  }

  private array(items: readonly unknown[], depth: number): boolean {
    const { length } = items
    // Vectors: as they lie in memory.
    if (length > 3 && isFraction(items[0]) && items.every(item => typeof item === 'number')) {
      this.head(type.doubles, length)
      this.structure.raw(new Uint8Array(Float64Array.from(items as number[]).buffer))
      return true
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
    for (const name of names) if (!this.names.has(name)) this.names.set(name, this.names.size)
    return shapes.push(names) - 1
  }

  private isNew(object: object): boolean {
    const { few } = this
    if (this.many !== undefined) return this.many.size < this.many.add(object).size
    if (few.includes(object)) return false
    if (few.push(object) > 16) this.many = new Set(few)
    return true
  }

  private simple(which: number): boolean {
    this.structure.byte((type.simple << 5) | which)
    return true
  }

  private double(value: number): void {
    this.simple(simple.double)
    eight[0] = value
    this.structure.raw(eightBytes)
  }

  private head(first: number, n: number): void {
    if (n < 31) return this.structure.byte((first << 5) | n)
    this.structure.byte((first << 5) | 31)
    leb128(this.structure, n)
  }

  /** All that was written; undefined where the text has a lone surrogate, which browsers cannot decode. */
  take(): Uint8Array | undefined {
    const { text, maxBytes } = this
    const names = this.namesBlock()
    if (names === undefined) return undefined
    let structure = this.structure.take()
    // Most texts are ASCII, and then the first try is right.
    const payload = (how: number, textSize: number): { bytes: Uint8Array; text: Uint8Array } => {
      const writer = new GrowingWriter(names.length + structure.length + textSize + 24, maxBytes, this.tooLarge)
      writer.byte(how)
      leb128(writer, names.length)
      leb128(writer, structure.length)
      writer.raw(names)
      writer.raw(structure)
      const { at } = writer
      if (at + textSize > maxBytes) this.tooLarge()
      const bytes = writer.bytes.slice(0, at + textSize)
      return { bytes, text: bytes.subarray(at) }
    }
    const ascii = payload(form.ascii, text.length)
    if (utf8.encodeInto(text, ascii.text).read === text.length) return ascii.bytes

    let wide = 0
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) wide++
    if (wide > 0 && !wellFormed(text)) return undefined
    if (4 * wide > text.length) {
      const utf16 = payload(form.utf16, 2 * text.length)
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i)
        utf16.text[2 * i] = unit
        utf16.text[2 * i + 1] = unit >> 8
      }
      return utf16.bytes
    }
    if (wide > 0) structure = patched(text, wide, structure)
    const low = payload(wide === 0 ? form.latin1 : form.patched, text.length)
    for (let i = 0; i < text.length; i++) low.text[i] = text.charCodeAt(i)
    return low.bytes
  }

  /** Numbers: of names, their lengths, of shapes, of each its names. Then the names as UTF-8, where they can be that. */
  private namesBlock(): Uint8Array | undefined {
    if (this.shapes.length === 0) return none
    const writer = new GrowingWriter(256)
    leb128(writer, this.names.size)
    let all = ''
    for (const name of this.names.keys()) {
      leb128(writer, name.length)
      all += name
    }
    leb128(writer, this.shapes.length)
    for (const names of this.shapes) {
      leb128(writer, names.length)
      for (const name of names) leb128(writer, this.names.get(name)!)
    }
    if (!wellFormed(all)) return undefined
    writer.raw(utf8.encode(all))
    return writer.take()
  }
}

const utf8 = new TextEncoder()
const none = new Uint8Array(0)
const eight = new Float64Array(1)
const eightBytes = new Uint8Array(eight.buffer)

function isFraction(value: unknown): boolean {
  return typeof value === 'number' && !Number.isSafeInteger(value)
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Seven bits a byte, the low ones first; the highest bit says that more follow. */
function leb128(writer: GrowingWriter, n: number): void {
  for (; n > 0x7f; n = Math.floor(n / 128)) writer.byte((n % 128) | 0x80)
  writer.byte(n)
}

/** The structure with the patches before it: how many, and for each the units since the last one and the high byte. */
function patched(text: string, count: number, structure: Uint8Array): Uint8Array {
  const writer = new GrowingWriter(structure.length + 3 * count)
  leb128(writer, count)
  for (let i = 0, next = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x100) continue
    leb128(writer, i - next)
    writer.byte(unit >> 8)
    next = i + 1
  }
  writer.raw(structure)
  return writer.take()
}

// ---- reading ----------------------------------------------------------------------------------

interface Shape {
  readonly names: readonly string[]
  /** A name that Object.prototype has: assigning it could meet a setter, such as `__proto__`, or a frozen member. */
  readonly defines: boolean
}

/**
 * The value of the packed bytes from `from` to `to`, made of new objects. Throws ValueError where the bytes are not
 * encodePacked's. It takes time and memory in proportion to the bytes, whatever they say: each item takes one at least.
 */
export function decodePacked(bytes: Uint8Array, from = 0, to = bytes.length): unknown {
  return unpacker.decode(bytes, from, to)
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
      const namesSize = this.number()
      const structureSize = this.number()
      const names = this.at
      const structure = names + namesSize
      const text = structure + structureSize
      if (text > to) this.fail('ends too early')
      this.shapes = this.shapesOf(names, structure)
      this.at = structure
      this.end = text
      this.text = how === form.ascii ? asciiText(bytes, text, to) : this.wideText(how, text, to)
      this.textAt = 0
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
        if (end > text.length) this.fail('has less text than it cuts')
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
    return this.fail(`holds an item of type ${head}, which is not known`)
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
    if (shape === undefined) return this.fail(`holds an object of shape ${which}, which is not there`)
    const { names } = shape
    this.enter(names.length, depth)
    const object: Record<string, unknown> = {}
    if (shape.defines) {
      for (const name of names) Object.defineProperty(object, name, { value: this.item(depth), enumerable: true, configurable: true, writable: true })
    } else {
      for (let i = 0; i < names.length; i++) object[names[i]!] = this.item(depth)
    }
    return object
  }

  private doubles(length: number): number[] {
    this.need(8 * length)
    const doubles = new Float64Array(length)
    new Uint8Array(doubles.buffer).set(this.bytes.subarray(this.at, this.at + 8 * length))
    this.at += 8 * length
    return Array.from(doubles)
  }

  /** Before an array or object: `length` items of a byte or more follow. */
  private enter(length: number, depth: number): void {
    if (depth > maxDepth) this.fail('is nested too deep')
    this.need(length)
  }

  private shapesOf(from: number, to: number): readonly Shape[] {
    if (from === to) return noShapes
    const { bytes } = this
    const size = to - from
    // Lengths of names and their last letters tell functions apart well enough.
    const slot = (Math.imul(size, 0x9e3779b1) ^ Math.imul(bytes[from + 1]! ^ (bytes[to - 1]! << 8) ^ (bytes[from + (size >> 1)]! << 16), 0x85ebca6b)) >>> 24
    const known = remembered[slot]
    if (known !== undefined && known.block.length === size) {
      const { block } = known
      let i = 0
      while (i < size && block[i] === bytes[from + i]) i++
      if (i === size) return known.shapes
    }
    const shapes = this.newShapes(from, to)
    if (size <= maxBlock) remembered[slot] = { block: bytes.slice(from, to), shapes }
    return shapes
  }

  private newShapes(from: number, to: number): readonly Shape[] {
    const { end } = this
    this.at = from
    this.end = to
    const lengths = this.numbers()
    const shapes: number[][] = []
    for (let count = this.number(); count > 0; count--) shapes.push(this.numbers())
    const names: string[] = []
    const all = strictUtf8(this.bytes.subarray(this.at, to))
    let at = 0
    for (const length of lengths) names.push(all.slice(at, (at += length)))
    if (at !== all.length) this.fail('has names of other lengths than it says')
    this.end = end
    return shapes.map(numbers => {
      const own = numbers.map(i => names[i] ?? this.fail(`names name ${i}, which is not there`))
      if (new Set(own).size < own.length) this.fail('gives an object one name twice')
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
    if (how === form.latin1 && node !== undefined) return node.latin1Slice.call(bytes, from, to)
    if (how !== form.latin1 && how !== form.patched) this.fail(`is of form ${how}, which is not known`)
    const length = to - from
    const units = length <= widened.length ? widened : new Uint16Array(length)
    units.set(bytes.subarray(from, to))
    if (how === form.patched) {
      for (let count = this.number(), at = 0; count > 0; count--, at++) {
        at += this.number()
        if (at >= length) this.fail('patches text that is not there')
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
      if (byte < 0x80) return n <= Number.MAX_SAFE_INTEGER ? n : this.fail('holds a number that is too large')
    }
    return this.fail('holds a number that is too large')
  }

  private byte(): number {
    if (this.at >= this.end) this.fail('ends too early')
    return this.bytes[this.at++]!
  }

  private need(count: number): void {
    if (count > this.end - this.at) this.fail('ends too early')
  }

  private fail(problem: string): never {
    throw new ValueError('payload', `${problem} (packed, at byte ${this.at})`)
  }
}

const noShapes: readonly Shape[] = []

/** Names blocks that were met, with what they say: 256 at most, of 4 KB at most. */
const remembered: ({ readonly block: Uint8Array; readonly shapes: readonly Shape[] } | undefined)[] = new Array<undefined>(256).fill(undefined)
const maxBlock = 4096

/** Where texts of up to 128 KB as UTF-16 are put together. */
const widened = new Uint16Array(65_536)

/** Node's slices of bytes need no view and no check; a TextDecoder takes twice as long. */
interface NodeSlices {
  latin1Slice(this: Uint8Array, from: number, to: number): string
  ucs2Slice(this: Uint8Array, from: number, to: number): string
}
const prototype = (globalThis as unknown as { Buffer?: { prototype: NodeSlices } }).Buffer?.prototype
const node = prototype !== undefined && 'latin1Slice' in prototype && 'ucs2Slice' in prototype ? prototype : undefined

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf16Decoder = new TextDecoder('utf-16le', { ignoreBOM: true })

const asciiText: (bytes: Uint8Array, from: number, to: number) => string =
  node !== undefined ? (bytes, from, to) => node.latin1Slice.call(bytes, from, to) : (bytes, from, to) => strictUtf8(bytes.subarray(from, to))

const utf16Text: (bytes: Uint8Array, from: number, to: number) => string =
  node !== undefined ? (bytes, from, to) => node.ucs2Slice.call(bytes, from, to) : (bytes, from, to) => utf16Decoder.decode(bytes.subarray(from, to))

function strictUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch (cause) {
    throw new ValueError('payload', 'holds text that is not UTF-8', { cause })
  }
}

const unpacker = new Unpacker()
