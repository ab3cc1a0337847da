/**
 * The bytes of CBOR items (RFC 8949): heads, numbers and strings, as keys (encode.ts) and values (value.ts) both
 * write them. A Writer fills a buffer that it is given; what happens when the buffer is full is the owner's
 * affair: keys hand the full inbox to the core and begin again, values move to a larger buffer.
 */

import { Memo, memoLeast, memoMost } from './memo.js'

export const major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const

export const simple = { false: 0xf4, true: 0xf5, null: 0xf6, undefined: 0xf7 } as const

/** Tags: the registered ones where their meaning fits exactly, ours (from `hole` on) where none does. */
export const tag = {
  bigPositive: 2,
  bigNegative: 3,
  url: 32,
  set: 258,
  wtf8: 273,
  map: 259,
  /** 0x52505230, "RPR0". Each number above it is one type; docs/keys.md lists them. */
  hole: 0x5250_5230,
  date: 0x5250_5231,
  regExp: 0x5250_5232,
  error: 0x5250_5233,
  dataView: 0x5250_5234,
  searchParams: 0x5250_5235,
  json: 0x5250_5236,
  /** In values only: an object met before, by its number. */
  again: 0x5250_5237,
  /** In memory only (inbox.ts): the UTF-16 of a text. */
  utf16: 0x5250_5238,
} as const

/** Typed arrays by RFC 8746, little-endian as they lie in memory. */
export const typedArrayTag: Readonly<Record<string, number>> = {
  Uint8Array: 64,
  Uint8ClampedArray: 68,
  Uint16Array: 69,
  Uint32Array: 70,
  BigUint64Array: 71,
  Int8Array: 72,
  Int16Array: 77,
  Int32Array: 78,
  BigInt64Array: 79,
  Float16Array: 84,
  Float32Array: 85,
  Float64Array: 86,
}

/** The name of a typed array's type, whatever realm or subclass it is of; undefined for a DataView. */
export const typedArrayName: (view: ArrayBufferView) => string | undefined = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!,
)

const utf8 = new TextEncoder()
const none = new Uint8Array(0)

/** Node's Buffer writes text at an offset; a TextEncoder needs a new view for each. */
interface Utf8Writer {
  utf8Write(text: string, offset: number): number
  ucs2Write(text: string, offset: number): number
}
const NodeBuffer = (globalThis as unknown as { Buffer?: { prototype: object; from(buffer: ArrayBufferLike, offset: number, length: number): Utf8Writer } }).Buffer
const hasNodeBuffer = NodeBuffer !== undefined && 'utf8Write' in NodeBuffer.prototype && 'ucs2Write' in NodeBuffer.prototype

/** Below this many characters a loop beats a call into the platform's encoder: it begins at 50 ns in Node, at 200 in Chromium. */
const shortText = hasNodeBuffer ? 32 : 128

/** Thrown by text() when what it wrote was wrong: the writer begins anew, and knows better. */
export const again = Symbol('again')

export abstract class Writer {
  bytes: Uint8Array = none
  at = 0
  /** The same bytes, for writing four or eight at once. */
  private view: DataView = new DataView(none.buffer)
  private buffer: Utf8Writer | undefined
  /** A long text that looked like ASCII was not: from now until begin(), look at every one. */
  private doubtful = false
  /** Whether texts are looked up in `memo`. */
  remembers = true
  /** The bytes of texts that come again, where many are written. */
  protected memo: Memo<Uint8Array> | undefined

  /** Starts anew: what was written is forgotten. `retry`: because it threw `again`. */
  begin(retry = false): void {
    this.at = 0
    if (!retry) this.doubtful = false
  }

  /** Makes `bytes` have room for `need` more bytes at `at`; never asked for more than `atOnce`. */
  protected abstract makeRoom(need: number): void
  /** The most that makeRoom can be asked for. Longer content is written in pieces. */
  protected abstract readonly atOnce: number

  protected attach(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.buffer = hasNodeBuffer ? NodeBuffer!.from(bytes.buffer, bytes.byteOffset, bytes.length) : undefined
  }

  room(need: number): void {
    if (this.at + need > this.bytes.length) this.makeRoom(need)
  }

  byte(value: number): void {
    this.room(1)
    this.bytes[this.at++] = value
  }

  /** `length` bytes that lie in words[from] and on, the first in the low byte: a few stores where bytes would take many. */
  words(words: Uint32Array, from: number, to: number, length: number): void {
    if (4 * (to - from) > this.atOnce) return this.raw(new Uint8Array(words.buffer, words.byteOffset + 4 * from, length))
    this.room(4 * (to - from))
    const { view } = this
    for (let i = from, at = this.at; i < to; i++, at += 4) view.setUint32(at, words[i]!, true)
    this.at += length
  }

  /** The head of an item: its major type and a number from 0 to 2^53 - 1, in the shortest form. */
  head(type: number, n: number): void {
    this.room(9)
    if (n < 24) this.bytes[this.at++] = (type << 5) | n
    else this.at = putHead(this.bytes, this.at, type, n)
  }

  integer(n: number): void {
    if (n >= 0) this.head(major.unsigned, n)
    else this.head(major.negative, -1 - n)
  }

  /** The shortest of half, single and double that holds x exactly; NaN has one form. */
  float(x: number): void {
    this.room(9)
    const { bytes, view, at } = this
    if (Math.fround(x) !== x && x === x) {
      bytes[at] = 0xfb
      view.setFloat64(at + 1, x)
      this.at = at + 9
      return
    }
    view.setFloat32(at + 1, x)
    const half = x === x ? halfOf(view.getUint32(at + 1)) : 0x7e00
    if (half < 0) {
      bytes[at] = 0xfa
      this.at = at + 5
      return
    }
    bytes[at] = 0xf9
    view.setUint16(at + 1, half)
    this.at = at + 3
  }

  bigint(n: bigint): void {
    const negative = n < 0n
    let hex = (negative ? -1n - n : n).toString(16)
    if (hex === '0') hex = ''
    if (hex.length % 2 === 1) hex = `0${hex}`
    this.head(major.tag, negative ? tag.bigNegative : tag.bigPositive)
    this.head(major.bytes, hex.length / 2)
    for (let i = 0; i < hex.length; i += 2) this.byte(Number.parseInt(hex.slice(i, i + 2), 16))
  }

  /** Text as UTF-8; a string with a lone surrogate, which UTF-8 cannot hold, as tagged WTF-8. */
  text(text: string): void {
    const { length } = text
    const { memo } = this
    if (memo === undefined || !this.remembers || length < memoLeast || length > memoMost) return this.newText(text)
    const item = memo.find(text)
    if (item !== undefined) {
      this.room(item.length)
      this.bytes.set(item, this.at)
      this.at += item.length
      return
    }
    this.room(3 * length + 9)
    const start = this.at
    this.newText(text)
    memo.note(text, this.fingerprint(start, this.at), () => this.bytes.slice(start, this.at))
  }

  /** 32 bits of the bytes written from `start` to `end`, which are two or more. */
  private fingerprint(start: number, end: number): number {
    let mixed = end - start
    for (let at = start; at + 4 <= end; at += 4) mixed = Math.imul(mixed ^ this.view.getUint32(at), 0x9e3779b1) ^ (mixed >>> 15)
    return Math.imul(mixed ^ (this.bytes[end - 1]! << 16) ^ (this.bytes[end - 2]! << 8) ^ this.bytes[end - 3]!, 0x9e3779b1) | 0
  }

  private newText(text: string): void {
    const { length } = text
    if (length < shortText) {
      this.room(length + 2)
      const { bytes } = this
      const start = this.at + (length < 24 ? 1 : 2)
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        bytes[start + i] = code
      }
      if (i === length) {
        if (length < 24) bytes[this.at] = 0x60 | length
        else {
          bytes[this.at] = 0x78
          bytes[this.at + 1] = length
        }
        this.at = start + length
        return
      }
    }
    if (3 * length + 9 > this.atOnce) this.longText(text)
    else if (wellFormed(text)) this.textAtOnce(text)
    else this.wtf8(text)
  }

  /** Bytes, in pieces if they are many. */
  raw(content: Uint8Array): void {
    if (content.length <= 32) {
      this.room(content.length)
      const { bytes, at } = this
      for (let i = 0; i < content.length; i++) bytes[at + i] = content[i]!
      this.at = at + content.length
      return
    }
    for (let from = 0; from < content.length; ) {
      if (this.at === this.bytes.length) this.makeRoom(Math.min(content.length - from, this.atOnce))
      const count = Math.min(content.length - from, this.bytes.length - this.at)
      this.bytes.set(from === 0 && count === content.length ? content : content.subarray(from, from + count), this.at)
      this.at += count
      from += count
    }
  }

  byteString(content: Uint8Array): void {
    this.head(major.bytes, content.length)
    this.raw(content)
  }

  /** UTF-8 at `start`, where there is room; returns how many bytes. */
  private putUtf8(text: string, start: number): number {
    return this.buffer !== undefined ? this.buffer.utf8Write(text, start) : utf8.encodeInto(text, this.bytes.subarray(start)).written
  }

  /** The code units of a text at `start`, which is even; there is room. */
  protected putUtf16(text: string, start: number): void {
    if (this.buffer !== undefined) this.buffer.ucs2Write(text, start)
    else for (let i = 0, { bytes } = this; i < text.length; i++) {
      const code = text.charCodeAt(i)
      bytes[start + 2 * i] = code
      bytes[start + 2 * i + 1] = code >> 8
    }
  }

  /** The length stands before the text, so it is guessed (all ASCII) and mended if the guess was wrong. */
  private textAtOnce(text: string): void {
    this.room(3 * text.length + 9)
    const start = this.at + headSize(text.length)
    const written = this.putUtf8(text, start)
    const end = this.at + headSize(written)
    if (end !== start) this.bytes.copyWithin(end, start, start + written)
    putHead(this.bytes, this.at, major.text, written)
    this.at = end + written
  }

  /**
   * A text that does not fit at once. The length before it cannot be mended once the buffer has been handed on, so a text
   * that looks like ASCII is taken for it (base64 is the common case); if a piece proves otherwise, all is written again.
   */
  private longText(text: string): void {
    if (this.doubtful || !looksLikeAscii(text)) return this.exactText(text)
    this.head(major.text, text.length)
    for (let from = 0; from < text.length; ) {
      if (this.bytes.length - this.at <= slack) this.makeRoom(this.atOnce)
      // With room for one more character of any kind, a piece that is not ASCII takes more bytes than it has characters.
      const piece = text.slice(from, from + this.bytes.length - this.at - slack)
      if (this.putUtf8(piece, this.at) !== piece.length) {
        this.doubtful = true
        throw again
      }
      this.at += piece.length
      from += piece.length
    }
  }

  /** A long text that is not ASCII. */
  protected exactText(text: string): void {
    if (!wellFormed(text)) return this.wtf8(text)
    const content = utf8.encode(text)
    this.head(major.text, content.length)
    this.raw(content)
  }

  private wtf8(text: string): void {
    const content: number[] = []
    for (const character of text) {
      const code = character.codePointAt(0)!
      if (code < 0x80) content.push(code)
      else if (code < 0x800) content.push(0xc0 | (code >> 6), 0x80 | (code & 63))
      else if (code < 0x10000) content.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
      else content.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    }
    this.head(major.tag, tag.wtf8)
    this.byteString(Uint8Array.from(content))
  }
}

/** A Writer into a buffer of its own, which grows. */
export class GrowingWriter extends Writer {
  protected readonly atOnce = 2 ** 30

  constructor(
    capacity = 1024,
    private readonly limit = 2 ** 31,
    private readonly tooLarge: () => never = () => {
      throw new RangeError(`more than ${limit} bytes`)
    },
  ) {
    super()
    this.attach(new Uint8Array(capacity))
  }

  protected makeRoom(need: number): void {
    // `need` may be three times what a text will really take.
    if (this.at + (need - 9) / 3 > this.limit) this.tooLarge()
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + need))
    grown.set(this.bytes.subarray(0, this.at))
    this.attach(grown)
  }

  /** A copy of what was written, of exactly its size. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.at)
  }
}

const slack = 4

/** Told from a few places, so not for sure. */
function looksLikeAscii(text: string): boolean {
  const step = Math.max(1, text.length >> 7)
  for (let i = 0; i < text.length; i += step) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

export function headSize(n: number): number {
  return n < 24 ? 1 : n < 0x100 ? 2 : n < 0x10000 ? 3 : n < 0x1_0000_0000 ? 5 : 9
}

function putHead(bytes: Uint8Array, at: number, type: number, n: number): number {
  const top = type << 5
  if (n < 24) {
    bytes[at++] = top | n
    return at
  }
  const size = headSize(n) - 1
  bytes[at++] = top | (size === 1 ? 24 : size === 2 ? 25 : size === 4 ? 26 : 27)
  for (let shift = size - 1; shift >= 0; shift--) bytes[at++] = shift > 3 ? (n / 2 ** (8 * shift)) & 0xff : n >>> (8 * shift)
  return at
}

/** The bits of a single as a half, or -1 where it does not fit exactly. */
function halfOf(single: number): number {
  const sign = (single >>> 16) & 0x8000
  const exponent = (single >>> 23) & 0xff
  const mantissa = single & 0x7f_ffff
  if (exponent === 0xff) return mantissa === 0 ? sign | 0x7c00 : -1
  if (exponent === 0) return mantissa === 0 ? sign : -1
  const e = exponent - 127
  if (e >= -14 && e <= 15) return (mantissa & 0x1fff) === 0 ? sign | ((e + 15) << 10) | (mantissa >>> 13) : -1
  if (e < -24 || e > 15) return -1
  const full = mantissa | 0x80_0000
  const shift = -1 - e // 14..23 bits below the point of a subnormal half
  return (full & ((1 << shift) - 1)) === 0 ? sign | (full >>> shift) : -1
}

/** No lone surrogates: UTF-8 can hold it. */
export const wellFormed: (text: string) => boolean =
  'isWellFormed' in String.prototype
    ? text => (text as unknown as { isWellFormed(): boolean }).isWellFormed()
    : text => !/\p{Surrogate}/u.test(text)
