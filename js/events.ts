/**
 * What happened, as data. Logs and metrics are readers of this one stream; nothing else tells them anything.
 * A listener that throws harms nobody: its error is dropped.
 */

export type MissReason = 'absent' | 'expired' | 'invalidated'
export type RefusalReason = 'truncated' | 'not-an-entry' | 'other-format' | 'bad-seal' | 'other-key' | 'bad-field' | 'undecodable' | 'expired' | 'invalidated'
export type StorageOperation = 'get' | 'set' | 'delete' | 'clear' | 'close'

export type CacheEvent =
  /** A stored value answered a call; `savedMs` is what making it had cost. */
  | { type: 'hit' | 'stale'; name: string | null; tier: 'memory' | 'storage'; ageMs: number; bytes: number; savedMs: number }
  /** Memory had no answer; storage is asked next, if there is one. */
  | { type: 'miss'; name: string | null; reason: MissReason }
  /** Another call for the same key was already on its way; this one waits for it. */
  | { type: 'joined'; name: string | null }
  /** The function ran and returned (`ok`) or threw. */
  | { type: 'computed'; name: string | null; ms: number; ok: boolean }
  /** The value is kept: in memory, and on its way to storage if there is one. */
  | { type: 'stored'; name: string | null; bytes: number; memory: boolean }
  /** The value went to its caller but was not kept. */
  | { type: 'not-stored'; name: string | null; reason: 'too-large' | 'no-room' | 'not-admitted' | 'no-lifetime' | 'invalidated' | 'value'; error?: unknown }
  /** An entry from storage was not used; a damaged one is deleted. */
  | { type: 'refused'; name: string | null; reason: RefusalReason }
  | { type: 'invalidated'; what: string }
  /** A storage failed; the call went on without it. */
  | { type: 'storage-error'; operation: StorageOperation; error: unknown }
  /** The cache cannot work (see `why`); calls run their functions as if there were no cache. Sent once. */
  | { type: 'uncached'; why: string; error: unknown }

export type EventListener = (event: CacheEvent) => void

/** A listener that cannot break the call it listens to. */
export function safely(listener: EventListener | undefined): EventListener | undefined {
  if (listener === undefined) return undefined
  return event => {
    try {
      listener(event)
    } catch {
      // The listener's own fault; the cache has nobody to tell.
    }
  }
}
