/** The shared block of wasm memory, as bindings/boundary.h lays it out. A test compares the two, offset by offset. */

export const inboxSize = 64 * 1024

/** The UTF-8 of a text of 65,536 code units. */
export const textSize = 192 * 1024

export const offset = {
  created: 0,
  fresh_until: 8,
  stale_until: 16,
  cost_ms: 24,
  payload_size: 32,
  payload_at: 40,
  slot: 44,
  kind: 48,
  external: 52,
  preamble_size: 56,
  freed_count: 60,
  key: 64,
  storage_key: 80,
  freed: 112,
  seal: 368,
  tokens: 384,
  preamble: 1408,
  inbox: 2512,
  text: 68048,
} as const

export const maxTokens = 64
export const tokenSize = 16
export const sealSize = 16
export const noSlot = 0xffff_ffff

/** `Verdict` of src/cache.h. */
export const verdict = { fresh: 0, stale: 1, absent: 2, expired: 3, invalidated: 4 } as const

/** `Status` of src/status.h. */
export const status = {
  ok: 0,
  truncated: 1,
  notAnEntry: 2,
  otherFormat: 3,
  badSeal: 4,
  otherKey: 5,
  expired: 6,
  invalidated: 7,
  unknownToken: 8,
  badField: 9,
  tooLarge: 10,
  noRoom: 11,
  noLifetime: 12,
  notAdmitted: 13,
} as const

/** The data plane: the raw exports of bindings/exports.cpp, called on the instance itself. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory
  block_address(): number
  feed(length: number): void
  transcode(units: number, at: number): number
  feed_text(length: number): void
  restart(): void
  digest(length: number): void
  look_up(length: number, now: number): number
  look_up_key(now: number): number
  peek(now: number): number
  store(payloadSize: number, external: number, kind: number, tokenCount: number, costMs: number, ttlMs: number, staleForMs: number, now: number): number
  seal_begin(): number
  seal_feed(length: number): void
  seal_end(): void
  admit_begin(length: number, total: number): number
  admit_feed(length: number): number
  admit(now: number): number
  invalidate(): number
  set_token(): void
  sweep(now: number, budget: number): number
}

/** The control plane: what bindings/control.cpp offers through embind. */
export interface CoreControl {
  create(options: { maxBytes: number; maxEntryBytes: number; key0: number; key1: number; key2: number; key3: number }): boolean
  stats(): CoreStats
  version(): number
}

/** What CoreControl.version() must say for this file to be its mirror. */
export const boundaryVersion = 1

export interface CoreStats {
  hitsFresh: number
  hitsStale: number
  hitsAdmitted: number
  missesAbsent: number
  missesExpired: number
  missesInvalidated: number
  refusedDamaged: number
  refusedExpired: number
  refusedInvalidated: number
  stored: number
  notStored: number
  notAdmitted: number
  evicted: number
  expired: number
  invalidated: number
  replaced: number
  savedMs: number
  entries: number
  bytes: number
}
