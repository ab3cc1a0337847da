/**
 * Canonical bytes as people read them: CBOR's diagnostic notation (RFC 8949, section 8), on one line. A view of our own
 * format, so it reads what keys are written in (definite lengths, shortest forms) and nothing else.
 * src/diagnostic.cpp prints the same.
 */
import { major, simple } from '../cbor-numbers.js'
import { hex } from '../tokens.js'

/** The notation of one item, such as `[1, null, "ask", null, [258([1, 2]), h'00ff', 1.5]]`. */
export function diagnostic(bytes: Uint8Array): string {
  return new Reader(bytes).item()
}

class Reader {
  private at = 0
  private readonly view: DataView

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  item(): string {
    const first = this.bytes[this.at]!
    if (first >= 0xe0) return this.simpleOrFloat(first)
    const n = this.head()
    switch (first >> 5) {
      case major.unsigned:
        return String(n)
      case major.negative:
        return String(-1n - n)
      case major.bytes:
        return `h'${hex(this.take(Number(n)))}'`
      case major.text:
        return quoted(new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.take(Number(n))))
      case major.array:
        return `[${this.list(n, () => this.item())}]`
      case major.map:
        return `{${this.list(n, () => `${this.item()}: ${this.item()}`)}}`
      default:
        return `${n}(${this.item()})`
    }
  }

  private head(): bigint {
    const low = this.bytes[this.at++]! & 31
    if (low < 24) return BigInt(low)
    let n = 0n
    for (const byte of this.take(2 ** (low - 24))) n = (n << 8n) | BigInt(byte)
    return n
  }

  private take(count: number): Uint8Array {
    return this.bytes.subarray(this.at, (this.at += count))
  }

  private list(count: bigint, item: () => string): string {
    return Array.from({ length: Number(count) }, item).join(', ')
  }

  private simpleOrFloat(first: number): string {
    const from = this.at + 1
    switch (first) {
      case 0xf9:
        this.at += 3
        return float(halfAt(this.view.getUint16(from)))
      case 0xfa:
        this.at += 5
        return float(this.view.getFloat32(from))
      case 0xfb:
        this.at += 9
        return float(this.view.getFloat64(from))
    }
    this.at++
    const word = Object.entries(simple).find(([, code]) => code === first)?.[0]
    return word ?? `simple(${first & 31})`
  }
}

function halfAt(bits: number): number {
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 0x3ff
  const size = exponent === 31 ? (mantissa === 0 ? Infinity : NaN) : exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -size : size
}

/** As JavaScript prints it, with a point, which tells it from an integer: `1e300` is `1.0e+300`. */
function float(x: number): string {
  const text = Object.is(x, -0) ? '-0' : String(x)
  return /[.NI]/.test(text) ? text : text.replace(/^-?\d+/, '$&.0')
}

/** What a reader could not see or tell apart (controls, odd spaces, direction marks) is escaped. */
const unseen = /["\\\0-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g
const short: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function quoted(text: string): string {
  return `"${text.replace(unseen, character => short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}
