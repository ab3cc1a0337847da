/**
 * The bytes of CBOR items (RFC 8949): heads, numbers and strings, as keys (encode.ts) and values (value.ts) both write them.
 */

import { major, tag } from './cbor-numbers.js'
import { putAscii, putUtf8 } from './platform-text.js'
import type { Shape } from './shapes.js'

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

/** CBOR items into a buffer of its own, which grows. */
export class GrowingWriter {
  at = 0
  bytes!: Uint8Array
  /** The same bytes, for writing four or eight at once. */
  private view!: DataView

  constructor(
    capacity = 1024,
    private readonly limit = 2 ** 31,
    private readonly tooLarge: () => never = () => {
      throw new RangeError(`more than ${limit} bytes`)
    },
  ) {
    this.attach(new Uint8Array(capacity))
  }

  /** Starts anew: what was written is forgotten. */
  begin(): void {
    this.at = 0
  }

  /** A copy of what was written, of exactly its size. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.at)
  }

  private attach(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Makes `bytes` have room for `need` more at `at`. */
  room(need: number): void {
    if (this.at + need > this.bytes.length) this.grow(need)
  }

  private grow(need: number): void {
    // `need` may be three times what a text will really take.
    if (this.at + (need - 9) / 3 > this.limit) this.tooLarge()
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + need))
    grown.set(this.bytes.subarray(0, this.at))
    this.attach(grown)
  }

  byte(value: number): void {
    this.room(1)
    this.bytes[this.at++] = value
  }

  /** A few stores of four bytes where bytes would take many. What stands behind the name is overwritten by what follows it. */
  name(shape: Shape, i: number): void {
    const { words, ends } = shape
    const from = i === 0 ? 0 : ends[i - 1]!
    const to = ends[i]!
    this.room(4 * (to - from))
    const { view } = this
    for (let word = from, at = this.at; word < to; word++, at += 4) view.setUint32(at, words[word]!, true)
    this.at += shape.lengths[i]!
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
    this.room(3 * length + 9)
    // The length stands before the text, so it is guessed (all ASCII) and mended if the guess was wrong.
    const start = this.at + headSize(length)
    let written = length
    if (putAscii(this.bytes, text, start) < 0) {
      if (!wellFormed(text)) return this.wtf8(text)
      written = putUtf8(this.bytes, text, start)
      const place = this.at + headSize(written)
      if (place !== start) this.bytes.copyWithin(place, start, start + written)
    }
    putHead(this.bytes, this.at, major.text, written)
    this.at += headSize(written) + written
  }

  /** Bytes that are items already. */
  raw(content: Uint8Array): void {
    this.room(content.length)
    const { bytes, at } = this
    if (content.length <= 32) for (let i = 0; i < content.length; i++) bytes[at + i] = content[i]!
    else bytes.set(content, at)
    this.at = at + content.length
  }

  byteString(content: Uint8Array): void {
    this.head(major.bytes, content.length)
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
