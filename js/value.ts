/**
 * Values as the payload of an entry, and back: what structuredClone keeps, this keeps. Dates, Maps, Sets, typed arrays,
 * BigInts, NaN, -0, undefined, holes, Errors, shared references and cycles come back as they were; instances of
 * classes come back as plain objects; functions and symbols are refused, and so are boxed primitives, arrays that have names beside
 * their items, and platform objects whose content nobody can read. Each decode makes new objects, so
 * nobody can change what the next caller gets.
 *
 * What is JSON-like is packed (packed.ts), texts too, and a Uint8Array is stored as itself; all else is CBOR (value-cbor.ts), by a codec that is
 * loaded when the first such value comes: encodeLoaded() waits for it, and whoever takes payloads from elsewhere calls
 * loadFor() before one of them can be met.
 */
import { GrowingWriter, typedArrayName, typedArrayTag, wellFormed } from './cbor.js'
import { isPlain, maxDepth, typeName } from './encode.js'
import { show, ValueError } from './errors.js'
import { Failure } from './failure.js'
import { decodePacked, defineMember, discardPacked, encodePacked, strictUtf8 } from './packed.js'
import { putAscii, putUtf16, putUtf8 } from './platform-text.js'
import { utf16Mark } from './sealed.js'
import type { Codec } from './value-cbor.js'

/** `PayloadKind` of src/entry.h. `text`, plain UTF-8, is read but not written: packed texts that are not ASCII are read faster. */
export enum kind { cbor = 0, text = 1, bytes = 2, packed = 3 }

/** What a kind may have on top. `labelled`: see labelled(). `failed`: the value is what the function threw. */
export enum flag { labelled = 4, failed = 8 }

export interface Payload {
  /** One of `kind`, and flags. */
  readonly kind: number
  readonly bytes: Uint8Array
}

let codec: Codec | undefined

/** Loads what payloads of this kind need. */
export async function loadFor(which: number): Promise<void> {
  if ((which & 3) !== kind.cbor || codec !== undefined) return
  const { codecOf } = await import('./value-cbor.js')
  codec = codecOf({ GrowingWriter, typedArrayName, typedArrayTag, isPlain, maxDepth, typeName, show, ValueError, defineMember, strictUtf8 })
}

/**
 * A value as bytes that share no memory with it. Throws ValueError where it cannot be kept (a getter or a proxy of it
 * may have thrown) or takes more than `maxBytes`. Only where loadFor(kind.cbor) was awaited, or the value is JSON-like.
 */
export function encodeValue(value: unknown, maxBytes = 2 ** 31): Payload {
  return encodeSimple(value, maxBytes) ?? { kind: kind.cbor, bytes: codec!.encodeCbor(value, maxBytes, () => tooLarge(maxBytes)) }
}

/** The same of any value at any time; a promise only where something has to be loaded. */
export function encodeLoaded(value: unknown, maxBytes: number): Payload | Promise<Payload> {
  return codec === undefined ? (encodeSimple(value, maxBytes) ?? encodeLater(value, maxBytes)) : encodeValue(value, maxBytes)
}

async function encodeLater(value: unknown, maxBytes: number): Promise<Payload> {
  await loadFor(kind.cbor)
  return encodeValue(value, maxBytes)
}

function encodeSimple(value: unknown, maxBytes: number): Payload | undefined {
  if (value instanceof Uint8Array) {
    if (value.length > maxBytes) tooLarge(maxBytes)
    return { kind: kind.bytes, bytes: new Uint8Array(value) }
  }
  try {
    const packed = encodePacked(value, maxBytes, tooLarge)
    return packed && { kind: kind.packed, bytes: packed }
  } catch (error) {
    if (error instanceof ValueError) throw error
    // Reading the value threw. As CBOR that happens again, and its path is known.
    return undefined
  }
}

function tooLarge(maxBytes: number): never {
  throw Object.assign(new ValueError('value', `takes more than ${maxBytes} bytes (memory.maxEntryBytes).`), { tooLarge: true })
}

/** Nobody has a use for this payload any more: its bytes may become another's. */
export function discard(payload: Payload | undefined): void {
  if (payload !== undefined) discardPacked(payload.bytes)
}

/** The value of a payload, made of new objects. Throws ValueError where the bytes are not one of encodeValue's. */
export function decodeValue(payload: Payload): unknown {
  return decodeValueAt(payload.kind, payload.bytes, 0, payload.bytes.length)
}

/** The same of a payload that lies in other bytes. In the core's memory (`mayBeShort`) its names may be a number, see packed.ts. */
export function decodeValueAt(which: number, bytes: Uint8Array, from: number, to: number, mayBeShort = false): unknown {
  switch (which) {
    case kind.packed:
      return decodePacked(bytes, from, to, mayBeShort)
    case kind.bytes:
      // (A copy of a view is not filled with zeros before, as a slice is.)
      return to - from < 4096 ? bytes.slice(from, to) : new Uint8Array(bytes.subarray(from, to))
    case kind.text:
      return strictUtf8(bytes.subarray(from, to))
    case kind.cbor:
      return codec!.decodeCbor(bytes.subarray(from, to))
    default:
      throw new ValueError('payload', 'is of a kind that is not known')
  }
}

/** What a payload stands for, whatever flags it has: the value, or the Failure that it was. Throws as decodeValue does. */
export function decodePayload({ kind, bytes }: Payload): unknown {
  return decodePayloadAt(kind, bytes, 0, bytes.length)
}

/** The same of a payload that lies in other bytes, as of decodeValueAt. */
export function decodePayloadAt(which: number, bytes: Uint8Array, from: number, to: number, mayBeShort = false): unknown {
  if (which < flag.labelled || which >= 2 * flag.failed) return decodeValueAt(which, bytes, from, to, mayBeShort)
  if ((which & flag.labelled) !== 0) {
    const size = to - from < 4 ? Infinity : labelSize(bytes, to)
    to -= 4 + size
    if (to < from) throw new ValueError('payload', 'ends too early')
  }
  const value = decodeValueAt(which & 3, bytes, from, to, mayBeShort)
  return (which & flag.failed) === 0 ? value : new Failure(value)
}

/** The payload with a text behind its value, and the length of that in bytes: so an entry in memory can be found by what was asked. */
export function labelled({ kind, bytes }: Payload, label: string): Payload {
  const all = new Uint8Array(bytes.length + 3 * label.length + 4)
  all.set(bytes)
  return { kind: kind | flag.labelled, bytes: all.slice(0, putLabel(all, bytes.length, label)) }
}

/** Writes what labelled() puts behind a value to `bytes`, where there is room for four bytes and three for each code unit; returns where it ends. */
export function putLabel(bytes: Uint8Array, start: number, label: string): number {
  let end = putAscii(bytes, label, start)
  if (end < 0 && wellFormed(label)) end = start + putUtf8(bytes, label, start)
  if (end < 0) {
    bytes[start] = utf16Mark
    putUtf16(bytes, label, start + 1)
    end = start + 1 + 2 * label.length
  }
  for (let size = end - start, i = 0; i < 4; i++, size >>>= 8) bytes[end++] = size
  return end
}

/** The payload of a value that was thrown. */
export function failed({ kind, bytes }: Payload): Payload {
  return { kind: kind | flag.failed, bytes }
}

/** How many bytes the label is said to take of a payload that ends at `to`: it lies before the four that say so. */
export function labelSize(bytes: Uint8Array, to: number): number {
  return (bytes[to - 4]! | (bytes[to - 3]! << 8) | (bytes[to - 2]! << 16) | (bytes[to - 1]! << 24)) >>> 0
}
