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
import { type Node, Trie } from './trie.js'

/**
 * How the text is written. `ascii`: so are names. `latin1`: the UTF-16 code units, which are all below 0x100. `patched`: their low
 * bytes, with the high ones that are not 0 apart. (Text that is English but for some quotes or emoji stays small, and
 * UTF-8 takes four times as long to read.)
 */
enum form { ascii = 0, latin1 = 1, patched = 2, utf16 = 3 }

/** The first three bits of an item; the other five are its number, or 31 where that follows as LEB128. */
enum type { text = 0, positive = 1, negative = 2, array = 3, object = 4, simple = 5, doubles = 6 }

/** The numbers of type.simple. After `double` come its 8 bytes. */
enum simple { undefined = 0, null = 1, false = 2, true = 3, double = 4 }

// ---- writing ----------------------------------------------------------------------------------

/** A JSON-like value as bytes; undefined where it is not one. `tooLarge` throws: it takes more than `maxBytes`. */
export function encodePacked(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array | undefined {
  return packer.pack(value, maxBytes, tooLarge)
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
 * own would cost as much as writing it. (Whoever keeps small payloads copies them.)
 */
class Packer {
  private busy = false
  private bytes: Uint8Array = none
  private view: DataView = new DataView(none.buffer)
  private at = 0
  /** Where the items begin. */
  private start = headerRoom
  /** V8 keeps what is added up as a rope, and makes it flat once. */
  private text = ''
  private run = 0
  /** The shapes of this run, and their ids mixed. */
  private shapes: WrittenShape[] = []
  private mixed = 0
  /** The objects of this run. A few are looked through faster than they are hashed. */
  private met: object[] = []
  private many: Set<object> | undefined
  private maxBytes = 0
  private tooLarge!: () => never

  pack(value: unknown, maxBytes: number, tooLarge: () => never): Uint8Array | undefined {
    // A getter of a value that is being packed packs another one, which then is stored some other way.
    if (this.busy) return undefined
    this.busy = true
    this.maxBytes = maxBytes
    this.tooLarge = tooLarge
    this.run++
    if (this.start + 2 * maxShared > this.bytes.length) {
      this.attach(new Uint8Array(slabSize))
      this.start = headerRoom
    }
    this.at = this.start
    this.mixed = 0
    try {
      return this.item(value, 0) ? this.take() : undefined
    } finally {
      this.busy = false
      this.text = ''
      this.many = undefined
      this.met = []
      this.shapes = []
      if (this.bytes.length > 4 * slabSize) this.attach(none)
    }
  }

  /** Writes a value; false where it is not JSON-like: then all that was written is void. */
  private item(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.head(type.text, value.length)
        this.text += value
        if (this.text.length > this.maxBytes) this.tooLarge()
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
    if (length > this.maxBytes) this.tooLarge()
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
      shape.number = this.shapes.push(shape) - 1
      this.mixed = (Math.imul(this.mixed, 31) + shape.id) | 0
    }
    this.head(type.object, shape.number)
    const { names } = shape
    let i = 0
    for (const name in object) if (name !== names[i++] || !this.item(object[name], depth)) return false
    return i === names.length
  }

  private isNew(object: object): boolean {
    const { met, many } = this
    if (many !== undefined) return many.size < many.add(object).size
    for (let i = 0; i < met.length; i++) if (met[i] === object) return false
    if (met.push(object) === 32) this.many = new Set(met)
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
    if (this.at + need > this.bytes.length) this.grow(need)
  }

  private grow(need: number): void {
    if (this.at - this.start > this.maxBytes) this.tooLarge()
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.at + need))
    grown.set(this.bytes.subarray(0, this.at))
    this.attach(grown)
  }

  private attach(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  /** All that was written; undefined where a text has a lone surrogate, which browsers cannot decode. */
  private take(): Uint8Array | undefined {
    const { text, at } = this
    const { length } = text
    const names = this.shapes.length === 0 ? noNames : this.names()
    if (names === undefined) return undefined
    const { block } = names
    const isWide = beyondLatin1.test(text)
    this.room(block.length + 2 * length + 32)
    const { bytes } = this
    bytes.set(block, at)
    const textAt = at + block.length
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
    if (end - from > this.maxBytes) this.tooLarge()
    if (end - from > maxShared) return bytes.slice(from, end)
    this.start = end + headerRoom
    return bytes.subarray(from, end)
  }

  /** The names block of this run. Answers of one function have the same shapes, so blocks are remembered. */
  private names(): Names | undefined {
    const { shapes } = this
    const slot = this.mixed & 127
    const known = blocks[slot]
    if (known !== undefined && known.shapes.length === shapes.length && known.shapes.every((shape, i) => shape === shapes[i])) return known
    const names = namesBlock(shapes)
    if (names !== undefined && names.block.length <= maxBlock) blocks[slot] = names
    return names
  }
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

/** A form and three numbers, of which one is at most that of a string's units. */
const headerRoom = 24
const header = new Uint8Array(headerRoom)

const slabSize = 65_536
const maxShared = 4096

/** Names blocks that take more are not remembered: objects that are dictionaries have one each. */
const maxBlock = 4096
const written = new Trie<WrittenShape>(4096)
const blocks = new Array<Names | undefined>(128).fill(undefined)
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

/** LEB128: seven bits a byte, the low ones first; the highest bit says that more follow. Returns where it ends. */
function putNumber(bytes: Uint8Array, at: number, n: number): number {
  for (; n > 0x7f; n = Math.floor(n / 128)) bytes[at++] = (n % 128) | 0x80
  bytes[at++] = n
  return at
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

// ---- in memory ----------------------------------------------------------------------------------
// Answers of one function have the same names, a fifth of a reply of a kilobyte. So memory holds a number in their place,
// under a form of its own; what goes to storage has its names. A block of names gets a number when it is met a second time,
// for as long as the process lives, and the first few hundred blocks do.

/** Beside the form: names are a number, and no size of them is given. */
const short = 8
const mostBlocks = 256
const maxShortBlock = 1024
const numberOf = new Map<string, number>()
const shapesByNumber: (readonly Shape[])[] = []
/** Met once. */
const candidates = new Set<string>()

/** Writes the packed bytes to `target`, with a number in place of the names; returns how many bytes that took, 0 where names stay. */
export function shorten(packed: Uint8Array, target: Uint8Array, start: number): number {
  const { structureSize, namesSize, structure } = unpacker.parts(packed)
  if (namesSize === 0 || namesSize > maxShortBlock) return 0
  const names = structure + structureSize
  const block = latin1Text(packed, names, names + namesSize)
  let number = numberOf.get(block)
  if (number === undefined) {
    if (numberOf.size === mostBlocks) return 0
    if (!candidates.delete(block)) {
      if (candidates.size === mostBlocks) candidates.clear()
      candidates.add(block)
      return 0
    }
    numberOf.set(block, (number = numberOf.size))
    shapesByNumber.push(unpacker.shapesIn(packed, names, names + namesSize))
  }
  target[start] = packed[0]! | short
  let at = putNumber(target, putNumber(target, start + 1, number), structureSize)
  target.set(packed.subarray(structure, names), at)
  at += structureSize
  target.set(packed.subarray(names + namesSize), at)
  return at + packed.length - names - namesSize - start
}

/** The packed bytes, and what lies behind them, that shorten made these of: names are there again. */
export function lengthen(packed: Uint8Array): Uint8Array {
  if ((packed[0]! & short) === 0) return packed
  const { structureSize: number, namesSize: structureSize, structure } = unpacker.parts(packed)
  // Numbers are given in the order of the map.
  const block = [...numberOf.keys()][number]
  if (block === undefined) throw new ValueError('payload', unknown)
  const long = new Uint8Array(packed.length + block.length + headerRoom)
  long[0] = packed[0]! - short
  let at = putNumber(long, putNumber(long, 1, structureSize), block.length)
  const names = structure + structureSize
  long.set(packed.subarray(structure, names), at)
  at += structureSize
  for (let i = 0; i < block.length; i++) long[at++] = block.charCodeAt(i)
  long.set(packed.subarray(names), at)
  return long.slice(0, at + packed.length - names)
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

  /** The two numbers of a header (of a short one: which names, and the size of the structure), and where the structure begins. */
  parts(packed: Uint8Array): { structureSize: number; namesSize: number; structure: number } {
    this.bytes = packed
    this.at = 1
    this.end = packed.length
    try {
      return { structureSize: this.number(), namesSize: this.number(), structure: this.at }
    } finally {
      this.bytes = none
    }
  }

  /** The shapes of a block of names. */
  shapesIn(bytes: Uint8Array, from: number, to: number): readonly Shape[] {
    this.bytes = bytes
    try {
      return this.newShapes(from, to)
    } finally {
      this.bytes = none
    }
  }

  decode(bytes: Uint8Array, from: number, to: number, mayBeShort: boolean): unknown {
    this.bytes = bytes
    this.at = from
    this.end = to
    try {
      let how = this.byte()
      let shapes: readonly Shape[] | undefined
      if (mayBeShort && (how & short) !== 0) {
        how -= short
        shapes = shapesByNumber[this.number()] ?? this.fail(unknown)
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

const tooShort = 'ends too early'
const unknown = 'holds something that is not known'

const noShapes: readonly Shape[] = []

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
