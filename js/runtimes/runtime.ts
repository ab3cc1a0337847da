import type { CoreInstance, CoreSource } from '../boundary.js'
import type { Aloft, Ambient } from '../flights.js'
import type { Clock } from '../options.js'
import type { Aead } from '../storage/envelope.js'
import type { Storage } from '../storage/storage.js'

/** 32 bytes. */
export type Digest = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** What differs from one runtime to the next, and nothing else does. */
export interface Runtime extends Clock {
  readonly name: string
  /** The compiled core; `dense`: the one that compresses, a module of its own. Rejects where the runtime refuses WebAssembly. */
  compile(dense: boolean): Promise<CoreSource>
  /** What stands in where it does (js/fallback), loaded only then. */
  fallback?(): Promise<() => CoreInstance>
  randomBytes(count: number): Uint8Array
  /** The platform's own SHA-256, or HMAC-SHA-256 where there is a secret: at once where it can, else later. */
  digest(secret: Uint8Array | undefined): Digest
  /** AES-256-GCM under a key of 32 bytes, where there is something better than WebCrypto. */
  aead?(key: Uint8Array): Aead
  /** The default of `storageDeadline`, where it is not 250 ms. */
  readonly storageDeadlineMs?: number
  /** Work that goes on after its call has returned; it never rejects. */
  background(work: Promise<unknown>): void
  /** Follows a call through its awaits, where the runtime can. */
  ambient?(): Ambient<Aloft> | undefined
  /** The user wants no cache: REPRISE_DISABLE=1. */
  disabled?(): boolean
  /** Where entries live unless the user says otherwise; undefined: in memory only. */
  defaultStorage(): Storage | undefined
}
