/**
 * Packed values in memory, shorter: what the answers of a function have in common is there once.
 *
 * Their names are the same, a fifth of a reply of a kilobyte, and so are some texts: which model it was, why it stopped. So memory
 * holds a number in the place of each. A block of names gets one when it is met a second time, a text when it is met in
 * its place a few times in a row. Both keep it for as long as the process lives, and both are few.
 *
 *   form | short (1)   which block, size of the structure, as LEB128
 *   structure          as in packed.ts; an item of type.known is the text of that number
 *   text               the others
 *
 * What goes to storage is whole again, as there such numbers mean nothing.
 */
import { ValueError } from './errors.js'
import { form, headerRoom, putNumber, short, simple, tooShort, type, unknown } from './packed-form.js'
import { latin1Text } from './platform-text.js'

const mostBlocks = 256
const maxShortBlock = 1024

/** What values that have these names have in common. */
export interface Block<Shape = unknown> {
  readonly number: number
  /** The names, as packed.ts writes them. */
  readonly bytes: Uint8Array
  /** What they say, once somebody has read them. */
  shapes: readonly Shape[] | undefined
  /** By number. */
  readonly texts: string[]
  /** Of the first texts of a value: what it was the last time. */
  readonly places: Place[]
}

interface Place {
  text: Uint8Array
  /** How often in a row it was this. */
  times: number
  /** How often it became another. */
  changes: number
  number: number
}

const blocks = new Map<string, Block>()
const byNumber: Block[] = []
/** Met once. */
const candidates = new Set<string>()
let latest: Block | undefined

/** Of one block. A number has to fit the head of an item. */
const mostTexts = 31
const mostPlaces = 32
const leastText = 3
const mostText = 64
const untilKnown = 4

const none = new Uint8Array(0)

/** In fours: where in the structure an item is cut out, and its end; where its text is, among the texts, and its number. */
const cuts = new Int32Array(4 * mostPlaces)

/** How many bytes more than the packed ones shorten() needs to work in: what it writes first may be that much longer. */
export const shortenRoom = 8

/** Writes the packed bytes to `target`, with numbers in place of what is known; returns how many bytes that took, 0 where nothing is. */
export function shorten(packed: Uint8Array, target: Uint8Array, start: number): number {
  readHead(packed)
  const [structureSize, namesSize, structure] = head as [number, number, number]
  if (namesSize === 0 || namesSize > maxShortBlock) return 0
  const names = structure + structureSize
  const block = blockOf(packed, names, names + namesSize)
  if (block === undefined) return 0
  const texts = names + namesSize
  const count = packed[0]! <= form.latin1 ? cutsOf(block, packed, structure, names, texts) : 0
  let size = structureSize + count
  for (let i = 0; i < count; i++) size -= cuts[4 * i + 1]! - cuts[4 * i]!
  // All of it, a little behind where it belongs; what stays then moves down, piece by piece. From bytes to other bytes each would need a view.
  const there = start + shortenRoom
  target.set(packed, there)
  target[start] = packed[0]! | short
  let at = putNumber(target, putNumber(target, start + 1, block.number), size)
  let from = structure
  for (let i = 0; i < count; i++) {
    at = moveDown(target, there + from, there + cuts[4 * i]!, at)
    target[at++] = (type.known << 5) | cuts[4 * i + 3]!
    from = cuts[4 * i + 1]!
  }
  at = moveDown(target, there + from, there + names, at)
  from = texts
  for (let i = 0; i < count; i++) {
    const text = cuts[4 * i + 2]!
    at = moveDown(target, there + from, there + text, at)
    from = text + block.texts[cuts[4 * i + 3]!]!.length
  }
  return moveDown(target, there + from, there + packed.length, at) - start
}

/** Moves these bytes to a place before them; returns where they end. */
function moveDown(bytes: Uint8Array, from: number, to: number, at: number): number {
  if (to - from > 100) bytes.copyWithin(at, from, to)
  else for (let i = from; i < to; i++) bytes[at + i - from] = bytes[i]!
  return at + to - from
}

/** The packed bytes, and what lies behind them, that shorten made these of: names and texts are there again. */
export function lengthen(packed: Uint8Array): Uint8Array {
  if ((packed[0]! & short) === 0) return packed
  readHead(packed)
  const [number, structureSize, structure] = head as [number, number, number]
  const block = byNumber[number]
  if (block === undefined) throw new ValueError('payload', unknown)
  const end = structure + structureSize
  // What is not one byte a character has all of its texts, and other things before its items.
  const walks = packed[0]! - short <= form.latin1
  const items: number[] = walks ? [] : Array.from(packed.subarray(structure, end))
  const texts: number[] = []
  let text = end
  for (let at = structure; walks && at < end; ) {
    const item = itemAt(packed, at)
    if (item.end > end || (item.type === type.text && item.n > packed.length - text)) throw new ValueError('payload', tooShort)
    const known = item.type === type.known ? block.texts[item.n] : undefined
    if (known !== undefined) {
      items.push((type.text << 5) | Math.min(known.length, 31))
      if (known.length >= 31) items.push(known.length)
      for (let i = 0; i < known.length; i++) texts.push(known.charCodeAt(i))
    } else {
      for (let i = at; i < item.end; i++) items.push(packed[i]!)
      if (item.type === type.text) for (let i = 0; i < item.n; i++) texts.push(packed[text++]!)
    }
    at = item.end
  }
  const long = new Uint8Array(headerRoom + items.length + block.bytes.length + texts.length + packed.length - text)
  long[0] = packed[0]! - short
  let at = putNumber(long, putNumber(long, 1, items.length), block.bytes.length)
  for (const part of [items, block.bytes, texts, packed.subarray(text)]) {
    long.set(part, at)
    at += part.length
  }
  return long.subarray(0, at)
}

/** The block that a value in memory says its names are. */
export function blockNumbered(number: number): Block | undefined {
  return byNumber[number]
}

function blockOf(packed: Uint8Array, from: number, to: number): Block | undefined {
  if (latest !== undefined && isAt(packed, from, to, latest.bytes)) return latest
  const text = latin1Text(packed, from, to)
  let block = blocks.get(text)
  if (block === undefined) {
    if (byNumber.length === mostBlocks) return undefined
    if (!candidates.delete(text)) {
      if (candidates.size === mostBlocks) candidates.clear()
      candidates.add(text)
      return undefined
    }
    block = { number: byNumber.length, bytes: packed.slice(from, to), shapes: undefined, texts: [], places: [] }
    blocks.set(text, block)
    byNumber.push(block)
  }
  return (latest = block)
}

/** Finds the texts that have a number, into `cuts`; says how many. Remembers the others, as they may have one soon. */
function cutsOf(block: Block, packed: Uint8Array, structure: number, end: number, text: number): number {
  let count = 0
  for (let at = structure, nth = 0; at < end && nth < mostPlaces; ) {
    const item = itemAt(packed, at)
    if (item.type === type.text) {
      const number = item.n < leastText || item.n > mostText ? -1 : numberOf(block, nth, packed, text, text + item.n)
      if (number >= 0) {
        cuts[4 * count] = at
        cuts[4 * count + 1] = item.end
        cuts[4 * count + 2] = text
        cuts[4 * count++ + 3] = number
      }
      nth++
      text += item.n
    }
    at = item.end
  }
  return count
}

/** The number of the text that lies there, the `nth` of its value; -1 where it has none. */
function numberOf({ places, texts }: Block, nth: number, packed: Uint8Array, from: number, to: number): number {
  while (places.length <= nth) places.push({ text: none, times: 0, changes: 0, number: -1 })
  const place = places[nth]!
  if (isAt(packed, from, to, place.text)) {
    if (place.number < 0 && ++place.times >= untilKnown && texts.length < mostTexts && place.text.every(byte => byte < 0x80)) place.number = texts.push(latin1Text(packed, from, to)) - 1
    return place.number
  }
  // What is another text each time is looked at no more.
  if (place.changes < 2 * untilKnown) {
    place.changes += place.number < 0 ? 1 : -place.changes
    place.text = packed.slice(from, to)
    place.times = 0
    place.number = -1
  } else place.text = none
  return -1
}

/** The item that begins there, and where it ends. One for all. */
function itemAt(bytes: Uint8Array, at: number): typeof item {
  const first = bytes[at]!
  item.type = first >> 5
  item.n = first & 31
  item.end = at + 1
  if (item.n === 31) readNumber(bytes, at + 1)
  item.end += item.type === type.doubles ? 8 * item.n : item.type === type.simple && item.n === simple.double ? 8 : 0
  return item
}

/** A LEB128 of bytes that were written here. */
function readNumber(bytes: Uint8Array, at: number): number {
  item.n = 0
  for (let scale = 1, byte = 0x80; byte >= 0x80; scale *= 128) {
    byte = bytes[at++]!
    item.n += (byte & 0x7f) * scale
  }
  item.end = at
  return item.n
}

const item = { type: 0, n: 0, end: 0 }

/** The two numbers behind the form: of the whole form the sizes of structure and names, of the short one which names, and the size of the structure. And where that begins. */
function readHead(packed: Uint8Array): void {
  head[0] = readNumber(packed, 1)
  head[1] = readNumber(packed, item.end)
  head[2] = item.end
}

const head = [0, 0, 0]

function isAt(bytes: Uint8Array, from: number, to: number, other: Uint8Array): boolean {
  if (to - from !== other.length) return false
  for (let i = 0; i < other.length; i++) if (bytes[from + i] !== other[i]) return false
  return true
}
