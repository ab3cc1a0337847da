/**
 * The sealed entry: the twin of src/entry.h, where its fields are. What this writes a core in WebAssembly reads, and the other
 * way round. An entry is put together here before it is sealed or believed, so pieces come in order and may be cut anywhere.
 */
import { maxTokens, sealSize, status, tokenSize } from '../boundary.js'
import { forever, type Lifetime } from './lifetime.js'
import { seal } from './seal.js'

export interface Header {
  kind: number
  life: Lifetime
  costMs: number
  payloadSize: number
  /** Tag, token, tag, token, … */
  tokens: BigUint64Array
}

const magic = 0x53525052 // "RPRS"
const format = 1
const headerSize = 80
const kinds = 16

/** What stands before the payload. */
export function preamble({ kind, life, costMs, payloadSize, tokens }: Header, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerSize + tokens.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint8(4, format)
  view.setUint8(5, kind)
  view.setUint16(6, tokens.length / 2, true)
  bytes.set(key, 8)
  // A storage does not see the answers that idleness ends with: there an entry is over as if nobody asked for it again.
  const until = (time: bigint): bigint => (time < life.idleUntil ? time : life.idleUntil)
  view.setBigInt64(40, life.created, true)
  view.setBigInt64(48, until(life.freshUntil), true)
  view.setBigInt64(56, until(life.staleUntil), true)
  view.setFloat64(64, costMs, true)
  view.setBigUint64(72, BigInt(payloadSize), true)
  tokens.forEach((word, i) => view.setBigUint64(headerSize + 8 * i, word, true))
  return bytes
}

/** Bytes that arrive in pieces, to be sealed when they are all there. */
export class Sealer {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }

  /** False where there is no room for the piece. */
  feed(piece: Uint8Array): boolean {
    if (piece.length > this.bytes.length - this.at) return false
    this.bytes.set(piece, this.at)
    this.at += piece.length
    return true
  }

  seal(): Uint8Array {
    return seal(this.bytes)
  }

  /** Whether they are all there, and the last of them are the seal of the others. */
  verify(): number {
    const { bytes, at } = this
    if (at !== bytes.length) return status.truncated
    const right = seal(bytes.subarray(0, at - sealSize))
    return right.every((byte, i) => byte === bytes[at - sealSize + i]) ? status.ok : status.badSeal
  }
}

/** Reads an entry: begin() with the first piece, which is whole up to the end of the tokens, any number of feed(), finish(). */
export class EntryReader {
  header!: Header
  payloadAt = 0
  private sealer!: Sealer

  begin(first: Uint8Array, total: number, key: Uint8Array): number {
    const view = new DataView(first.buffer, first.byteOffset, first.length)
    if (first.length >= 4 && view.getUint32(0, true) !== magic) return status.notAnEntry
    if (first.length >= 5 && first[4] !== format) return status.otherFormat
    if (first.length < headerSize || total < first.length) return status.truncated
    const count = view.getUint16(6, true)
    if (count > maxTokens) return status.badField
    this.payloadAt = headerSize + count * tokenSize
    const payloadSize = total - this.payloadAt - sealSize
    if (first.length < this.payloadAt || payloadSize < 0 || view.getBigUint64(72, true) !== BigInt(payloadSize)) return status.truncated
    if (key.some((byte, i) => byte !== first[8 + i])) return status.otherKey
    const time = (at: number): bigint => view.getBigInt64(at, true)
    this.header = {
      kind: first[5]!,
      life: { created: time(40), freshUntil: time(48), staleUntil: time(56), idleMs: forever, idleUntil: forever },
      costMs: view.getFloat64(64, true),
      payloadSize,
      tokens: BigUint64Array.from({ length: 2 * count }, (_, i) => view.getBigUint64(headerSize + 8 * i, true)),
    }
    this.sealer = new Sealer(total)
    return this.feed(first)
  }

  feed(piece: Uint8Array): number {
    return this.sealer.feed(piece) ? status.ok : status.truncated
  }

  finish(): number {
    const said = this.sealer.verify()
    if (said !== status.ok) return said
    const { kind, life, costMs } = this.header
    const sensible = kind < kinds && life.freshUntil >= life.created && life.staleUntil >= life.freshUntil && costMs >= 0 && costMs < Infinity
    return sensible ? status.ok : status.badField
  }
}
