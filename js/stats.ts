/** What a cache has counted: its own counters and those of its cores, lost ones among them. */
import type { CoreStats } from './core.js'
import type { Parts, Totals } from './parts.js'
import type { StorageState } from './storage/breaker.js'

export interface CacheStats {
  /** Calls that were answered, get() and has() among them: always hits + misses + bypasses. (A call whose arguments cannot be a key is none.) */
  calls: number
  /** Calls that a stored value answered, from memory or from storage: fresh, or within `swr`. */
  hits: number
  /** Calls that had to compute or to wait for a computation; whatever it brought, a result, an error, or a stale value in place of one. */
  misses: number
  /** Entries that calls found damaged, in memory or in storage, and dropped: bumped once for each. Those calls are misses, unless it was a copy and the original is whole; why the others are is in `core` (`missesAbsent`, `missesExpired` …). */
  damaged: number
  /** Calls that ran their function, or found nothing, because the cache could not work, or was not to. */
  bypasses: number
  /** Misses that waited for a computation which another call had started. */
  joined: number
  /** Results that went to their callers but were not kept, for the reasons that `not-stored` events give. */
  notStored: number
  /** What hits saved: milliseconds of computing, or the unit of `ctx.cost()`. */
  savedMs: number
  /** Operations of the storage that failed, or took longer than `storageDeadline`. */
  storageErrors: number
  /** `open`: the storage is left alone, as it was silent or refused everything; `half-open`: just now one probe is on its way. Undefined without a storage. */
  storageState: StorageState | undefined
  /** Entries that did not go to storage as it was left alone, or had too many on their way. */
  notWritten: number
  /** Entries and tokens out of storage that were not sealed under the `secret`, or not for their key. None was used. */
  badMacs: number
  /** Entries in memory now, and the bytes they take with their keys. `core.memory` is what the whole cache takes: never above `maxBytes`. */
  entries: number
  bytes: number
  /** The counters of the core, one by one; src/stats.h says when each is bumped. */
  core: CoreStats | undefined
}

export function statsOf(parts: Parts): CacheStats {
  const core = (parts.core ?? parts.standby)?.stats()
  const { hits, misses, notStored, savedMs } = totals(parts.before, core)
  const { disowned, disownedMs, damaged, forced, bypasses } = parts
  return {
    calls: hits + misses + forced + bypasses,
    hits: hits - disowned,
    misses: misses + disowned + forced,
    damaged,
    bypasses,
    joined: parts.joined,
    notStored: parts.unstored + notStored,
    savedMs: Math.max(0, savedMs - disownedMs),
    storageErrors: parts.storage?.errors ?? 0,
    storageState: parts.storage?.state,
    notWritten: parts.storage?.notWritten ?? 0,
    badMacs: parts.trust?.badMacs ?? 0,
    entries: core?.entries ?? 0,
    bytes: core?.bytes ?? 0,
    core,
  }
}

/** What all cores have counted: those that were lost, and this one. */
export function totals(before: Totals, core: CoreStats | undefined): Totals {
  if (core === undefined) return before
  const admitted = core.hitsAdmitted
  return {
    hits: before.hits + core.hitsFresh + core.hitsStale + admitted,
    misses: before.misses + core.missesAbsent + core.missesEvicted + core.missesExpired + core.missesInvalidated - admitted,
    notStored: before.notStored + core.notStored,
    savedMs: before.savedMs + core.savedMs,
  }
}
