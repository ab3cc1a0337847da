/**
 * Results on their way out of memory; and on their way in: out of storage, past the judge, into memory; or out of the function,
 * into memory and behind the caller's back into storage. Nothing here ever fails a call: what cannot be used or kept is an event.
 */
import { status, verdict } from './boundary.js'
import type { Core, Key } from './core.js'
import { KeyError, ValueError } from './errors.js'
import type { CacheEvent, EventListener, MissReason, RefusalReason } from './events.js'
import type { Flights } from './flights.js'
import { deepFreeze } from './freeze.js'
import type { StorageGuard } from './storage/guard.js'
import type { Snapshot, Tag, Tokens } from './tokens.js'
import type { Payload } from './value.js'

/** What every call of one function has in common. */
export interface Plan {
  readonly name: string | null
  /** The bytes of a key before its arguments. */
  readonly prefix: Uint8Array
  readonly ttlMs: number
  /** The number of the function among those of its cache; of keys that users make, 0. */
  readonly group: number
  readonly tags: readonly Tag[]
  /** Hits share one frozen value. */
  readonly freeze: boolean
  /** What counts of a call's arguments. Absent: all of them. */
  readonly identify?: ((this: unknown, args: readonly unknown[]) => readonly unknown[]) | undefined
}

/** What an entry is called in storage: 32 bytes, and the same in hexadecimal. */
export interface StorageName {
  readonly bytes: Uint8Array
  readonly text: string
}

/** The end of a flight: the value for the one who started it, the payload for copies. No payload: the value is for all. */
export interface Landing {
  readonly value: unknown
  readonly payload?: Payload | undefined
}

/** What cores count, over all of them. */
export interface Totals {
  readonly hits: number
  readonly misses: number
  readonly notStored: number
  readonly savedMs: number
}

/** Everything that a call is given to work with. */
export interface Parts {
  /** Undefined while the core cannot work: every call runs its function. */
  core: Core | undefined
  /** What cores before this one have counted. */
  before: Totals
  bypasses: number
  joined: number
  /** Results that could not be encoded; the core counts what it refuses itself. */
  unstorable: number
  readonly flights: Flights<Landing>
  readonly tokens: Tokens
  readonly storage: StorageGuard | undefined
  readonly emit: EventListener | undefined
  readonly maxEntryBytes: number
  /** Milliseconds since 1970 UTC. */
  now(): number
  /** Milliseconds from some fixed point; never goes back. */
  stopwatch(): number
  /** Undefined where the digest cannot be had: then storage is not asked. */
  storageName(canonical: Uint8Array): Promise<StorageName | undefined>
  encodeValue(value: unknown, maxBytes: number): Payload
  decodeValue(payload: Payload): unknown
  /** A trap in the core: it is dropped, and built anew. */
  trapped(error: unknown): void
}

/** A result that was computed just now. */
export interface Result {
  readonly key: Key
  readonly name: StorageName | undefined
  readonly tokens: Snapshot
  readonly value: unknown
  readonly costMs: number
  /** Its key was invalidated meanwhile. */
  doomed(): boolean
}

/** What fromMemory says where there is no value. */
export const missed = Symbol('missed')

/**
 * The value that memory has for these arguments, or `missed`: then their key is the core's current one, unless there is no
 * core, or none any more. Throws KeyError.
 */
export function fromMemory(parts: Parts, plan: Plan, args: readonly unknown[]): unknown {
  const { core, emit } = parts
  if (core === undefined) return missed
  try {
    const found = core.lookUp(plan.prefix, args, parts.now())
    if (found === verdict.fresh) {
      const value = core.value(plan.freeze)
      if (emit !== undefined) reportHit(parts, plan, core, 'memory')
      return value
    }
    emit?.({ type: 'miss', name: plan.name, reason: missReasons[found]! })
  } catch (error) {
    if (error instanceof KeyError) throw error
    if (isTrap(error)) parts.trapped(error)
    else {
      core.invalidate(core.key()) // The value did not decode: as if it were not there.
      emit?.({ type: 'refused', name: plan.name, reason: 'undecodable' })
    }
  }
  return missed
}

/** What storage holds under the key, if it may answer the call; what is damaged or dead is deleted. */
export async function fromStorage(parts: Parts, plan: Plan, key: Key, name: StorageName): Promise<Landing | undefined> {
  const entry = await parts.storage!.get(name.text)
  const { core } = parts
  if (entry === undefined || core === undefined) return undefined
  let reason: RefusalReason
  try {
    const { status: said, payload } = core.admit(key, name.bytes, entry, parts.now(), plan.group)
    if (payload !== undefined) {
      const value = parts.decodeValue(payload)
      if (parts.emit !== undefined) reportHit(parts, plan, core, 'storage')
      return landing(parts, plan, key, value, payload)
    }
    reason = refusals[said] ?? 'bad-field'
  } catch (error) {
    if (isTrap(error)) {
      parts.trapped(error)
      return undefined
    }
    core.invalidate(key)
    reason = 'undecodable'
  }
  parts.emit?.({ type: 'refused', name: plan.name, reason })
  void parts.storage!.delete(name.text)
  return undefined
}

/**
 * What a flight ends with. Where values are frozen, all get the one that memory has or, where it has none, one made of the
 * payload: never the function's own object, which is the function's to change.
 */
export function landing(parts: Parts, plan: Plan, key: Key, value: unknown, payload: Payload | undefined): Landing {
  if (!plan.freeze || payload === undefined) return { value, payload }
  try {
    const { core } = parts
    if (core !== undefined && core.peek(key, parts.now()) === verdict.fresh) value = core.value(true)
    else deepFreeze((value = parts.decodeValue(payload)))
  } catch (error) {
    if (isTrap(error)) parts.trapped(error)
  }
  return Object.isFrozen(value) ? { value } : { value, payload }
}

/** Keeps a computed value, and says in an event if and where. Returns its payload, unless it has none. */
export function keep(parts: Parts, plan: Plan, result: Result): Payload | undefined {
  const { core, emit } = parts
  const notStored = (reason: NotStored['reason'], error?: unknown): void => {
    emit?.({ type: 'not-stored', name: plan.name, reason, ...(error === undefined ? {} : { error }) })
  }
  let payload: Payload
  try {
    payload = parts.encodeValue(result.value, parts.maxEntryBytes)
  } catch (error) {
    parts.unstorable++
    notStored(error instanceof ValueError && error.tooLarge ? 'too-large' : 'value', error)
    return undefined
  }
  if (core === undefined) return payload
  if (result.doomed()) {
    notStored('invalidated')
    return payload
  }
  try {
    const now = parts.now()
    const { costMs, tokens, name } = result
    const said = core.store(result.key, { payload, tokens: tokens.pairs, costMs, ttlMs: plan.ttlMs, staleForMs: 0, group: plan.group }, now)
    const refused = notStoredReasons[said]
    // What memory has no room for, or better uses for, storage may still hold.
    const stores = name !== undefined && tokens.shared && (refused === undefined || refused === 'no-room' || refused === 'not-admitted')
    if (stores) {
      const expiresAt = now + plan.ttlMs
      parts.storage!.set(name.text, core.seal(name.bytes, payload), expiresAt < Infinity ? { expiresAt } : {})
    }
    if (refused === undefined || stores) emit?.({ type: 'stored', name: plan.name, bytes: payload.bytes.length, memory: refused === undefined })
    else notStored(refused)
    core.sweep(now, sweepBudget)
  } catch (error) {
    if (!isTrap(error)) throw error
    parts.trapped(error)
  }
  return payload
}

function reportHit(parts: Parts, plan: Plan, core: Core, tier: 'memory' | 'storage'): void {
  const { created, costMs, bytes } = core.facts()
  parts.emit?.({ type: 'hit', name: plan.name, tier, ageMs: Math.max(0, parts.now() - created), bytes, savedMs: costMs })
}

/** A fault inside the core, which leaves its memory in no known state. */
export function isTrap(error: unknown): boolean {
  return typeof WebAssembly === 'object' && error instanceof WebAssembly.RuntimeError
}

type NotStored = Extract<CacheEvent, { type: 'not-stored' }>

/** How many slots each store looks at for entries whose time is over. */
const sweepBudget = 16

const missReasons: Readonly<Record<number, MissReason>> = {
  [verdict.absent]: 'absent',
  [verdict.expired]: 'expired',
  [verdict.invalidated]: 'invalidated',
  [verdict.evicted]: 'absent',
  [verdict.retained]: 'expired',
}

/** Why an entry was refused. A tag whose token is not known here counts as invalidated. */
const refusals: Readonly<Record<number, RefusalReason>> = {
  [status.truncated]: 'truncated',
  [status.notAnEntry]: 'not-an-entry',
  [status.otherFormat]: 'other-format',
  [status.badSeal]: 'bad-seal',
  [status.otherKey]: 'other-key',
  [status.expired]: 'expired',
  [status.invalidated]: 'invalidated',
  [status.unknownToken]: 'invalidated',
  [status.badField]: 'bad-field',
}

/** Why a value was not kept in memory. */
const notStoredReasons: Readonly<Record<number, NotStored['reason']>> = {
  [status.invalidated]: 'invalidated',
  [status.unknownToken]: 'invalidated',
  [status.tooLarge]: 'too-large',
  [status.noRoom]: 'no-room',
  [status.noLifetime]: 'no-lifetime',
  [status.notAdmitted]: 'not-admitted',
}
