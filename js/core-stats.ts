/** What a core counts: the names of the numbers that CoreControl.stats() leaves. (Not in boundary.ts, of which nothing is left in a bundle: so the twin shares no file with the rest.) */

export interface CoreStats {
  hitsFresh: number
  hitsStale: number
  hitsAdmitted: number
  missesAbsent: number
  missesEvicted: number
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
  /** What the entries take, with their keys. */
  bytes: number
  /** What they take beside their payloads: keys, records, index, tokens, policy. */
  metadata: number
  /** What the instance takes: all of its WebAssembly memory. */
  memory: number
}

/** The order in which CoreControl.stats() leaves them. */
export const statNames = [
  'hitsFresh', 'hitsStale', 'hitsAdmitted', 'missesAbsent', 'missesEvicted', 'missesExpired', 'missesInvalidated', 'refusedDamaged', 'refusedExpired',
  'refusedInvalidated', 'stored', 'notStored', 'notAdmitted', 'evicted', 'expired', 'invalidated', 'replaced', 'savedMs', 'entries', 'bytes', 'metadata', 'memory',
] as const satisfies readonly (keyof CoreStats)[]
