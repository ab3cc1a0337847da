/**
 * Results on their way out of memory; and on their way in: out of storage, past the judge, into memory; or out of the function,
 * into memory and behind the caller's back into storage. Nothing here ever fails a call: what cannot be used or kept is an event.
 */
import { maxTokens, status, tokenSize, verdict } from './boundary.js'
import type { Admitted, Core, Facts, Key } from './core.js'
import { KeyError, ValueError } from './errors.js'
import type { HitFacts, MissReason, NotStoredReason, RefusalReason } from './events.js'
import { Failure } from './failure.js'
import type { Flight } from './flights.js'
import { deepFreeze } from './freeze.js'
import { jittered, keptStaleMs } from './freshness.js'
import type { Parts, StorageName } from './parts.js'
import type { Plan } from './plan.js'
import { kindOf, tokensOf } from './sealed.js'
import { compareBytes } from './shapes.js'
import type { Snapshot } from './tokens.js'
import { failed, flag, labelled, type Payload } from './value.js'

/** An entry that is not fresh, taken out of the cache: it may be evicted before it is needed. */
export interface Stale {
  readonly payload: Payload
  readonly facts: Facts
  readonly tier: HitFacts['tier']
  /** Those that it carries, where it came out of storage. */
  readonly tokens?: Uint8Array
}

/** The same out of storage. */
export interface Stored extends Stale {
  readonly fresh: boolean
  /** Fresh, or within `swr`. */
  readonly answers: boolean
  /** The pairs that it carries. */
  readonly tokens: Uint8Array
}

/** How a flight ended: the value, and the payload for copies of it. No payload: the value is for all. */
export interface Landing {
  readonly value: unknown
  readonly payload?: Payload | undefined
  readonly status: 'miss' | 'hit' | 'stale' | 'refreshed' | 'error-stale'
  /** Where the cache had it. */
  readonly facts?: HitFacts | undefined
  /** How long it is fresh, where it was computed. */
  readonly ttlMs?: number | undefined
  readonly error?: unknown
  /** What it is made of, where it is to be made anew. */
  readonly stale?: Stale
  /** Somebody has `value` itself already. */
  taken?: boolean
  /** There can be no copy of `value` (a stream, a Response): it is for who started the flight alone, and who joined has to run the function, too. */
  readonly alone?: boolean
}

/** A result that was computed just now. */
export interface Result {
  readonly core: Core
  readonly key: Key
  readonly name: StorageName | undefined
  readonly tokens: Snapshot
  readonly value: unknown
  readonly ttlMs: number
  readonly costMs: number
  /** It is what the function threw. */
  readonly failed?: boolean
  /** A user put it in: if it cannot be written, what it was to replace goes all the same. */
  readonly insists?: boolean
  /** The key, where it is a text that a user made. */
  readonly label: string | undefined
  /** The same as bytes, where it was encoded before. */
  readonly encoded?: Payload | Promise<Payload> | undefined
  /** Says why it is not to be kept after all. */
  readonly freight: { readonly doomed: NotStoredReason | undefined }
}

/** How a flight ends for who joined it, where its function was given other arguments than it was asked with: they ask anew. */
export const strayed: Landing = { value: undefined, status: 'miss' }

/** The core has counted a hit, which answered no call. */
export function disown(parts: Parts, { costMs }: Facts): void {
  parts.disowned++
  parts.disownedMs += costMs
}

/** What fromMemory says where there is no value. */
export const missed = Symbol('missed')

/**
 * The value that memory has for these arguments (a Failure, where that is the result), or `missed`. Either way their key is the core's current one and the
 * verdict is in parts.verdict, unless there is no core, or none any more. Throws KeyError.
 */
export function fromMemory(parts: Parts, plan: Plan, args: readonly unknown[], now: number): unknown {
  const core = parts.core!
  try {
    parts.verdict = core.lookUp(plan.prefix, args, now, plan.swrMs)
    return parts.verdict > verdict.stale ? missed : core.value(plan.freeze)
  } catch (error) {
    if (error instanceof KeyError) throw error
    parts.verdict = verdict.absent
    if (isTrap(error)) parts.trapped(error)
    else {
      disown(parts, core.facts())
      parts.damaged++
      core.invalidate(core.key()) // The value did not decode: as if it were not there.
      parts.emit?.({ type: 'refused', name: plan.name, reason: 'undecodable' }, parts.keyOf(core))
      core.digest(plan.prefix, args) // Whatever the listener did.
    }
    return missed
  }
}

/** What storage holds under the key, if it may answer; else, if it may where all else fails, what it is; what is damaged is deleted. What is just being made stale there counts only for who does that (`expires`). */
export async function fromStorage(parts: Parts, plan: Plan, key: Key, name: StorageName, outdated: () => unknown, expires = false): Promise<Stored | undefined> {
  const storage = parts.storage!
  const isOutdated = (): boolean => Boolean(outdated()) || (!expires && parts.flights.expires(key.id))
  const judge = (entry: Uint8Array | undefined): Promise<Stored | RefusalReason | undefined> => judged(parts, plan, key, name, entry, isOutdated)
  const entry = await storage.get(name.text)
  let found = await judge(entry)
  if (typeof found === 'string' && storage.copies) {
    // It may have been a copy: damaged by itself, or invalidated and the original made anew since.
    const original = await storage.original(name.text)
    if (original === undefined || compareBytes(entry!, original) !== 0) found = await judge(original)
  }
  if (typeof found !== 'string') return found
  // What is over or invalidated is to be replaced soon, and another may have done so by now: a deletion could take that.
  if (found !== 'expired' && found !== 'invalidated' && !isOutdated()) void storage.delete(name.text)
  return undefined
}

/** May these bytes of a storage answer? Undefined also where that cannot be told, or the answer would be too old by now. */
async function judged(parts: Parts, plan: Plan, key: Key, name: StorageName, entry: Uint8Array | undefined, isOutdated: () => boolean): Promise<Stored | RefusalReason | undefined> {
  // Before others can meet it in memory.
  const decodable = entry !== undefined && (await parts.decodable(kindOf(entry)))
  const { core } = parts
  if (!decodable || core === undefined || isOutdated()) return undefined
  let reason: RefusalReason
  try {
    const admit = (): Admitted => core.admit(key, name.bytes, entry, parts.now(), plan.group, plan.swrMs)
    let { status: said, payload, inMemory } = admit()
    if (said === status.unknownToken) {
      const heard = await parts.tokens.hearOf(tokensOf(entry))
      if (core !== parts.core || isOutdated()) return undefined
      ;({ status: said, payload, inMemory } = admit())
      if (said === status.unknownToken && !heard) return undefined
    }
    // The core takes what it has no room for as not kept; storage has it.
    if (inMemory === false) parts.unstored--
    if (payload !== undefined) return { payload, facts: core.facts(), tier: 'storage', fresh: said === status.ok, answers: said !== status.retained, tokens: tokensOf(entry) }
    reason = refusals[said] ?? 'bad-field'
  } catch (error) {
    if (isTrap(error)) {
      parts.trapped(error)
      return undefined
    }
    core.invalidate(key)
    reason = 'undecodable'
  }
  parts.emit?.({ type: 'refused', name: plan.name, reason }, { name: name.text })
  if (reason !== 'expired' && reason !== 'invalidated' && reason !== 'other-format') parts.damaged++
  return reason
}

/** What a flight that found this ends with, and the event that says so. Undefined where it does not decode, or is not valid. Rejects with what the function threw, where that is the result. */
export async function landingOf(parts: Parts, plan: Plan, key: Key, found: Stale, as: 'hit' | 'stale' | 'error-stale', error?: unknown): Promise<Landing | undefined> {
  const refused = (reason: RefusalReason): undefined => {
    parts.core?.invalidate(key)
    parts.emit?.({ type: 'refused', name: plan.name, reason }, key)
  }
  let value: unknown
  try {
    value = parts.decodePayload(found.payload)
  } catch {
    return refused('undecodable')
  }
  if (plan.validate !== undefined && !(value instanceof Failure) && !(await plan.validate(value))) return refused('invalid')
  const facts = hitFacts(plan, found.facts, found.tier, parts.now())
  reportHit(parts, key, facts, as === 'hit' ? undefined : as === 'stale' ? 'swr' : error === undefined ? 'timeout' : 'error')
  if (value instanceof Failure) throw value.error
  const landing = { value, payload: found.payload, status: as, facts, error, stale: found }
  return shared(parts, plan, key, landing, plan.freeze && found.tier === 'storage' && isIn(parts, key, found.facts))
}

/**
 * What a flight ends with. Where values are frozen, all get the one that memory has or, where it has another or none, one made of the
 * payload: never the function's own object, which is the function's to change.
 */
export function shared(parts: Parts, plan: Plan, key: Key, landing: Landing, inMemory: boolean): Landing {
  let { value } = landing
  const { payload } = landing
  if (!plan.freeze || payload === undefined) return landing
  try {
    const { core } = parts
    if (inMemory && core !== undefined && core.peek(key, parts.now()) === verdict.fresh) value = core.value(true)
    else deepFreeze((value = parts.decodePayload(payload)))
  } catch (error) {
    if (isTrap(error)) parts.trapped(error)
  }
  return { ...landing, value, payload: Object.isFrozen(value) ? undefined : payload }
}

/** Is it this entry that memory has, and not one that took its place? */
function isIn({ core, now }: Parts, key: Key, facts: Facts): boolean {
  return core !== undefined && core.peek(key, now()) === verdict.fresh && isEntry(core, facts)
}

/** Is it this entry that the core has found just now? */
export function isEntry(core: Core, { created, freshUntil, costMs, bytes }: Facts): boolean {
  const facts = core.facts()
  return facts.created === created && facts.freshUntil === freshUntil && facts.costMs === costMs && facts.bytes === bytes
}

/** What one of those on board takes. The first may have the value itself, the others get copies, unless it is frozen. */
export function take(parts: Parts, landing: Landing): unknown {
  const { value, payload } = landing
  if (payload === undefined) return value
  if (landing.taken === true) return parts.decodePayload(payload)
  landing.taken = true
  return value
}

export interface Kept {
  /** Absent where the value has none. */
  readonly payload?: Payload
  readonly inMemory: boolean
  /** It is in memory, or on its way to storage. */
  readonly anywhere?: boolean
  /** As of a Landing. */
  readonly alone?: boolean
}

/** Keeps a computed value, and says in an event if and where. A promise only where something has to be loaded to encode the value. */
export function keep(parts: Parts, plan: Plan, result: Result): Kept | Promise<Kept> {
  let payload: Payload | Promise<Payload>
  try {
    payload = result.encoded ?? parts.encodeValue(result.value, parts.maxEntryBytes)
  } catch (error) {
    return notEncoded(parts, plan, result, error)
  }
  return payload instanceof Promise ? payload.then(loaded => keepPayload(parts, plan, result, loaded), error => notEncoded(parts, plan, result, error)) : keepPayload(parts, plan, result, payload)
}

function notEncoded(parts: Parts, plan: Plan, { key }: Result, error: unknown): Kept {
  const isLarge = error instanceof ValueError && error.tooLarge === true
  notStored(parts, plan, key, isLarge ? 'too-large' : 'value', error)
  return { inMemory: false, alone: !isLarge }
}

function keepPayload(parts: Parts, plan: Plan, result: Result, payload: Payload): Kept {
  if (result.failed === true) payload = failed(payload)
  const { emit } = parts
  const { core } = result
  // What a user has set before close() is waited for.
  const present = parts.core ?? (result.insists === true ? parts.standby : undefined)
  const doomed = result.freight.doomed ?? (present === undefined ? (parts.out === 'closed' ? 'closed' : 'no-room') : undefined)
  if (doomed !== undefined || core !== present) {
    notStored(parts, plan, result.key, doomed ?? 'no-room')
    return { payload, inMemory: false }
  }
  let inMemory = false
  let anywhere = false
  try {
    const now = parts.now()
    const { costMs, tokens, name } = result
    const label = parts.labels ? result.label : undefined
    const ttlMs = jittered(result.ttlMs, plan.jitter, parts.random())
    const staleForMs = result.failed === true || ttlMs === 0 ? 0 : keptStaleMs(plan)
    const draft = { payload, label, tokens: tokens.pairs, costMs, ttlMs, staleForMs, idleMs: plan.idleMs, group: plan.group, insists: result.insists === true }
    parts.flights.overtake(result.key.id, result.freight)
    if (result.insists === true) parts.flights.supersede(result.key.id)
    const said = core.store(result.key, draft, now)
    const refused = notStoredReasons[said]
    inMemory = refused === undefined
    // What memory has no room for, or better uses for, storage may still hold.
    const isStorable = refused === undefined || refused === 'no-room' || refused === 'not-admitted' || (refused === 'too-large' && tokens.pairs.length <= maxTokens * tokenSize)
    let stores = name !== undefined && tokens.shared && isStorable
    if (stores) {
      const expiresAt = now + Math.min(ttlMs, plan.idleMs) + staleForMs
      stores = parts.storage!.set(name!.text, core.seal(name!.bytes, label === undefined ? payload : labelled(payload, label)), expiresAt < Infinity ? { expiresAt } : {}, result.insists)
    } else if (result.insists === true && name !== undefined && !tokens.shared) void parts.storage!.delete(name.text)
    anywhere = inMemory || stores
    // The core takes what it has not kept for lost.
    if (stores && !inMemory) parts.unstored--
    if (refused === undefined || stores) emit?.({ type: 'stored', name: plan.name, bytes: payload.bytes.length, memory: refused === undefined }, result.key)
    else emit?.({ type: 'not-stored', name: plan.name, reason: refused }, result.key)
    core.sweep(now, sweepBudget)
  } catch (error) {
    if (!isTrap(error)) throw error
    parts.trapped(error)
  }
  return { payload, inMemory, anywhere }
}

/** Says that a result went to its callers only. */
export function notStored(parts: Parts, plan: Plan, key: Key, reason: NotStoredReason, error?: unknown): void {
  parts.unstored++
  parts.emit?.(error === undefined ? { type: 'not-stored', name: plan.name, reason } : { type: 'not-stored', name: plan.name, reason, error }, key)
}

export function hitFacts(plan: Plan, facts: Facts, tier: HitFacts['tier'], now: number): HitFacts {
  const { created, freshUntil, costMs, bytes } = facts
  return { name: plan.name, tier, ageMs: Math.max(0, now - created), ttlMs: freshUntil - now, bytes, savedMs: costMs }
}

export function reportHit(parts: Parts, key: Key | undefined, facts: HitFacts, because?: 'swr' | 'error' | 'timeout'): void {
  parts.emit?.(because === undefined ? { type: 'hit', ...facts } : { type: 'stale', because, ...facts }, key)
}

/** A fault inside the core, which leaves its memory in no known state: of the one in WebAssembly, or of its twin (js/fallback). */
export function isTrap(error: unknown): boolean {
  return (typeof WebAssembly === 'object' && error instanceof WebAssembly.RuntimeError) || (error instanceof Error && error.name === 'CoreTrap')
}

/**
 * The value that may answer where making a new one failed, or takes long: the one of before, which is not fresh, or what was put in its place
 * meanwhile. Undefined where it was invalidated.
 */
export function standIn(parts: Parts, plan: Plan, key: Key, stale: Stale | undefined, flight: Pick<Flight<unknown>, 'doomed' | 'overtaken'>): Stale | undefined {
  const now = parts.now()
  const { core } = parts
  if (flight.doomed === 'invalidated' || plan.staleIfErrorMs === 0) return undefined
  // A user has set it, or another computation has begun that knows more.
  const passed = flight.overtaken || flight.doomed === 'superseded'
  let found = stale
  // A tag that only the entry knows may have been renewed since it was taken out.
  if (!passed && stale?.tokens !== undefined) found = parts.tokens.alive(stale.tokens) ? stale : undefined
  else if (passed || stale !== undefined) {
    const inMemory = core?.peek(key, now, Infinity) ?? verdict.absent
    if (passed) found = core && takenOut(core, inMemory)
    else if (!isThere(inMemory)) found = undefined
  }
  return found !== undefined && now < found.facts.freshUntil + plan.staleIfErrorMs ? found : undefined
}

/** There is an entry, whether it may answer every call or only stand in. */
function isThere(found: number): boolean {
  return found <= verdict.stale || found === verdict.retained
}

/** What memory has under the core's current key, whatever its freshness, taken out; unless it is an error. */
export function takenOut(core: Core, found: number): Stale | undefined {
  if (!isThere(found)) return undefined
  return unlessError({ payload: core.payload(), facts: core.facts(), tier: 'memory' })
}

/** What stands in for a new result, or is shown to the function, is a value: an error that was kept is nothing to go back to. */
export function unlessError<T extends Stale>(found: T | undefined): T | undefined {
  return found === undefined || (found.payload.kind & flag.failed) !== 0 ? undefined : found
}

/** How many slots each store looks at for entries whose time is over. */
const sweepBudget = 16

export const missReasons: Readonly<Record<number, MissReason>> = {
  [verdict.absent]: 'absent',
  [verdict.expired]: 'expired',
  [verdict.invalidated]: 'invalidated',
  [verdict.evicted]: 'evicted',
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
const notStoredReasons: Readonly<Record<number, NotStoredReason>> = {
  [status.invalidated]: 'invalidated',
  // There was none for its token.
  [status.unknownToken]: 'no-room',
  [status.tooLarge]: 'too-large',
  [status.noRoom]: 'no-room',
  [status.noLifetime]: 'no-lifetime',
  [status.notAdmitted]: 'not-admitted',
}
