/** Everything that a call is given to work with. */
import type { Core, Key } from './core.js'
import type { Emit } from './events.js'
import type { Aloft, Ambient, Flights } from './flights.js'
import type { Clock } from './options.js'
import type { Landing } from './results.js'
import type { News } from './news.js'
import type { StorageGuard } from './storage/guard.js'
import type { Tokens } from './tokens.js'
import type { Trust } from './trust.js'
import type { Payload } from './value.js'

/** What an entry is called in storage: 32 bytes, and the same in hexadecimal. */
export interface StorageName {
  readonly bytes: Uint8Array
  readonly text: string
}

/** What cores count, over all of them. */
export interface Totals {
  readonly hits: number
  readonly misses: number
  readonly notStored: number
  readonly savedMs: number
}

export interface Parts extends Clock {
  /** Undefined while the cache cannot answer, or is not to: every call runs its function. */
  core: Core | undefined
  /** The one that is not to be used now: keys are made by it, and entries forgotten. */
  standby: Core | undefined
  /** Why there is none. */
  out: 'no-core' | 'disabled' | 'closed'
  /** What cores before this one have counted. */
  before: Totals
  bypasses: number
  joined: number
  /** Calls that looked nothing up, as they wanted nothing old, or had left before it could be done. */
  forced: number
  /** Hits of the core that answered no call: peeked at, or not valid. (disown() of results.ts counts them.) */
  disowned: number
  /** What the core takes those to have saved. */
  disownedMs: number
  /** Entries that were there, in memory or in storage, and could not be read. */
  damaged: number
  /** What the last look-up said. */
  verdict: number
  /** Results that were not kept for reasons that the core does not know. */
  unstored: number
  readonly flights: Flights<Landing>
  readonly ambient: Ambient<Aloft>
  readonly tokens: Tokens
  readonly storage: StorageGuard | undefined
  /** What others are told of invalidations, where the storage carries messages. */
  news: News | undefined
  /** Where there is a secret. */
  readonly trust: Trust | undefined
  readonly emit: Emit | undefined
  readonly maxEntryBytes: number
  /** How long the right to compute a key is one's own without a sign of life; 0: everybody computes for himself. */
  readonly leaseMs: number
  /** Texts of keys are kept beside values, for invalidate({ match }). */
  readonly labels: boolean
  /** The core's current key, with its name where events are to say it. */
  keyOf(core: Core): Key
  /** Work that goes on after its call has returned; it never rejects. */
  background(work: Promise<unknown>): void
  /** Undefined where the digest cannot be had: then storage is not asked. */
  storageName(canonical: Uint8Array): Promise<StorageName | undefined>
  /** A promise only where something has to be loaded. */
  encodeValue(value: unknown, maxBytes: number): Payload | Promise<Payload>
  /** Can payloads of this kind be decoded from now on? */
  decodable(kind: number): Promise<boolean>
  decodePayload(payload: Payload): unknown
  /** The text of its key that a sealed entry carries. */
  labelOf(entry: Uint8Array | undefined): string | undefined
  /** A core for nothing but judging entries: what it is shown goes nowhere else. */
  judge(): Promise<Core>
  /** The pairs that a sealed entry carries. */
  tokensOf(entry: Uint8Array): Uint8Array
  /** A trap in the core: it is dropped, and built anew. */
  trapped(error: unknown): void
  /** The core that is being built is there, or none can be had. */
  ready(): Promise<void>
}
