import type { Storage } from '../storage/storage.js'

/** What differs from one runtime to the next, and nothing else does. */
export interface Runtime {
  readonly name: string
  /** The compiled core. Rejects where the runtime refuses WebAssembly. */
  compile(): Promise<WebAssembly.Module>
  /** Milliseconds since 1970 UTC. */
  now(): number
  randomBytes(count: number): Uint8Array
  /** The platform's own SHA-256: at once where it can, else later. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Work that goes on after its call has returned; it never rejects. */
  background(work: Promise<unknown>): void
  /** Where entries live unless the user says otherwise; undefined: in memory only. */
  defaultStorage(): Storage | undefined
}
