/**
 * Canonical bytes: what an outline stands for, as deterministic CBOR (RFC 8949 section 4.2.1: shortest forms, definite
 * lengths, names sorted by their encoded bytes) with a tag for each type that JSON does not have. docs/keys.md is the
 * specification, and src/canonical.cpp the native twin.
 */
import { GrowingWriter } from './cbor.js'
import { major, tag } from './cbor-numbers.js'
import { notANumber, type Outline, type } from './outline.js'
import type { Shapes } from './shapes.js'

/** Reads outlines that were written with `shapes`. */
export class Canonical {
  private out = new GrowingWriter()
  private pieces: readonly Uint32Array[] = []
  private piece = 0
  private words: Uint32Array = new Uint32Array(0)
  private at = 0
  private texts: readonly string[] = []
  private textAt = 0
  /** Longer content was written in parts of so many bytes. */
  private most = 0

  constructor(private readonly shapes: Shapes) {}

  /** The canonical bytes of the key that was written last. */
  bytesOf(outline: Outline): Uint8Array {
    if (this.out.bytes.length > keptCapacity) this.out = new GrowingWriter()
    this.out.begin()
    this.texts = outline.texts
    this.most = outline.bytes.length
    this.pieces = outline.at === 0 ? outline.pieces : [...outline.pieces, outline.words.subarray(0, outline.at)]
    this.words = this.pieces[0]!
    this.piece = this.at = this.textAt = 0
    while (this.at < this.words.length || this.piece + 1 < this.pieces.length) this.item()
    return this.out.take()
  }

  private item(): void {
    const { out } = this
    const first = this.word()
    let kind = first & 15
    let n = first >>> 4
    if (kind === type.large) {
      kind = n
      n = this.double()
    }
    switch (kind) {
      case type.unsigned:
        return out.integer(n)
      case type.negative:
        return out.integer(-1 - n)
      case type.float:
        return out.float(this.double())
      case type.simple:
        return n === notANumber ? out.float(NaN) : out.byte(n)
      case type.text:
        return out.text(this.text())
      case type.bytes:
        out.head(major.bytes, n)
        return this.content(n)
      case type.canonical:
        return this.content(n)
      case type.object:
        return n === 0 ? this.unnumbered() : this.object(n)
      case type.tag:
        if (n === tag.bigPositive || n === tag.bigNegative) return this.bigint(n === tag.bigNegative)
        out.head(major.tag, n)
        return this.item()
      default: // an array, or the keys and values of a Map
        out.head(kind, n)
        for (let left = kind === type.map ? 2 * n : n; left > 0; left--) this.item()
    }
  }

  private object(number: number): void {
    const shape = this.shapes.numbered(number)
    this.out.head(major.map, shape.names.length)
    for (let i = 0; i < shape.names.length; i++) {
      this.out.name(shape, i)
      this.item()
    }
  }

  private unnumbered(): void {
    const names = Array.from({ length: this.word() >>> 4 }, () => this.nextText())
    this.out.head(major.map, names.length)
    for (const name of names) {
      this.out.text(name)
      this.item()
    }
  }

  private bigint(negative: boolean): void {
    const n = BigInt(`0x${this.nextText()}`)
    this.out.bigint(negative ? -n : n)
  }

  /** Of a text item that has not been begun. */
  private nextText(): string {
    this.word()
    return this.text()
  }

  private text(): string {
    return this.texts[this.textAt++]!
  }

  private content(length: number): void {
    const { most } = this
    for (let left = length; left > 0; left -= most) {
      this.turn()
      const size = Math.min(left, most)
      this.out.raw(new Uint8Array(this.words.buffer, this.words.byteOffset + 4 * this.at, size))
      this.at += (size + 3) >> 2
    }
  }

  private word(): number {
    this.turn()
    return this.words[this.at++]!
  }

  private double(): number {
    this.turn()
    scratchWords[0] = this.words[this.at++]!
    scratchWords[1] = this.words[this.at++]!
    return scratchDouble[0]!
  }

  /** To the next piece, where this one is over. */
  private turn(): void {
    if (this.at < this.words.length) return
    this.words = this.pieces[++this.piece]!
    this.at = 0
  }
}

const scratchDouble = new Float64Array(1)
const scratchWords = new Uint32Array(scratchDouble.buffer)

/** A writer that a huge key made larger is let go of. */
const keptCapacity = 1_000_000
