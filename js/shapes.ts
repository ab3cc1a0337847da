/**
 * The order of an object's names, remembered.
 *
 * Deterministic CBOR sorts the keys of a map by their encoded bytes. Sorting and encoding the same few names anew for
 * every object would be most of the work of a key, and objects come in few shapes (the same names in the same
 * order, as V8's hidden classes know too). So a trie over names (trie.ts) leads from an object's keys, as they stand, to their
 * sorted order and their encoded bytes.
 */
import { GrowingWriter } from './cbor.js'
import { Node, Trie } from './trie.js'

export interface Shape {
  /** From 1 on, one for each set of names, for good; 0 where there were too many. Keys in memory hold it in place of the names. */
  readonly number: number
  /** As they stand in the object. */
  readonly standing: readonly string[]
  /** Sorted. */
  readonly names: readonly string[]
  /** names[i] is the object's order[i]-th member. */
  readonly order: Uint32Array
  /** names[i] as a CBOR text item: `lengths[i]` bytes, in words[ends[i - 1]] to words[ends[i]]. */
  readonly words: Uint32Array
  readonly ends: Uint32Array
  readonly lengths: Uint32Array
  /** One of the names is toJSON. */
  readonly hasToJson: boolean
  /** An AbortSignal was once met in an object of this shape; such members are left out of keys. */
  mayHoldSignals: boolean
}

/** So many sets of names have numbers, of so much text in all, and none that is longer than this. */
const maxNumbers = 4096
const maxNumberedLength = 4096
const maxNumberedText = 262_144

/** The trie starts anew where the names of its shapes are this long together. */
const maxText = 524_288

export class Shapes extends Trie<Shape> {
  private readonly numbers = new Map<string, number>()
  private readonly byNumber: Shape[] = []
  /** How much text may still be numbered: it only ever falls, so what did not fit once never will. */
  private left = maxNumberedText
  private text = 0

  /** The shape of an object with these names in this order. */
  shape(names: readonly string[]): Shape {
    return (this.of(names).shape ??= this.shapeOf(names))
  }

  /** The order and the encoded names of an object with these names in this order. */
  shapeOf(names: readonly string[]): Shape {
    const members = names.map((name, place) => ({ name, place, bytes: encodedName(name) })).sort((a, b) => compareBytes(a.bytes, b.bytes))
    const words: number[] = []
    const ends = members.map(({ bytes }) => {
      for (let i = 0; i < bytes.length; i += 4) words.push(((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)) >>> 0)
      return words.length
    })
    const sorted = members.map(({ name }) => name)
    const text = JSON.stringify(sorted)
    const number = this.numberOf(text)
    if ((this.text += text.length) > maxText) {
      this.text = 0
      this.root = new Node(this)
    }
    const shape = {
      number,
      standing: names,
      names: sorted,
      order: Uint32Array.from(members, ({ place }) => place),
      words: Uint32Array.from(words),
      ends: Uint32Array.from(ends),
      lengths: Uint32Array.from(members, ({ bytes }) => bytes.length),
      hasToJson: names.includes('toJSON'),
      mayHoldSignals: false,
    }
    if (number > 0) this.byNumber[number - 1] ??= shape
    return shape
  }

  /** A shape that has this number: its names, in whatever order they stood. */
  numbered(number: number): Shape {
    return this.byNumber[number - 1]!
  }

  /** Whether these names have a number is decided when they are first met, and never changes: a key must stay what it is. */
  private numberOf(text: string): number {
    const known = this.numbers.get(text)
    if (known !== undefined) return known
    if (this.numbers.size === maxNumbers || text.length > Math.min(maxNumberedLength, this.left)) return 0
    this.left -= text.length
    this.numbers.set(text, this.numbers.size + 1)
    return this.numbers.size
  }
}

function encodedName(name: string): Uint8Array {
  const writer = new GrowingWriter(name.length + 9)
  writer.text(name)
  return writer.take()
}

/** Byte by byte, as RFC 8949 section 4.2.1 orders encoded keys; shorter first where one begins the other. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
