/** What can be done with one key besides calling: find its place, look without a trace, forget it, let it grow stale. */
import { verdict } from './boundary.js'
import { upToDate } from './call.js'
import type { Core, Key } from './core.js'
import { Failure } from './failure.js'
import type { Doomable } from './flights.js'
import { headerOf } from './header.js'
import type { Parts } from './parts.js'
import { labelOfKey, type Plan } from './plan.js'
import { disown, fromStorage, isTrap, type Stored } from './results.js'

/** What failed is done again with another core, where it was the core that failed; else it rejects as it did. */
export async function surviving<T>(parts: Parts, error: unknown, verb: () => Promise<T>): Promise<T> {
  if (!isTrap(error)) throw error
  parts.trapped(error)
  await parts.ready()
  return verb()
}

/** What the entry of these arguments is called in storage, whether there is one or not. */
export async function nameOf(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<string | undefined> {
  const keyed = keyOf(parts, plan, args)
  return keyed && (await parts.storageName(keyed.canonical ?? keyed.core.canonicalBytesOf(plan.prefix, args)))?.text
}

/** The key of these arguments, by the core that is there, whether it answers calls or stands by. Throws KeyError. */
function keyOf(parts: Parts, plan: Plan, args: readonly unknown[]): { core: Core; key: Key; canonical: Uint8Array | undefined } | undefined {
  const core = parts.core ?? parts.standby
  if (core === undefined) return undefined
  core.digest(plan.prefix, args)
  return { core, key: parts.keyOf(core), canonical: parts.storage && core.canonicalBytes() }
}

/** The fresh value of these arguments, of memory or of storage. Nothing is counted. */
export function peek(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<unknown> {
  const now = (): Promise<unknown> => peekNow(parts, plan, args)
  return now().catch(error => surviving(parts, error, now))
}

async function peekNow(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<unknown> {
  await upToDate(parts, parts.now())
  const { core } = parts
  if (core === undefined) return undefined
  core.digest(plan.prefix, args)
  const key = core.key()
  if (core.peek(key, parts.now()) === verdict.fresh) return unlessFailure(decoded(() => core.value(plan.freeze)))
  const found = parts.storage && (await lookedUp(parts, plan, key, args, core.canonicalBytes()))
  if (found?.answers === true) disown(parts, found.facts)
  return found?.fresh === true ? unlessFailure(decoded(() => parts.decodePayload(found.payload))) : undefined

  /** What does not decode is as if it were not there. */
  function decoded(decode: () => unknown): unknown {
    try {
      return decode()
    } catch (error) {
      if (isTrap(error)) throw error
      parts.core?.invalidate(key)
      return undefined
    }
  }
}

/** What storage has under a key, if that is neither forgotten nor set meanwhile. `expires`: to make it stale. */
export function lookedUp(parts: Parts, plan: Plan, key: Key, args: readonly unknown[], canonical: Uint8Array, expires = false): Promise<Stored | undefined> {
  const look: Doomable = { id: key.id, departure: { tags: plan.tags, label: labelOfKey(plan, args) }, moreTags: [], doomed: undefined, looks: true }
  return parts.flights.carry(look, async () => {
    const name = await parts.storageName(canonical)
    await parts.tokens.snapshot(plan.tags)
    return name && fromStorage(parts, plan, key, name, () => look.doomed, expires)
  })
}

/** Throws what the function threw, where that is the result. */
export function unlessFailure(value: unknown): unknown {
  if (value instanceof Failure) throw value.error
  return value
}

/** Forgets the entry, in memory at once, then in storage; a computation that is running is not kept. */
export function forget(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<void> {
  const now = (): Promise<void> => forgetNow(parts, plan, args)
  return now().catch(error => surviving(parts, error, now))
}

async function forgetNow(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<void> {
  const keyed = keyOf(parts, plan, args)
  if (keyed === undefined) return
  const { core, key, canonical } = keyed
  core.invalidate(key)
  parts.flights.doom(key.id)
  if (canonical !== undefined) await parts.flights.outlasting({}, forgetStored(parts, plan, canonical))
  parts.emit?.({ type: 'invalidated', what: plan.name === null ? 'a key' : `a key of ${plan.name}` }, key)
}

async function forgetStored(parts: Parts, plan: Plan, canonical: Uint8Array): Promise<void> {
  const name = await parts.storageName(canonical)
  if (name === undefined) return
  await parts.storage!.delete(name.text)
  parts.news?.keyChanged(plan.prefix, canonical)
}

/** The entry is stale from now on, in memory at once, then in storage, if it may be stale at all; else it is forgotten. */
export function expire(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<void> {
  const now = (): Promise<void> => expireNow(parts, plan, args)
  return now().catch(error => surviving(parts, error, now))
}

async function expireNow(parts: Parts, plan: Plan, args: readonly unknown[]): Promise<void> {
  const keyed = keyOf(parts, plan, args)
  if (keyed === undefined) return
  const { core, key, canonical } = keyed
  const isStale = core.expire(key, parts.now())
  parts.flights.doom(key.id, 'expired')
  if (canonical !== undefined) {
    const expiry: Doomable = { id: key.id, departure: { tags: [], label: undefined }, moreTags: [], doomed: undefined, looks: true, expires: true }
    await parts.flights.carry(expiry, () => expireStored(parts, plan, core, key, args, canonical, isStale, expiry))
    parts.news?.keyChanged(plan.prefix, canonical)
  }
  parts.emit?.({ type: 'expired', what: plan.name === null ? 'a key' : `a key of ${plan.name}` }, key)
}

/** What storage has under the key is stale, once this is done. What is sealed there cannot be changed in place: so what only storage has (`isStale`: memory has it) is fetched first. */
async function expireStored(parts: Parts, plan: Plan, core: Core, key: Key, args: readonly unknown[], canonical: Uint8Array, isStale: boolean, expiry: Doomable): Promise<void> {
  const { storage } = parts
  const name = await parts.storageName(canonical)
  if (name === undefined) return
  if (!isStale) {
    const found = await lookedUp(parts, plan, key, args, canonical, true)
    if (found?.answers === true) disown(parts, found.facts)
    // What was kept since this began is not meant.
    if (expiry.doomed !== undefined) return
    isStale = found !== undefined && core.expire(key, parts.now())
  }
  const entry = isStale ? core.resealed(key, name.bytes) : undefined
  // What cannot be made stale there is to be forgotten there.
  const staleUntil = entry && headerOf(entry)?.staleUntil
  const hint = staleUntil !== undefined && staleUntil < 8.64e15 ? { expiresAt: staleUntil } : {}
  if (entry === undefined || !(await storage!.put(name.text, entry, hint))) await storage!.delete(name.text)
}
