/**
 * The judge, in JavaScript values: with the inbox that keys are written into (inbox.ts), the one file that touches wasm memory.
 *
 * Each cache has an instance of its own, so the instance's memory is the cache's memory (or there is a twin in JavaScript, with a block of
 * memory like it: js/fallback). The verbs are those of
 * src/cache.h. Bytes go in through the inbox, numbers come out of the block (boundary.ts), and whatever a verb left
 * there is read before the next verb is called. Views are made anew when memory grew, as growing detaches them.
 */
import { boundaryVersion, type CoreControl, type CoreExports, type CoreSource, inboxSize, maxTokens, noSlot, offset, sealSize, status, tokenSize, verdict } from './boundary.js'
import { type CoreStats, statNames } from './core-stats.js'
import { KeyEncoder } from './encode.js'
import { ValueError } from './errors.js'
import { FrozenValues } from './freeze.js'
import { instantiate } from './glue.js'
import { HotValues } from './hot-values.js'
import { Inbox } from './inbox.js'
import { lengthen, shorten, shortenRoom } from './packed-short.js'
import { unfilled } from './platform-text.js'
import { RecentKeys } from './recent-keys.js'
import { labelText } from './sealed.js'
import { Outline } from './outline.js'
import { decodePayload, decodePayloadAt, flag, kind as kindOf, labelled, labelSize, type Payload, putLabel } from './value.js'

export { type CoreStats, status, verdict }

/** A key in memory: the digest of its canonical bytes under this instance's secret key. */
export interface Key {
  /** Its 128 bits as eight code units, to be the key of a Map. */
  readonly id: string
  /** What it is called in storage, where events are to say that. */
  name?: string | Promise<string | undefined> | undefined
}

/** What is known of the entry that the last verb found. Times in milliseconds since 1970 UTC. */
export interface Facts {
  created: number
  freshUntil: number
  staleUntil: number
  costMs: number
  bytes: number
}

export interface Draft {
  payload: Payload
  tokens: Uint8Array
  costMs: number
  ttlMs: number
  /** For how long after that it is kept: whoever asks says how much of it may answer. */
  staleForMs: number
  /** How long it lives without an answer. Default for ever. */
  idleMs?: number
  /** Put in by hand: it is let in whatever it is worth. Default false. */
  insists?: boolean
  /** The number of the function whose result it is: a core that compresses expects them to be alike. Default 0. */
  group?: number
  /** Goes behind the value, as labelled() puts it there. */
  label?: string | undefined
}

/** An entry in memory that is labelled. */
export interface Labelled {
  slot: number
  key: Key
  label: string
}

export interface Admitted {
  status: number
  /** Absent where it was refused. */
  payload?: Payload
  /** Memory keeps it, too. */
  inMemory?: boolean
}

export interface CoreLimits {
  maxBytes: number
  maxEntryBytes: number
}

export class Core {
  private readonly encoder = new KeyEncoder()
  private readonly inbox: Inbox
  private readonly base: number
  private bytes = noBytes
  private words = new Uint32Array(0)
  private numbers = new Float64Array(0)
  /** The only argument that is a text, which need not be written where its key is known. */
  private readonly prompt = { prefix: noBytes, words: new Uint32Array(0), at: 0, texts: [] as readonly string[], count: 1 }
  private isWritten = true
  private readonly recent: RecentKeys
  private readonly frozen = new FrozenValues()
  private readonly hot: HotValues

  private constructor(
    private readonly exports: CoreExports,
    private readonly control: CoreControl,
    limits: CoreLimits,
    secret: Uint32Array,
    keepsKeys: boolean,
  ) {
    if (control.version() !== boundaryVersion) {
      throw new Error(`core.wasm is of another version (${control.version()}) than the JavaScript beside it (${boundaryVersion}). Install both from one release.`)
    }
    const [key0, key1, key2, key3] = secret as unknown as [number, number, number, number]
    this.hot = new HotValues(limits.maxBytes)
    this.recent = new RecentKeys(limits.maxBytes)
    if (!control.create(limits.maxBytes - this.hot.reservedBytes - this.recent.reservedBytes, limits.maxEntryBytes, key0, key1, key2, key3)) {
      throw new Error('there is no memory for the cache.')
    }
    this.base = exports.block_address()
    this.refresh()
    this.inbox = new Inbox(this.exports, this.base + offset.outline, this.base + offset.inbox, keepsKeys)
  }

  /**
   * An instance of a module, or a twin. `secret` is 128 random bits; `keepsKeys` says that canonicalBytes() will be asked for.
   * Rejects where the module cannot be instantiated.
   */
  static async create(source: CoreSource, limits: CoreLimits, secret: Uint32Array, keepsKeys: boolean): Promise<Core> {
    const { exports, control } = typeof source === 'function' ? source() : await instantiate(source)
    return new Core(exports, control, limits, secret, keepsKeys)
  }

  /**
   * Is there an answer in memory? One crossing: the bytes of the key are written into the inbox, then digested, looked
   * up and judged. A stale entry answers for `staleForMs` after its fresh time. Throws KeyError where the arguments cannot be a key.
   */
  lookUp(prefix: Uint8Array, args: readonly unknown[], now: number, staleForMs = 0): number {
    const { inbox, prompt, recent } = this
    const request = isPrompt(args) ? prompt : inbox
    if (request === inbox) this.write(prefix, args)
    else {
      prompt.prefix = prefix
      prompt.texts = args as readonly string[]
      this.isWritten = false
    }
    const isWhole = request === prompt || inbox.isWhole
    const key = isWhole ? recent.find(request) : -1
    if (key >= 0) {
      for (let i = 0, at = offset.key / 4; i < 4; i++) this.words[at + i] = recent.keys[key + i]!
      return this.exports.look_up_key(now, staleForMs)
    }
    if (request === prompt) this.write(prefix, args)
    const length = inbox.finish()
    const found = this.exports.look_up(inbox.wordsLeft, length, now, staleForMs)
    if (isWhole) recent.note(request, this.words, offset.key / 4)
    inbox.release()
    return found
  }

  /** Makes the key of these arguments the current one, which the verbs below are about. Throws KeyError. */
  digest(prefix: Uint8Array, args: readonly unknown[]): void {
    this.write(prefix, args)
    const length = this.inbox.finish()
    this.exports.digest(this.inbox.wordsLeft, length)
    this.inbox.release()
  }

  /** The value that lookUp or peek found, or a Failure: a copy for each caller; or frozen, and one for all who ask, where it can be (see freeze.ts). */
  value(frozen: boolean): unknown {
    const { words, hot } = this
    const slot = words[offset.slot / 4]!
    const low = words[offset.key / 4]!
    const high = words[offset.key / 4 + 1]!
    if (frozen) return this.frozen.of(slot, low, high, () => this.value(false))
    const held = hot.find(slot, low, high)
    if (held !== undefined) return held
    const isPacked = (words[offset.kind / 4]! & ~flag.labelled) === kindOf.packed
    const value = this.decoded()
    if (isPacked) hot.note(slot, low, high, value)
    return value
  }

  /** A copy of the payload that lookUp or peek found, as store() was given it: to be read without the core, or sealed. */
  payload(): Payload {
    const kind = this.words[offset.kind / 4]!
    const bytes = this.payloadBytes(0, this.numbers[offset.payload_size / 8]!)
    return { kind, bytes: (kind & 3) === kindOf.packed ? lengthen(bytes) : bytes }
  }

  /** What lookUp, peek or admit found. */
  facts(): Facts {
    const { numbers } = this
    return {
      created: numbers[offset.created / 8]!,
      freshUntil: forever(numbers[offset.fresh_until / 8]!),
      staleUntil: forever(numbers[offset.stale_until / 8]!),
      costMs: numbers[offset.cost_ms / 8]!,
      bytes: numbers[offset.payload_size / 8]!,
    }
  }

  /** The current key, to come back to after an await. */
  key(): Key {
    const { words } = this
    const at = offset.key / 4
    const a = words[at]!
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    // (Half of the numbers, one after the other; spreading them takes ten times as long.)
    return { id: String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16, d & 0xffff, d >>> 16) }
  }

  /** The canonical bytes of the key that lookUp or digest was given last, for the digest that storage knows it by. */
  canonicalBytes(): Uint8Array {
    if (!this.isWritten) this.write(this.prompt.prefix, this.prompt.texts)
    return this.encoder.canonicalBytes(this.inbox)
  }

  /** The canonical bytes of these arguments' key, whatever else is known of it. */
  canonicalBytesOf(prefix: Uint8Array, args: readonly unknown[]): Uint8Array {
    const outline = new Outline()
    this.encoder.write(outline, prefix, args)
    return this.encoder.canonicalBytes(outline)
  }

  /** The same judgement as lookUp, of a key, without a trace: nothing counted, nothing removed. */
  peek(key: Key, now: number, staleForMs = 0): number {
    this.setKey(key)
    return this.exports.peek(now, staleForMs)
  }

  /** Keeps a computed value in memory, or says why not. */
  store(key: Key, draft: Draft, now: number): number {
    this.setKey(key)
    // There is room for so many; the core would know the entry by some of them only.
    if (draft.tokens.length > maxTokens * tokenSize) {
      this.exports.invalidate()
      this.words[offset.slot / 4] = noSlot
      return status.tooLarge
    }
    let { payload, label } = draft
    if (label !== undefined && payload.bytes.length + 3 * label.length + 4 > inboxSize) {
      payload = labelled(payload, label)
      label = undefined
    }
    const { bytes } = payload
    const fits = bytes.length <= inboxSize
    let size = (payload.kind & 3) === kindOf.packed && bytes.length + shortenRoom <= inboxSize ? shorten(bytes, this.bytes, offset.inbox) : 0
    if (size === 0) {
      size = bytes.length
      if (fits) this.bytes.set(bytes, offset.inbox)
    }
    let { kind } = payload
    if (label !== undefined) {
      size = putLabel(this.bytes, offset.inbox + size, label) - offset.inbox
      kind |= flag.labelled
    }
    this.bytes.set(draft.tokens, offset.tokens)
    const said = this.exports.store(
      size,
      kind,
      draft.tokens.length / tokenSize,
      draft.costMs,
      draft.ttlMs,
      draft.staleForMs,
      draft.idleMs ?? Infinity,
      now,
      draft.group ?? 0,
      draft.insists === true ? 1 : 0,
    )
    this.refresh()
    this.filled()
    if (!fits) this.writePayload(bytes)
    return said
  }

  /** The sealed entry of what memory holds under the key, if it holds something. */
  resealed(key: Key, storageKey: Uint8Array): Uint8Array | undefined {
    this.setKey(key)
    this.exports.redraft()
    return this.words[offset.slot / 4] === noSlot ? undefined : this.seal(storageKey, this.payload())
  }

  /** The sealed entry of what store() was given last, for storage; `storageKey` are the 32 bytes of its name there. */
  seal(storageKey: Uint8Array, payload: Payload): Uint8Array {
    this.bytes.set(storageKey, offset.storage_key)
    const preamble = this.exports.seal_begin(payload.bytes.length)
    const { length } = payload.bytes
    const entry = new Uint8Array(preamble + length + sealSize)
    entry.set(this.bytes.subarray(offset.preamble, offset.preamble + preamble))
    entry.set(payload.bytes, preamble)
    inPieces(payload.bytes, piece => {
      this.bytes.set(piece, offset.inbox)
      this.exports.seal_feed(piece.length)
    })
    this.exports.seal_end()
    entry.set(this.bytes.subarray(offset.seal, offset.seal + sealSize), preamble + length)
    return entry
  }

  /** May this entry out of storage answer the call (ok, stale), or at least if nothing better can be had (retained)? Then memory keeps it too, where there is room. */
  admit(key: Key, storageKey: Uint8Array, entry: Uint8Array, now: number, group = 0, staleForMs = 0): Admitted {
    this.setKey(key)
    this.bytes.set(storageKey, offset.storage_key)
    let begun = false
    inPieces(entry, piece => {
      this.bytes.set(piece, offset.inbox)
      if (begun) this.exports.admit_feed(piece.length)
      else this.exports.admit_begin(piece.length, entry.length)
      begun = true
    })
    if (!begun) this.exports.admit_begin(0, 0)
    const said = this.exports.admit(now, group, staleForMs)
    this.refresh()
    if (said !== status.ok && said !== status.stale && said !== status.retained) return { status: said }
    const from = this.words[offset.payload_at / 4]!
    // A storage may give a Buffer, whose subarrays and slices are Buffers.
    const payload = { kind: this.words[offset.kind / 4]!, bytes: new Uint8Array(entry.buffer, entry.byteOffset + from, entry.length - sealSize - from) }
    this.filled()
    if (entry.length > inboxSize) this.writePayload(payload.bytes)
    return { status: said, payload, inMemory: this.words[offset.slot / 4] !== noSlot }
  }

  /** Takes a key out of memory; says whether it was there. */
  invalidate(key: Key): boolean {
    this.setKey(key)
    return this.exports.invalidate() === 1
  }

  /** The entry is stale from now on; one that never gets stale is taken out. Says whether there is still one. */
  expire(key: Key, now: number): boolean {
    this.setKey(key)
    return this.exports.expire(now) === 1
  }

  /** The first entry from slot `from` on that is labelled, dead or alive. Its key is the current one then, and facts() are of it. One whose label is damaged has none. */
  nextLabelled(from: number): Labelled | undefined {
    const slot = this.exports.next_labelled(from) >>> 0
    if (slot === noSlot) return undefined
    const end = this.numbers[offset.payload_size / 8]! - 4
    const size = end < 0 ? 0 : labelSize(this.payloadBytes(end, end + 4), 4)
    const label = size > end ? '' : labelText(this.payloadBytes(end - size, end))
    return { slot, key: this.key(), label }
  }

  /** Gives a tag its token: the first, or another, which invalidates. 16 bytes: the tag's number, the token. */
  setToken(token: Uint8Array): void {
    this.bytes.set(token, offset.tokens)
    this.exports.set_token()
    this.refresh()
  }

  /** Its tag (the first 8 bytes) is not known any more. False, and nothing is changed, where an entry carries it. */
  forgetToken(token: Uint8Array): boolean {
    this.bytes.set(token, offset.tokens)
    return this.exports.forget_token() === 1
  }

  sweep(now: number, budget: number): number {
    return this.exports.sweep(now, budget)
  }

  stats(): CoreStats {
    const numbers = new Float64Array(this.exports.memory.buffer, this.control.stats(), statNames.length)
    return Object.fromEntries(statNames.map((name, i) => [name, numbers[i]!])) as unknown as CoreStats
  }

  /** The key goes into the inbox, but for the texts. */
  private write(prefix: Uint8Array, args: readonly unknown[]): void {
    this.encoder.write(this.inbox, prefix, args)
    this.isWritten = true
  }

  private decoded(): unknown {
    const { words } = this
    const kind = words[offset.kind / 4]!
    const size = this.numbers[offset.payload_size / 8]!
    if (words[offset.whole / 4] === 0) {
      if (size > inboxSize) {
        if ((kind & ~flag.labelled) !== kindOf.bytes) return decodePayload({ kind, bytes: this.payloadBytes(0, size) })
        // Bytes are the value as they are read: no second copy.
        const label = kind === kindOf.bytes ? 0 : 4 + labelSize(this.payloadBytes(size - 4, size), 4)
        if (label > size) throw new ValueError('payload', 'ends too early')
        return this.payloadBytes(0, size - label)
      }
      // Several blocks are put together, what is compressed is decoded; payload_at says where.
      if (this.exports.read_payload(0) !== size) throw new Error('the payload is damaged.')
    }
    const from = words[offset.payload_at / 4]! - this.base
    return decodePayloadAt(kind, this.bytes, from, from + size, true)
  }

  private setKey({ id }: Key): void {
    for (let i = 0, at = offset.key / 4; i < 4; i++) this.words[at + i] = id.charCodeAt(2 * i) | (id.charCodeAt(2 * i + 1) << 16)
  }

  /** A slot has a new entry. Every one passes here, so what was remembered of the slot's last entry ends here at the latest. */
  private filled(): void {
    const slot = this.words[offset.slot / 4]!
    if (slot === noSlot) return
    this.frozen.drop(slot)
    this.hot.drop(slot)
  }

  /** A copy of these bytes of the payload that was found, of any size and in any form. */
  private payloadBytes(from: number, to: number): Uint8Array {
    const { words } = this
    const bytes = unfilled(to - from)
    for (let at = from; at < to; ) {
      const whole = words[offset.whole / 4] === 1
      const count = Math.min(to - at, whole ? to : this.exports.read_payload(at))
      if (count === 0) throw new Error('the payload is damaged.')
      const start = words[offset.payload_at / 4]! - this.base + (whole ? at : 0)
      bytes.set(this.bytes.subarray(start, start + count), at - from)
      at += count
    }
    return bytes
  }

  private writePayload(bytes: Uint8Array): void {
    if (this.words[offset.slot / 4] === noSlot) return
    let at = 0
    inPieces(bytes, piece => {
      this.bytes.set(piece, offset.inbox)
      this.exports.write_payload(at, piece.length)
      at += piece.length
    })
  }

  /** All views begin at the block; the block never moves, but the buffer under it does. */
  private refresh(): void {
    if (this.bytes.length > 0) return
    const { buffer } = this.exports.memory
    this.bytes = new Uint8Array(buffer, this.base)
    this.words = new Uint32Array(buffer, this.base)
    this.numbers = new Float64Array(buffer, this.base, offset.payload_at / 8)
  }
}

/** Longer ones rarely come again. */
const promptMost = 256

function isPrompt(args: readonly unknown[]): boolean {
  const [text] = args
  return args.length === 1 && typeof text === 'string' && text !== '' && text.length <= promptMost
}

const noBytes: Uint8Array = new Uint8Array(0)

function inPieces(bytes: Uint8Array, use: (piece: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; at += inboxSize) use(bytes.subarray(at, at + inboxSize))
}

function forever(time: number): number {
  return time >= 9.2e18 ? Infinity : time
}
