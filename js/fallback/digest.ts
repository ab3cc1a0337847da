/**
 * The identity of a key in memory: the twin of src/digest.h, to the bit. SipHash-1-3 with 128 bits of output, in two lanes
 * where there is much to digest; src/digest.h says why.
 *
 * A 64-bit word is two numbers of 32 bits here, the low one first, since BigInts take a hundred times as long. Digests and
 * keys are four such numbers.
 */

export type Words = Uint32Array | Int32Array

/** What is longer is dealt out to two lanes. */
const mostInOneLane = 1000

/** Words of zeros: to take one in is a round without a message. */
const zeros = new DataView(new ArrayBuffer(24))

class SipHash {
  private readonly v = new Int32Array(8)

  constructor(private readonly key: Words) {
    this.restart()
  }

  restart(): void {
    const { v } = this
    const [k0, k1, k2, k3] = this.key as unknown as [number, number, number, number]
    v[0] = 0x70736575 ^ k0
    v[1] = 0x736f6d65 ^ k1
    v[2] = 0x6e646f6d ^ k2 ^ 0xee // asks for 128 bits
    v[3] = 0x646f7261 ^ k3
    v[4] = 0x6e657261 ^ k0
    v[5] = 0x6c796765 ^ k1
    v[6] = 0x79746573 ^ k2
    v[7] = 0x74656462 ^ k3
  }

  /** Takes in `count` words, each `step` bytes after the one before. */
  absorb(bytes: DataView, from: number, count: number, step: number): void {
    const { v } = this
    let [a, b, c, d, e, f, g, h] = v as unknown as [number, number, number, number, number, number, number, number]
    for (let at = from, end = from + count * step, t = 0; at < end; at += step) {
      const low = bytes.getInt32(at, true)
      const high = bytes.getInt32(at + 4, true)
      g ^= low
      h ^= high
      // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32). A sum that is below what was added to has a carry.
      t = (a + c) | 0
      b = (b + d + (t >>> 0 < a >>> 0 ? 1 : 0)) | 0
      a = t
      t = (c << 13) | (d >>> 19)
      d = ((d << 13) | (c >>> 19)) ^ b
      c = t ^ a
      t = a
      a = b
      b = t
      // v2 += v3; v3 = rotl(v3, 16) ^ v2
      t = (e + g) | 0
      f = (f + h + (t >>> 0 < e >>> 0 ? 1 : 0)) | 0
      e = t
      t = (g << 16) | (h >>> 16)
      h = ((h << 16) | (g >>> 16)) ^ f
      g = t ^ e
      // v0 += v3; v3 = rotl(v3, 21) ^ v0
      t = (a + g) | 0
      b = (b + h + (t >>> 0 < a >>> 0 ? 1 : 0)) | 0
      a = t
      t = (g << 21) | (h >>> 11)
      h = ((h << 21) | (g >>> 11)) ^ b
      g = t ^ a
      // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
      t = (e + c) | 0
      f = (f + d + (t >>> 0 < e >>> 0 ? 1 : 0)) | 0
      e = t
      t = (c << 17) | (d >>> 15)
      d = ((d << 17) | (c >>> 15)) ^ f
      c = t ^ e
      t = e
      e = f
      f = t
      a ^= low
      b ^= high
    }
    v[0] = a
    v[1] = b
    v[2] = c
    v[3] = d
    v[4] = e
    v[5] = f
    v[6] = g
    v[7] = h
  }

  /** Takes in what is left of the input, less than a word, ends, and begins anew. `length` is that of all input. */
  finish(bytes: DataView, from: number, length: number, out: Words): void {
    const { v } = this
    const last = new DataView(new ArrayBuffer(8))
    for (let i = 0; i < length % 8; i++) last.setUint8(i, bytes.getUint8(from + i))
    last.setUint8(7, length)
    this.absorb(last, 0, 1, 8)
    v[4]! ^= 0xee
    for (let half = 0; half < 4; half += 2) {
      this.absorb(zeros, 0, 3, 8)
      out[half] = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!
      out[half + 1] = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!
      v[2]! ^= 0xdd
    }
    this.restart()
  }

  /** All at once. */
  digest(bytes: DataView, length: number, out: Words): void {
    const words = Math.floor(length / 8)
    this.absorb(bytes, 0, words, 8)
    this.finish(bytes, 8 * words, length, out)
  }
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

export class KeyDigest {
  private readonly whole: SipHash
  private readonly even: SipHash
  private readonly odd: SipHash
  private length = 0
  /** The last `length % 16` bytes: pieces may be cut anywhere. */
  private readonly rest = new DataView(new ArrayBuffer(16))

  constructor(key: Words) {
    this.whole = new SipHash(key)
    const derived = (number: number): SipHash => {
      const words = new Int32Array(4)
      this.whole.digest(new DataView(Uint8Array.of(number).buffer), 1, words)
      return new SipHash(words)
    }
    this.even = derived(0)
    this.odd = derived(1)
  }

  /** Forgets what it was given. */
  restart(): void {
    this.even.restart()
    this.odd.restart()
    this.length = 0
  }

  update(bytes: DataView): void {
    const end = bytes.byteLength
    let at = 0
    for (; this.length % 16 !== 0 && at < end; at++) this.keep(bytes.getUint8(at))
    const pairs = Math.floor((end - at) / 16)
    this.deal(bytes, at, pairs)
    this.length += pairs * 16
    for (at += pairs * 16; at < end; at++) this.keep(bytes.getUint8(at))
  }

  /** The digest of all pieces and these last two, into `out`; begins anew. */
  finish(first: DataView, last: DataView, out: Words): void {
    if (this.length === 0 && first.byteLength + last.byteLength <= mostInOneLane) {
      const all = new Uint8Array(first.byteLength + last.byteLength)
      all.set(bytesOf(first))
      all.set(bytesOf(last), first.byteLength)
      return this.whole.digest(new DataView(all.buffer), all.length, out)
    }
    this.update(first)
    this.update(last)
    const { length } = this
    while (this.length % 16 !== 0) this.keep(0)
    const words = new Int32Array(6)
    const view = new DataView(words.buffer)
    this.odd.finish(view, 0, this.length / 2, words)
    words[4] = length
    words[5] = length / 2 ** 32
    this.even.absorb(view, 0, 3, 8)
    this.even.finish(view, 0, this.length / 2 + 24, out)
    this.length = 0
  }

  private keep(byte: number): void {
    this.rest.setUint8(this.length++ % 16, byte)
    if (this.length % 16 === 0) this.deal(this.rest, 0, 1)
  }

  /** A word for each of the two lanes, `pairs` times. */
  private deal(bytes: DataView, from: number, pairs: number): void {
    this.even.absorb(bytes, from, pairs, 16)
    this.odd.absorb(bytes, from + 8, pairs, 16)
  }
}
