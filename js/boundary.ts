/** The shared block of wasm memory, as bindings/boundary.h lays it out. A test compares the two, offset by offset. */

export const inboxSize = 64 * 1024
export const outlineSize = 16 * 1024

export enum offset {
  created = 0,
  fresh_until = 8,
  stale_until = 16,
  cost_ms = 24,
  payload_size = 32,
  payload_at = 40,
  slot = 44,
  kind = 48,
  whole = 52,
  preamble_size = 56,
  key = 64,
  storage_key = 80,
  seal = 112,
  tokens = 128,
  preamble = 1152,
  outline = 2256,
  inbox = 18640,
}

export const maxTokens = 64
export const tokenSize = 16
export const sealSize = 16
export const noSlot = 0xffff_ffff

/** `Verdict` of src/cache.h. Answers are fresh and stale only. */
export enum verdict {
  fresh = 0,
  stale = 1,
  absent = 2,
  expired = 3,
  invalidated = 4,
  evicted = 5,
  retained = 6,
}

/** `Status` of src/status.h. */
export enum status {
  ok = 0,
  truncated = 1,
  notAnEntry = 2,
  otherFormat = 3,
  badSeal = 4,
  otherKey = 5,
  expired = 6,
  invalidated = 7,
  unknownToken = 8,
  badField = 9,
  tooLarge = 10,
  noRoom = 11,
  noLifetime = 12,
  notAdmitted = 13,
  stale = 14,
  retained = 15,
}

/** The data plane: the raw exports of bindings/exports.cpp, called on the instance itself. */
export interface CoreExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  block_address(): number
  feed(words: number, length: number): void
  restart(): void
  digest(words: number, length: number): void
  look_up(words: number, length: number, now: number, staleForMs: number): number
  look_up_key(now: number, staleForMs: number): number
  peek(now: number, staleForMs: number): number
  store(payloadSize: number, kind: number, tokenCount: number, costMs: number, ttlMs: number, staleForMs: number, idleMs: number, now: number, group: number, insists: number): number
  write_payload(from: number, length: number): void
  /** How many bytes lie at payload_at now. */
  read_payload(from: number): number
  redraft(): void
  seal_begin(payloadSize: number): number
  seal_feed(length: number): void
  seal_end(): void
  admit_begin(length: number, total: number): number
  admit_feed(length: number): number
  admit(now: number, group: number, staleForMs: number): number
  invalidate(): number
  expire(now: number): number
  next_labelled(from: number): number
  set_token(): void
  forget_token(): number
  sweep(now: number, budget: number): number
}

/** The control plane: what bindings/control.cpp offers through embind. */
export interface CoreControl {
  create(maxBytes: number, maxEntryBytes: number, key0: number, key1: number, key2: number, key3: number): number
  /** Where in memory the numbers are that `statNames` names. */
  stats(): number
  version(): number
}

/** A core of one cache: an instance of the module, or its twin (js/fallback). */
export interface CoreInstance {
  readonly exports: CoreExports
  readonly control: CoreControl
}

/** What makes cores. */
export type CoreSource = WebAssembly.Module | (() => CoreInstance)

/** What CoreControl.version() must say for this file to be its mirror. */
export const boundaryVersion = 4
