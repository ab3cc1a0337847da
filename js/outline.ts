/**
 * A key as it was read from the arguments: each part once, in canonical order, in a form that is cheap to write. Both digests are
 * made from it: the one in memory of these very words and texts (inbox.ts), the one in storage of the canonical bytes that
 * they stand for (canonical.ts). So both are about the same question, even where a getter or a toJSON() answers anew each time.
 *
 *   structure   words of 32 bits. Each item begins with one: its type in the low four bits, and a number (a length, a count,
 *               a small integer). An object is the number of its shape (shapes.ts) in place of all its names.
 *   texts       the texts of the structure, in order.
 *
 * The structure can be read back item by item, says when it is over, and tells how long each text is. Nothing but the
 * arguments decides how it is written, except for the shapes' numbers, and those are given once and for good.
 */
import { tag } from './cbor-numbers.js'
import { KeyError } from './errors.js'
import type { Shape } from './shapes.js'

/** Keys that take more bytes are refused. */
export const maxKeyBytes = 64_000_000

/** Types of items. From `bytes` to `tag` they are CBOR's major types. */
export enum type { unsigned = 0, negative = 1, bytes = 2, text = 3, array = 4, map = 5, tag = 6, simple = 7, float = 8, object = 9, canonical = 10, large = 11 }

/** Beside CBOR's simple values. */
export const notANumber = 0

/** A number beyond it takes two words of its own. */
const mostInWord = 2 ** 28

export class Outline {
  /** What `words` has of the structure, after `pieces`. */
  at = 0
  words: Uint32Array
  bytes: Uint8Array
  /** What did not fit `words`. A number of two words is never cut, and content only at multiples of `words`' size. */
  pieces: Uint32Array[] = []
  /** The first `count` of them are this key's. */
  texts: string[] = []
  count = 0
  /** Code units of all texts, and bytes of the pieces. */
  size = 0
  private begunWith: Uint8Array | undefined
  private prefixEnd = 0

  constructor(words: Uint32Array = new Uint32Array(128)) {
    this.words = words
    this.bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  /** Begins a key with these bytes, which are canonical already. Where they began the last one they still stand there. */
  begin(prefix: Uint8Array): void {
    this.at = this.size = 0
    this.dropTexts()
    if (this.pieces.length > 0) this.pieces = []
    if (prefix === this.begunWith) this.at = this.prefixEnd
    else {
      this.begunWith = prefix
      this.raw(prefix) // forgets it again where it does not fit
      this.prefixEnd = this.at
    }
  }

  /** The head of an item: CBOR's major type and a number from 0 to 2^53 - 1. */
  head(kind: number, n: number): void {
    if (n >= mostInWord) return this.large(kind, n)
    if (this.at === this.words.length) this.makeRoom()
    this.words[this.at++] = (n << 4) | kind
  }

  /** One of cbor.ts's `simple`. */
  simple(value: number): void {
    this.head(type.simple, value)
  }

  /** A safe integer, where -0 is 0. */
  integer(n: number): void {
    if (n >= 0) this.head(type.unsigned, n)
    else this.head(type.negative, -1 - n)
  }

  /** Any other number; NaN has one form. */
  float(x: number): void {
    if (x !== x) return this.head(type.simple, notANumber)
    this.head(type.float, 0)
    this.double(x)
  }

  bigint(n: bigint): void {
    this.head(type.tag, n < 0n ? tag.bigNegative : tag.bigPositive)
    this.text((n < 0n ? -n : n).toString(16))
  }

  text(text: string): void {
    const { length } = text
    this.head(type.text, length)
    if ((this.size += length) > maxKeyBytes) this.tooLong()
    this.texts[this.count++] = text
  }

  /** Lets go of the texts. */
  dropTexts(): void {
    const { texts } = this
    for (let i = 0; i < this.count; i++) texts[i] = ''
    this.count = 0
    if (texts.length > keptTexts) this.texts = []
  }

  byteString(content: Uint8Array): void {
    this.head(type.bytes, content.length)
    this.content(content)
  }

  /** Bytes that are canonical already. */
  raw(content: Uint8Array): void {
    this.head(type.canonical, content.length)
    this.content(content)
  }

  /** The head of an object. Its values follow in the order of the shape's names. */
  object(shape: Shape): void {
    this.head(type.object, shape.number)
    if (shape.number > 0) return
    this.head(type.map, shape.names.length)
    for (const name of shape.names) this.text(name)
  }

  private large(kind: number, n: number): void {
    this.head(type.large, kind)
    this.double(n)
  }

  private double(x: number): void {
    if (this.at + 2 > this.words.length) this.makeRoom()
    scratchDouble[0] = x
    this.words[this.at++] = scratchWords[0]!
    this.words[this.at++] = scratchWords[1]!
  }

  private content(content: Uint8Array): void {
    const most = this.bytes.length
    for (let from = 0; from < content.length; from += most) {
      const size = Math.min(content.length - from, most)
      const words = (size + 3) >> 2
      if (this.at + words > this.words.length) this.makeRoom()
      const { bytes } = this
      const start = 4 * this.at
      this.at += words
      this.words[this.at - 1] = 0
      if (size <= 32) for (let i = 0; i < size; i++) bytes[start + i] = content[from + i]!
      else bytes.set(size === content.length ? content : content.subarray(from, from + size), start)
    }
  }

  private makeRoom(): void {
    if ((this.size += 4 * this.at) > maxKeyBytes) this.tooLong()
    this.begunWith = undefined
    this.flush()
  }

  /** Takes the words away. */
  protected flush(): void {
    this.pieces.push(this.words.slice(0, this.at))
    this.at = 0
  }

  private tooLong(): never {
    throw new KeyError('args', `take more than ${maxKeyBytes / 1e6} MB as a key. Say what identifies the call with the \`key\` option.`)
  }
}

/** A list that a huge key made longer is let go of. */
const keptTexts = 1000

const scratchDouble = new Float64Array(1)
const scratchWords = new Uint32Array(scratchDouble.buffer)
