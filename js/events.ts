/**
 * What happened, as data. Logs and metrics are readers of this one stream; nothing else tells them anything.
 * A listener that throws harms nobody: its error is dropped.
 */

export type MissReason = 'absent' | 'expired' | 'invalidated' | 'evicted' | 'forced'
export type RefusalReason =
  /** It was not sealed under the cache's secret, or not for this key. Whose it was is not known: `name` is null, and `key` says where it lay. */
  | 'bad-mac'
  | 'truncated' | 'not-an-entry' | 'other-format' | 'bad-seal' | 'other-key' | 'bad-field' | 'undecodable' | 'expired' | 'invalidated'
  /** `validate` said no, or threw. */
  | 'invalid'
  /** `migrate.to` threw. */
  | 'not-migrated'
export type NotStoredReason =
  | 'too-large' | 'no-room' | 'not-admitted' | 'no-lifetime' | 'invalidated' | 'value'
  /** `ctx.skip()`. */
  | 'skipped'
  /** `validate` said no, or threw. */
  | 'invalid'
  /** `expire()` while it was computed. */
  | 'expired'
  /** Nobody waited for it any more, it took longer than `timeout`, a newer computation has begun or a user has set the key, or the cache was closed. */
  | 'abandoned' | 'timeout' | 'superseded' | 'closed'
  /** The caller's objects changed between the call and the run of the function. */
  | 'arguments-changed'
export type StorageOperation = 'get' | 'set' | 'delete' | 'clear' | 'close' | 'keys' | 'lease' | 'publish' | 'subscribe'

/** Of which call it is. */
export interface CallFacts {
  /** Of the function; null for keys that users make. */
  name: string | null
  /** With `eventKeys`: the call's name in storage, 64 hexadecimal digits, as `withInfo` says it. */
  key?: string
}

/** Of an answer that the cache had. */
export interface HitFacts extends CallFacts {
  tier: 'memory' | 'storage'
  /** Since it was made. */
  ageMs: number
  /** How long it is fresh yet; below 0 where it is stale. */
  ttlMs: number
  bytes: number
  /** What making it had cost: the time it took, unless `ctx.cost()` said otherwise. */
  savedMs: number
}

export type CacheEvent =
  /** A stored value answered a call. */
  | ({ type: 'hit' } & HitFacts)
  /** The same, by a value that is not fresh any more: it is being made anew (`swr`), or that failed, or takes too long. */
  | ({ type: 'stale'; because: 'swr' | 'error' | 'timeout' } & HitFacts)
  /** Memory had no answer; storage is asked next, if there is one. */
  | (CallFacts & { type: 'miss'; reason: MissReason })
  /** Another call for the same key was already on its way; this one waits for it. */
  | (CallFacts & { type: 'joined' })
  /** The function ran and returned (`ok`) or threw. `background`: no caller waited for it at first; where that fails, here is the error. */
  | (CallFacts & { type: 'computed'; ms: number; ok: boolean; background: boolean; error?: unknown })
  /** The value is kept: in memory, and on its way to storage if there is one. */
  | (CallFacts & { type: 'stored'; bytes: number; memory: boolean })
  /** The value went to its caller but was not kept. */
  | (CallFacts & { type: 'not-stored'; reason: NotStoredReason; error?: unknown })
  /** An entry was not used; a damaged one is deleted. */
  | (CallFacts & { type: 'refused'; reason: RefusalReason })
  /** The cache cannot answer or is not to: the function ran as if it were not wrapped. */
  | { type: 'bypass'; name: string | null; why: 'no-core' | 'disabled' | 'closed' }
  | { type: 'invalidated' | 'expired'; what: string; key?: string }
  /** A storage failed, or took too long; the call went on without it. When the cache is closed, also: it could never be told what was deleted. */
  | { type: 'storage-error'; operation: StorageOperation; error: unknown }
  /** A storage that is silent, or refuses everything, is left alone (`open`); now and then one probe is made (`half-open`), until one is answered (`closed`). */
  | { type: 'storage'; state: 'closed' | 'open' | 'half-open' }
  /** An entry did not go to storage: that is left alone just now (`open`), or too many are on their way already (`full`). */
  | { type: 'not-written'; reason: 'open' | 'full' }
  /** WebAssembly is refused here, as by a page's policy, or missing; the cache works on a core in JavaScript in its place: the same entries, slower (see `why`). Sent once. */
  | { type: 'fallback'; why: string; error: unknown }
  /** The cache cannot work (see `why`); calls run their functions as if there were no cache. Sent once. */
  | { type: 'uncached'; why: string; error: unknown }

export type EventListener = (event: CacheEvent) => void

/** Sends an event; `of` is what it is of. */
export type Emit = (event: CacheEvent, of?: Named) => void

/** Something that has a name in storage. */
export interface Named {
  name?: string | Promise<string | undefined> | undefined
}

/**
 * Gives each event the name of what it is of. Where digests take their time the event waits for that, and those behind it wait too: they are told in their order.
 */
export function named(listener: EventListener, background: (work: Promise<unknown>) => void): Emit {
  let last: Promise<void> | undefined
  return (event, of) => {
    const tell = (key: string | undefined): void => listener(key === undefined ? event : ({ ...event, key } as CacheEvent))
    const name = of?.name
    if (last === undefined && !(name instanceof Promise)) return tell(name)
    const told: Promise<void> = Promise.all([name, last]).then(([key]) => {
      if (last === told) last = undefined
      tell(key)
    })
    last = told
    background(told)
  }
}

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
