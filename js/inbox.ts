/**
 * A key on its way to being digested in memory: the same question as in canonical bytes, in a form that is cheaper to write.
 * Nobody ever reads it; all that counts is that it is the same for the same arguments, and for no others.
 *
 *   structure   words of 32 bits. Each item begins with one: its type in the low four bits, and a number (a length, a count,
 *               a small integer). An object is the number of its shape (shapes.ts) in place of all its names.
 *   texts       all texts of the structure behind it, joined: one call of the platform's encoder, which begins at 50 ns in
 *               Node and 200 in Chromium, where there would be one for each. Long texts follow one by one. They go in pieces of
 *               64,000 code units, each as ASCII if it is that, else as UTF-16 as it lies in memory: the encoders take
 *               1.6 ns for each byte of UTF-8 that is not ASCII.
 *
 * No two keys share these bytes: the structure can be read back item by item and says when it is over; it tells how
 * long each text is; and each piece begins with a word that tells how it was written. Nothing but the key decides how
 * it is written, except for the shapes' numbers, and those are given once and for good.
 *
 * The words are written straight into wasm memory, 64 KiB that never move. What is longer is handed to the core a full
 * inbox at a time, and the inbox begins anew; how the bytes were cut makes no difference to their digest.
 */
import { type CoreExports, inboxSize } from './boundary.js'
import { tag } from './cbor.js'
import type { KeyWriter } from './encode.js'
import { KeyError } from './errors.js'
import { putAscii, putUtf16, type Target, targetOf } from './platform-text.js'
import type { Shape } from './shapes.js'

/** Keys that take more bytes are refused. */
export const maxKeyBytes = 64_000_000

/** Types of items. From `bytes` to `tag` they are CBOR's major types. */
const type = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7, float: 8, object: 9, canonical: 10, large: 11 } as const

/** A number beyond it takes two words of its own. */
const mostInWord = 2 ** 28

const inboxWords = inboxSize / 4

export class Inbox implements KeyWriter {
  private at = 0
  private words = new Uint32Array(0)
  private target: Target = targetOf(new Uint8Array(0))
  private texts = ''
  private long: string[] = []
  /** The core was given a part of this key. */
  private fed = false
  /** Bytes of structure that it was given, and code units of all texts. */
  private size = 0

  constructor(
    private readonly exports: CoreExports,
    /** Of the inbox in wasm memory. */
    private readonly address: number,
  ) {}

  begin(): void {
    this.at = this.size = 0
    this.texts = ''
    if (this.long.length > 0) this.long = []
    if (this.fed) {
      this.fed = false
      this.exports.restart()
    }
    // Memory that grew has detached every view; asking a view is much cheaper than asking the memory.
    if (this.words.length === 0) {
      this.words = new Uint32Array(this.exports.memory.buffer, this.address, inboxWords)
      this.target = targetOf(new Uint8Array(this.exports.memory.buffer, this.address, inboxSize))
    }
  }

  /** Puts the texts behind the structure. Returns how many bytes are in the inbox: the last of the key. */
  finish(): number {
    const { texts, long } = this
    let end = 4 * this.at
    if (texts !== '') end = this.content(texts, end)
    for (const text of long) end = this.content(text, end)
    this.texts = ''
    this.fed = false // the core begins anew by itself after the last piece
    return end
  }

  head(kind: number, n: number): void {
    if (n >= mostInWord) return this.large(kind, n)
    if (this.at === inboxWords) this.flush()
    this.words[this.at++] = (n << 4) | kind
  }

  simple(value: number): void {
    this.head(type.simple, value)
  }

  integer(n: number): void {
    if (n >= 0) this.head(type.unsigned, n)
    else this.head(type.negative, -1 - n)
  }

  float(x: number): void {
    if (x !== x) return this.head(type.simple, notANumber)
    this.head(type.float, 0)
    this.double(x)
  }

  bigint(n: bigint): void {
    this.head(type.tag, n < 0n ? tag.bigNegative : tag.bigPositive)
    this.text(n.toString(16))
  }

  text(text: string): void {
    const { length } = text
    this.head(type.text, length)
    if ((this.size += length) > maxKeyBytes) this.tooLong()
    if (length < longText) this.texts += text
    else this.long.push(text)
  }

  byteString(content: Uint8Array): void {
    this.head(type.bytes, content.length)
    this.copy(content)
  }

  /** Bytes that say where they end only to those who know CBOR. */
  raw(content: Uint8Array): void {
    this.head(type.canonical, content.length)
    this.copy(content)
  }

  members(shape: Shape): void {
    this.head(type.object, shape.number)
    if (shape.number > 0) return
    this.head(type.map, shape.names.length)
    for (const name of shape.names) this.text(name)
  }

  name(): void {}

  private large(kind: number, n: number): void {
    this.head(type.large, kind)
    this.double(n)
  }

  private double(x: number): void {
    if (this.at + 2 > inboxWords) this.flush()
    scratchDouble[0] = x
    this.words[this.at++] = scratchWords[0]!
    this.words[this.at++] = scratchWords[1]!
  }

  private copy(content: Uint8Array): void {
    for (let from = 0; from < content.length; from += 4 * inboxWords) {
      const size = Math.min(content.length - from, 4 * inboxWords)
      const words = (size + 3) >> 2
      if (this.at + words > inboxWords) this.flush()
      const { bytes } = this.target
      const start = 4 * this.at
      this.at += words
      this.words[this.at - 1] = 0
      if (size <= 32) for (let i = 0; i < size; i++) bytes[start + i] = content[from + i]!
      else bytes.set(size === content.length ? content : content.subarray(from, from + size), start)
    }
  }

  /** The content of texts, from byte `end` of the inbox on. Returns where it ends. */
  private content(text: string, end: number): number {
    for (let from = 0; from < text.length; from += unitsAtOnce) {
      const piece = text.length <= unitsAtOnce ? text : text.slice(from, from + unitsAtOnce)
      for (; (end & 3) !== 0; end++) this.target.bytes[end] = 0
      if (end + piece.length + 8 > inboxSize) end = this.feed(end)
      const flag = end >> 2
      this.words[flag] = 0
      end = putAscii(this.target, piece, 4 * flag + 4)
      if (end >= 0) continue
      this.words[flag] = 1
      end = 4 * flag + 4
      for (let half = 0; half < piece.length; half += unitsAtOnce / 2) {
        const units = piece.slice(half, half + unitsAtOnce / 2)
        if (end + 2 * units.length > inboxSize) end = this.feed(end)
        putUtf16(this.target, units, end)
        end += 2 * units.length
      }
    }
    return end
  }

  private flush(): void {
    if ((this.size += 4 * this.at) > maxKeyBytes) this.tooLong()
    this.at = this.feed(4 * this.at)
  }

  /** Hands the first bytes of the inbox to the core, and says where to go on. */
  private feed(length: number): 0 {
    this.fed = true
    this.exports.feed(length)
    return 0
  }

  private tooLong(): never {
    throw new KeyError('args', `take more than ${maxKeyBytes / 1e6} MB as a key. Say what identifies the call with the \`key\` option.`)
  }
}

const scratchDouble = new Float64Array(1)
const scratchWords = new Uint32Array(scratchDouble.buffer)

/** Beside CBOR's simple values. */
const notANumber = 0

/** From so many code units on, joining texts would cost more than another call. */
const longText = 4096

/** Their ASCII fits the inbox, and the UTF-16 of half of them. */
const unitsAtOnce = 64_000
