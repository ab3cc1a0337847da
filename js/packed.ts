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
import { wellFormed } from './cbor.js'
import { isPlain, maxDepth } from './encode.js'
import { ValueError } from './errors.js'
import { beyondLatin1, isLatin1, latin1Text, putAscii, putUtf16, utf16Text } from './platform-text.js'
import { form, headerRoom, putNumber, short, simple, tooShort, type, unknown } from './packed-form.js'
import { type Block, blockNumbered } from './packed-short.js'
import { type Node, Trie } from './trie.js'

// ---- writing ----------------------------------------------------------------------------------

/** A JSON-like value as bytes; undefined where it is not one. `tooLarge` throws: it takes more than `maxBytes`. */
export function encodePacked(value: unknown, maxBytes: number, tooLarge: (maxBytes: number) => never): Uint8Array | undefined {
  return packer.pack(value, maxBytes, tooLarge)
}

/** Nobody has a use for these bytes of encodePacked any more. */
export function discardPacked(packed: Uint8Array): void {
  packer.discard(packed)
}

/** The names of one kind of objects, in order. */
interface WrittenShape {
  readonly names: readonly string[]
  readonly id: number
  /** The run of the packer that met this shape last, and its number there. */
  run: number
  number: number
}

/** The names block of the values that have these shapes. */
interface Names {
  readonly shapes: readonly WrittenShape[]
  readonly block: Uint8Array
  readonly isAscii: boolean
}

/**
 * One for all. All is written into one buffer, the items first and with room for a header before them. Names and text come
 * behind, so the payload lies there as it must be. A small one is left there, and the next one begins behind it: memory of its
 * own would cost as much as writing it. (Whoever keeps small payloads copies them.) What it needs for a value it has
 * already, so nothing is left for the collector but what was packed.
 */
class Packer {
  private busy = false
  private bytes: Uint8Array = none
  private view: DataView = new DataView(none.buffer)
  private at = 0
  /** Where the items begin. */
  private start = headerRoom
  /** What was packed last, and where its items began. */
  private last: Uint8Array = none
  private before = headerRoom
  /** The texts of this run, how many, and of how many units. */
  private readonly texts: string[] = []
  private textCount = 0
  private textLength = 0
  /** The same as bytes, behind `end` of the buffer, and how many; below 0 once they are not ASCII, or too many for that place. (From other bytes they could be moved only by a view.) */
  private end = 0
  private staged = 0
  private run = 0
  /** The shapes of this run, how many, and their ids mixed. */
  private readonly shapes: WrittenShape[] = []
  private shapeCount = 0
  private mixed = 0
  /** The objects of this run. A few are looked through faster than they are hashed. */
  private readonly met: (object | undefined)[] = []
  private metCount = 0
  private many: Set<object> | undefined
  private maxBytes = 0
  private tooLarge!: (maxBytes: number) => never

  pack(value: unknown, maxBytes: number, tooLarge: (maxBytes: number) => never): Uint8Array | undefined {
    // A getter of a value that is being packed packs another one, which then is stored some other way.
    if (this.busy) return undefined
    this.busy = true
    this.maxBytes = maxBytes
    this.tooLarge = tooLarge
    this.run++
    if (this.start + 2 * maxShared > this.end) {
      this.attach(new Uint8Array(slabSize + stageSize))
      this.start = headerRoom
    }
    this.at = this.start
    this.mixed = 0
    try {
      return this.item(value, 0) ? this.take() : undefined
    } finally {
      this.busy = false
      this.many = undefined
      this.metCount = forgotten(this.met, this.metCount, undefined)
      this.textCount = forgotten(this.texts, this.textCount, '')
      // (Shapes of usual objects live as long as the trie that has them.)
      if (this.shapeCount > 100) this.shapes.length = 0
      this.textLength = this.staged = this.shapeCount = 0
      if (this.end > 4 * slabSize) this.attach(none)
    }
  }

  /** The next one takes the place of this one, if it was the last. */
  discard(packed: Uint8Array): void {
    if (packed === this.last && packed.buffer === this.bytes.buffer) this.start = this.before
  }

  /** Writes a value; false where it is not JSON-like: then all that was written is void. */
  private item(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.head(type.text, value.length)
        if ((this.textLength += value.length) > this.maxBytes) this.tooLarge(this.maxBytes)
        this.texts[this.textCount++] = value
        if (this.staged >= 0) this.staged = this.textLength + 4 > stageSize ? -1 : putAscii(this.bytes, value, this.end + this.staged) - this.end
        return true
      case 'number':
        if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) {
          this.head(type.simple, simple.double)
          this.room(8)
          this.double(value)
        } else if (value >= 0) this.head(type.positive, value)
        else this.head(type.negative, -1 - value)
        return true
      case 'boolean':
        return this.head(type.simple, value ? simple.true : simple.false)
      case 'undefined':
        return this.head(type.simple, simple.undefined)
      case 'object':
        if (value === null) return this.head(type.simple, simple.null)
        if (depth === maxDepth || !this.isNew(value)) return false
        if (Array.isArray(value)) return this.array(value, depth + 1)
        return isPlain(value) && this.object(value as Record<string, unknown>, depth + 1)
      default:
        return false
    }
  }

  private array(items: readonly unknown[], depth: number): boolean {
    const { length } = items
    if (length > this.maxBytes) this.tooLarge(this.maxBytes)
    // Members with names, as a match of a RegExp has. Nothing finds them but listing all names, which takes 10 ns of an item; of more items than
    // any embedding has, that would hold up the process for longer than it is worth.
    if ((length <= mostNamed || typeof items[0] === 'object') && Object.keys(items).length > length) return false
    if (length > 3 && isVector(items, length)) {
      this.head(type.doubles, length)
      this.room(8 * length)
      for (let i = 0; i < length; i++) this.double(items[i] as number)
      return true
    }
    this.head(type.array, length)
    for (let i = 0; i < length; i++) {
      const item = items[i]
      if ((item === undefined && !(i in items)) || !this.item(item, depth)) return false
    }
    return true
  }

  /**
   * First the names, as the shape stands before the items; then the items. An object whose names are others the second time (a getter
   * or a proxy made them so), or of which for-in names more than its own, is not written.
   */
  private object(object: Record<string, unknown>, depth: number): boolean {
    let node = written.root
    for (const name in object) {
      const next: Node<WrittenShape> | undefined = node.lastChild
      node = next !== undefined && node.lastName === name ? next : node.step(name)
    }
    const shape = node.shape ?? newShape(Object.keys(object))
    if (shape.run !== this.run) {
      shape.run = this.run
      shape.number = this.shapeCount
      this.shapes[this.shapeCount++] = shape
      this.mixed = (Math.imul(this.mixed, 31) + shape.id) | 0
    }
    this.head(type.object, shape.number)
    const { names } = shape
    let i = 0
    for (const name in object) if (name !== names[i++] || !this.item(object[name], depth)) return false
    return i === names.length
  }

  private isNew(object: object): boolean {
    const { met, many, metCount } = this
    if (many !== undefined) return many.size < many.add(object).size
    for (let i = 0; i < metCount; i++) if (met[i] === object) return false
    met[this.metCount++] = object
    if (this.metCount === 32) this.many = new Set(met as object[])
    return true
  }

  private head(first: number, n: number): true {
    this.room(10)
    const { bytes } = this
    if (n < 31) bytes[this.at++] = (first << 5) | n
    else {
      bytes[this.at++] = (first << 5) | 31
      this.at = putNumber(bytes, this.at, n)
    }
    return true
  }

  private double(value: number): void {
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** Makes `bytes` have room for `need` more at `at`. */
  private room(need: number): void {
    if (this.at + need > this.end) this.grow(need)
  }

  private grow(need: number): void {
    if (this.at - this.start > this.maxBytes) this.tooLarge(this.maxBytes)
    const { bytes, at, end, staged } = this
    const grown = new Uint8Array(Math.max(2 * end, at + need) + stageSize)
    grown.set(bytes.subarray(0, at))
    this.attach(grown)
    if (staged > 0) grown.set(bytes.subarray(end, end + staged), this.end)
  }

  private attach(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.end = bytes.length - stageSize
  }

  /** All that was written; undefined where a text has a lone surrogate, which browsers cannot decode. */
  private take(): Uint8Array | undefined {
    const { at, staged, textLength: length } = this
    const names = this.shapeCount === 0 ? noNames : this.names()
    if (names === undefined) return undefined
    const { block } = names
    this.room(block.length + 2 * length + 32)
    const { bytes } = this
    const textAt = at + block.length
    bytes.set(block, at)
    if (names.isAscii && staged === length) {
      bytes.copyWithin(textAt, this.end, this.end + length)
      return this.framed(form.ascii, 0, at, textAt, textAt + length)
    }
    const text = this.texts.slice(0, this.textCount).join('')
    const isWide = beyondLatin1.test(text)
    if (!isWide && names.isAscii && putAscii(bytes, text, textAt) >= 0) return this.framed(form.ascii, 0, at, textAt, textAt + length)

    const units = unitsOf(text)
    if (!isWide) {
      bytes.set(units.subarray(0, length), textAt)
      return this.framed(form.latin1, 0, at, textAt, textAt + length)
    }
    // Patches (how many units since the last one, and the high byte) are written behind where anything else will be: one takes
    // two bytes and one more for each 128 units, and there is at most one for four units.
    const pairs = new Uint32Array(units.buffer)
    const patches = textAt + length + 16
    let end = patches
    let count = 0
    let surrogates = false
    for (let i = 0, next = 0; i < length && 4 * count <= length; i++) {
      if ((i & 1) === 0) while (i + 1 < length && (pairs[i >> 1]! & 0xff00ff00) === 0) i += 2
      const unit = units[i]!
      if (unit < 0x100 || i >= length) continue
      if ((unit & 0xf800) === 0xd800) surrogates = true
      count++
      const gap = i - next
      if (gap < 0x80) bytes[end++] = gap
      else end = putNumber(bytes, end, gap)
      bytes[end++] = unit >> 8
      next = i + 1
    }
    const isUtf16 = 4 * count > length
    if ((isUtf16 || surrogates) && !wellFormed(text)) return undefined
    if (isUtf16) {
      bytes.set(new Uint8Array(units.buffer, 0, 2 * length), textAt)
      return this.framed(form.utf16, 0, at, textAt, textAt + 2 * length)
    }
    const size = end - patches
    bytes.copyWithin(this.start + size, this.start, textAt)
    bytes.copyWithin(this.start, patches, end)
    bytes.set(units.subarray(0, length), textAt + size) // Stored modulo 256.
    return this.framed(form.patched, count, at + size, textAt + size, textAt + size + length)
  }

  /** The payload: a header comes before what lies there. `patches` is how many; names and text begin where it says. */
  private framed(how: number, patches: number, names: number, text: number, end: number): Uint8Array {
    const patchesSize = patches === 0 ? 0 : putNumber(header, 0, patches)
    header[0] = how
    let size = putNumber(header, 1, names - this.start + patchesSize)
    size = putNumber(header, size, text - names)
    if (patches > 0) size = putNumber(header, size, patches)
    const { bytes } = this
    const from = this.start - size
    for (let i = 0; i < size; i++) bytes[from + i] = header[i]!
    if (end - from > this.maxBytes) this.tooLarge(this.maxBytes)
    if (end - from > maxShared) return bytes.slice(from, end)
    this.before = this.start
    this.start = end + headerRoom
    return (this.last = bytes.subarray(from, end))
  }

  /** The names block of this run. Answers of one function have the same shapes, so blocks are remembered. */
  private names(): Names | undefined {
    const { shapes, shapeCount } = this
    const slot = this.mixed & 127
    const known = namesBlocks[slot]
    if (known !== undefined && known.shapes.length === shapeCount && known.shapes.every((shape, i) => shape === shapes[i])) return known
    const names = namesBlock(shapes.slice(0, shapeCount))
    if (names !== undefined && names.block.length <= maxBlock) namesBlocks[slot] = names
    return names
  }
}

/** Lets go of the first `count` of the items, and of the room for many; returns 0, how many there are now. */
function forgotten<T>(items: T[], count: number, nothing: T): 0 {
  if (count > 1000) items.length = 0
  else for (let i = 0; i < count; i++) items[i] = nothing
  return 0
}

/** Numbers: of names, their lengths, of shapes, of each its names. Then the names as UTF-8; undefined where they cannot be that. */
function namesBlock(shapes: readonly WrittenShape[]): Names | undefined {
  const numberOf = new Map<string, number>()
  for (const { names } of shapes) for (const name of names) if (!numberOf.has(name)) numberOf.set(name, numberOf.size)
  const all = [...numberOf.keys()].join('')
  if (!wellFormed(all)) return undefined
  const numbers = [numberOf.size, ...Array.from(numberOf.keys(), name => name.length), shapes.length, ...shapes.flatMap(({ names }) => [names.length, ...names.map(name => numberOf.get(name)!)])]
  const text = utf8.encode(all)
  const block = new Uint8Array(8 * numbers.length + text.length)
  let at = 0
  for (const number of numbers) at = putNumber(block, at, number)
  block.set(text, at)
  return { shapes, block: block.slice(0, at + text.length), isAscii: text.length === all.length && !numbers.some(number => number > 0x7f) }
}

const utf8 = new TextEncoder()
const none = new Uint8Array(0)
const eight = new Float64Array(1)
const eightBytes = new Uint8Array(eight.buffer)
const noNames: Names = { shapes: [], block: none, isAscii: true }

const header = new Uint8Array(headerRoom)

const slabSize = 65_536
const mostNamed = 10_000
const stageSize = 16_384
const maxShared = 4096

/** Names blocks that take more are not remembered: objects that are dictionaries have one each. */
const maxBlock = 4096
const written = new Trie<WrittenShape>(4096)
const namesBlocks = new Array<Names | undefined>(128).fill(undefined)
let shapeIds = 0

function newShape(names: readonly string[]): WrittenShape {
  return (written.of(names).shape ??= { names, id: ++shapeIds, run: 0, number: 0 })
}

/** Numbers, most of them not whole, such as an embedding: they are kept as they lie in memory. */
function isVector(items: readonly unknown[], length: number): boolean {
  let whole = 0
  for (let i = 0; i < length; i++) {
    const item = items[i]
    if (typeof item !== 'number' || (Number.isSafeInteger(item) && 2 * ++whole >= length)) return false
  }
  return true
}

/** The code units of a text, and perhaps more behind them. */
function unitsOf(text: string): Uint16Array {
  const units = room(text.length)
  putUtf16(new Uint8Array(units.buffer), text, 0)
  return units
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
export function decodePacked(bytes: Uint8Array, from = 0, to = bytes.length, mayBeShort = false): unknown {
  return unpacker.decode(bytes, from, to, mayBeShort)
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
  /** Texts that have a number. */
  private known: readonly string[] = []

  decode(bytes: Uint8Array, from: number, to: number, mayBeShort: boolean): unknown {
    this.bytes = bytes
    this.at = from
    this.end = to
    try {
      let how = this.byte()
      let shapes: readonly Shape[] | undefined
      if (mayBeShort && (how & short) !== 0) {
        how -= short
        const block = (blockNumbered(this.number()) as Block<Shape> | undefined) ?? this.fail(unknown)
        shapes = block.shapes ??= this.shapesIn(block.bytes)
        this.known = block.texts
      }
      const structureSize = this.number()
      const namesSize = shapes === undefined ? this.number() : 0
      const structure = this.at
      const names = structure + structureSize
      const text = names + namesSize
      if (text > to) this.fail(tooShort)
      if (how === form.ascii) {
        const all = latin1Text(bytes, names, to)
        this.shapes = shapes ?? (namesSize === 0 ? noShapes : this.shapesOf(all.substring(0, namesSize), names, text))
        this.text = all
        this.textAt = namesSize
        this.at = structure
        this.end = names
      } else {
        this.shapes = shapes ?? (namesSize === 0 ? noShapes : this.shapesOf(latin1Text(bytes, names, text), names, text))
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
      this.known = noTexts
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
      case type.known:
        return this.known[n] ?? this.fail(unknown)
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

  /** The same of names that lie elsewhere, amid a value. */
  private shapesIn(names: Uint8Array): readonly Shape[] {
    const { bytes, at, end } = this
    this.bytes = names
    const shapes = this.newShapes(0, names.length)
    this.bytes = bytes
    this.at = at
    this.end = end
    return shapes
  }

  private numbers(): number[] {
    const numbers: number[] = []
    for (let count = this.number(); count > 0; count--) numbers.push(this.number())
    return numbers
  }

  private wideText(how: number, from: number, to: number): string {
    const { bytes } = this
    if (how === form.utf16) return utf16Text(bytes, from, to)
    if (how === form.latin1 && isLatin1) return latin1Text(bytes, from, to)
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

const noShapes: readonly Shape[] = []
const noTexts: readonly string[] = []

/** Names blocks that were met, with what they say: 256 at most. */
const remembered: ({ readonly key: string; readonly shapes: readonly Shape[] } | undefined)[] = new Array<undefined>(256).fill(undefined)

/** Where texts of up to 128 KB as UTF-16 are put together. */
const widened = new Uint16Array(65_536)
const room = (length: number): Uint16Array => (length <= widened.length ? widened : new Uint16Array(length + (length & 1)))

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8. Throws ValueError where the bytes are not that. */
export function strictUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch (cause) {
    throw new ValueError('payload', 'holds text that is not UTF-8', { cause })
  }
}

const packer = new Packer()
const unpacker = new Unpacker()
