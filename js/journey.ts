/**
 * A flight from departure to landing: what storage has, what an older version left, what the function returns; and where that
 * fails or takes too long, what is stale.
 */
import { verdict } from './boundary.js'
import { Context } from './context.js'
import type { Core, Key } from './core.js'
import { DeadlineError, show } from './errors.js'
import { Failure } from './failure.js'
import type { Departure, Flight } from './flights.js'
import type { Parts, StorageName } from './parts.js'
import { labelOfKey, type Plan } from './plan.js'
import { disown, fromStorage, hitFacts, keep, type Landing, landingOf, notStored, shared, type Stale, standIn, type Stored, strayed, takenOut, unlessError } from './results.js'
import { type Snapshot, type Tag, united } from './tokens.js'
import type { Turn } from './turn.js'

/** What a call wants to have computed. */
export interface Job {
  run(context: Context): unknown
  /** The arguments of the call, whatever of them is the key. */
  readonly args: readonly unknown[]
  /** What counts of the arguments as they are now, where that is not all of them. */
  identity?(): readonly unknown[]
  /** The tags of these texts, in the scope of the call. */
  tagsOf(values: unknown): Tag[]
}

export interface Itinerary {
  readonly parts: Parts
  readonly plan: Plan
  readonly core: Core
  readonly key: Key
  /** What the key was made of, where storage is to be asked. */
  readonly canonical: Uint8Array | undefined
  /** What counts of the arguments. */
  readonly identity: readonly unknown[]
  readonly job: Job
  /** What memory has that is not fresh. */
  readonly stale: Stale | undefined
  /** Where results of older versions would be. */
  readonly older: readonly { readonly version: string | number; readonly key: Key; readonly canonical: Uint8Array }[]
}

/** Starts a flight for the core's current key. Throws what the function of its tags throws. */
export function launch(itinerary: Omit<Itinerary, 'canonical' | 'older'>, how: Pick<Departure, 'forced' | 'background' | 'within'>): Flight<Landing> {
  const { parts, plan, core, identity, job } = itinerary
  const canonical = parts.storage && core.canonicalBytes()
  const older = canonical === undefined || plan.migrate === undefined ? [] : plan.migrate.from.map(({ version, prefix }) => {
    core.digest(prefix, identity)
    return { version, key: core.key(), canonical: core.canonicalBytes() }
  })
  // Functions of the user's may call the cache: from here on, the core's current key may be another.
  const tags = plan.tagsOf === undefined ? plan.tags : [...plan.tags, ...plan.tagsOf(job.args)]
  const label = labelOfKey(plan, identity)
  const { key, stale } = itinerary
  const { forced, background, within } = how
  // Written out: to spread them costs each miss a microsecond.
  return depart({ parts, plan, core, key, canonical, identity, job, stale, older }, { name: plan.name, tags, label, keepAlive: plan.keepAlive, forced, background, within })
}

function depart(itinerary: Itinerary, departure: Departure): Flight<Landing> {
  const { parts, plan, key } = itinerary
  const flight = parts.flights.start(key.id, departure)
  const outlasts = departure.background || departure.keepAlive || plan.softTimeoutMs < Infinity
  if (outlasts) parts.background(parts.flights.outlasting(flight, fly(itinerary, flight)))
  else void fly(itinerary, flight)
  return flight
}

async function fly(itinerary: Itinerary, flight: Flight<Landing>): Promise<void> {
  const { parts } = itinerary
  let landing: Landing | undefined
  try {
    landing = await journey(itinerary, flight)
    parts.flights.end(flight)
    flight.land(landing)
  } catch (error) {
    parts.flights.end(flight)
    flight.fail(error)
  }
  // What storage had was stale: it has answered, and is made anew.
  if (landing?.status === 'stale' && parts.core !== undefined && parts.flights.get(flight.id) === undefined) {
    depart({ ...itinerary, stale: landing.stale }, { ...flight.departure, background: true, within: undefined })
  }
}

async function journey(itinerary: Itinerary, flight: Flight<Landing>): Promise<Landing> {
  const { parts, plan, key, canonical } = itinerary
  const { tags, forced, background } = flight.departure
  const name = canonical && (await parts.storageName(canonical))
  // The tokens of before: what is invalidated while the function runs is not kept.
  const tokens = await parts.tokens.snapshot(tags)
  let { stale } = itinerary
  const look = async (): Promise<Landing | undefined> => {
    const found = await fromStorage(parts, plan, key, name!, () => flight.doomed ?? flight.overtaken)
    if (found === undefined) return undefined
    // In the background only another's newer result will do.
    const use = background ? found.fresh && found.facts.created > (stale?.facts.created ?? Infinity) : found.answers
    const landing = use ? await landingOf(parts, plan, key, found, found.fresh ? 'hit' : 'stale') : undefined
    if (found.answers && (background || landing === undefined)) disown(parts, found.facts)
    if (!use) stale ??= unlessError(found)
    return landing
  }
  if (name === undefined || forced) return computed(itinerary, flight, name, tokens, stale)
  const there = (await look()) ?? (itinerary.older.length > 0 && !background ? await migrated(itinerary, flight, name, tokens) : undefined)
  if (there !== undefined) return there
  if (!parts.storage!.leases || parts.leaseMs === 0 || plan.ttlMs === 0) return computed(itinerary, flight, name, tokens, stale)
  const calm = patience(itinerary, flight, () => stale)
  turns ??= import('./turn.js')
  const { found, turn } = await turns.then(({ turnOf }) => turnOf(parts, flight, name, look)).finally(calm)
  if (turn === undefined) return found ?? computed(itinerary, flight, name, tokens, stale)
  // What is doomed, or whose callers have gone, keeps nobody from computing anew.
  if (flight.doomed !== undefined || parts.core === undefined) turn.end()
  flight.outOfUse = () => turn.end()
  try {
    return await computed(itinerary, flight, name, await parts.tokens.snapshot(tags), stale, turn)
  } finally {
    turn.end()
  }
}

let turns: Promise<typeof import('./turn.js')> | undefined
const undoomed = { doomed: undefined }

/** Whoever is on board when the function is too slow takes what stands in; who comes later waits until the next time. Returns what ends that. */
function patience({ parts, plan, key }: Itinerary, flight: Flight<Landing>, stale: () => Stale | undefined): () => void {
  let cancel: (() => void) | undefined
  const stand = (): Stale | undefined => standIn(parts, plan, key, stale(), flight)
  const wait = (): void => {
    cancel = plan.softTimeoutMs === Infinity || stand() === undefined ? undefined : parts.after(plan.softTimeoutMs, () => {
      wait()
      const old = flight.boarded ? stand() : undefined
      if (old !== undefined) void landingOf(parts, plan, key, old, 'error-stale').then(landing => landing && !flight.landed && flight.letOff(landing))
    })
  }
  wait()
  return () => cancel?.()
}

/** Runs the function and measures it: what a result took to make is what a later hit saves. */
async function computed(itinerary: Itinerary, flight: Flight<Landing>, name: StorageName | undefined, tokens: Snapshot, stale: Stale | undefined, turn?: Turn): Promise<Landing> {
  const { parts, plan, core, key, job } = itinerary
  const { background, forced, label } = flight.departure
  const context = new Context(flight, stale && (() => parts.decodePayload(stale.payload)), values => {
    const tags = job.tagsOf(values)
    // One of them was renewed while the function ran: later callers are not to wait for this.
    if (parts.tokens.changedSince(tokens, tags)) parts.flights.turnAway(flight, 'invalidated')
    // What another process renews from now on is to be seen.
    else if (parts.storage !== undefined) void parts.tokens.snapshot(tags)
    return tags
  })
  const kept = async (value: unknown, costMs: number, failed = false): Promise<Landing> => {
    const ttlMs = failed ? plan.cacheErrors!.ttlMs : (context.ttlMs ?? plan.ttlMs)
    // With all its members from the start, as they are added later for a price.
    const landing = (payload: Landing['payload'], isKept = false, alone = false): Landing => ({ value, payload, status: background || forced ? 'refreshed' : 'miss', ttlMs: isKept ? ttlMs : undefined, taken: false, alone })
    if (context.skipped || (!failed && plan.validate !== undefined && !(await plan.validate(value)))) {
      notStored(parts, plan, key, context.skipped ? 'skipped' : 'invalid')
      const payload = await copyable(parts, value)
      return landing(payload, false, payload === undefined)
    }
    const all = flight.moreTags.length === 0 ? tokens : await parts.tokens.extended(tokens, flight.moreTags)
    if (all === undefined) flight.doomed ??= 'invalidated'
    const { inMemory, payload, anywhere, alone } = await keep(parts, plan, {
      core, key, name: turn?.lost === true ? undefined : name, value, ttlMs, label, failed, tokens: all ?? tokens, costMs: context.costGiven ?? costMs,
      // That it took too long is what is kept.
      freight: failed && flight.doomed === 'timeout' ? undoomed : flight,
    })
    return shared(parts, plan, key, landing(payload, anywhere, alone), inMemory)
  }

  if (flight.aborted !== undefined) throw flight.aborted.reason
  if (!unchanged(itinerary)) {
    parts.flights.turnAway(flight, 'arguments-changed')
    flight.sendAway(strayed)
  }
  const started = parts.stopwatch()
  const calm = patience(itinerary, flight, () => stale)
  let ok = false
  try {
    const value = await inTime(itinerary, flight, context, kept)
    ok = true
    calm()
    report()
    return await kept(value, parts.stopwatch() - started)
  } catch (error) {
    if (ok) throw error
    report(error)
    if (background && !flight.boarded && standIn(parts, plan, key, stale, flight) !== undefined) {
      parts.flights.end(flight) // Nobody is to be answered, and it stays what it is.
      throw error
    }
    const found = stale ?? (forced && name !== undefined && plan.staleIfErrorMs > 0 ? await fromStorage(parts, plan, key, name, () => flight.doomed ?? flight.overtaken) : undefined)
    if (found !== stale && (found as Stored).answers) disown(parts, found!.facts)
    const old = standIn(parts, plan, key, unlessError(found), flight)
    const landing = old && (await landingOf(parts, plan, key, old, 'error-stale', error))
    if (landing !== undefined) return landing
    if (plan.cacheErrors?.when(error) === true && !answers()) await kept(error, parts.stopwatch() - started, true)
    throw error
  } finally {
    calm()
  }

  /** There is a result that answers calls: no error takes its place. */
  function answers(): boolean {
    const { core } = parts
    const found = core?.peek(key, parts.now(), plan.swrMs)
    return found !== undefined && found <= verdict.stale && takenOut(core!, found) !== undefined
  }

  function report(error?: unknown): void {
    parts.emit?.({ type: 'computed', name: plan.name, ms: parts.stopwatch() - started, ok, background, ...(ok ? {} : { error }) }, key)
  }
}

/** What the function returns, or DeadlineError if that takes longer than `timeout`. */
function inTime({ parts, plan, job }: Itinerary, flight: Flight<Landing>, context: Context, kept: (value: unknown, costMs: number) => Promise<unknown>): Promise<unknown> {
  const started = parts.stopwatch()
  const result = parts.ambient.run(flight, async () => job.run(context))
  if (plan.timeoutMs === Infinity) return result
  return new Promise((resolve, reject) => {
    const cancel = parts.after(plan.timeoutMs, () => {
      const error = new DeadlineError(`${show(plan.name ?? 'load')} took longer than its timeout of ${plan.timeoutMs} ms.`)
      if (plan.keepAlive) parts.background(parts.flights.carry(flight, () => result.then(value => kept(value, parts.stopwatch() - started))).catch(() => {}))
      else flight.abort('timeout', error)
      reject(error)
    })
    result.then(resolve, reject).finally(cancel)
  })
}

/**
 * Are the arguments still what the key was made of? Their owner may have changed them since, and the function is run only now: what it
 * returns would be the answer to another question.
 */
function unchanged({ parts, plan, core, key, identity, job }: Itinerary): boolean {
  if (parts.core !== core) return true // Nothing is kept anyway.
  try {
    core.digest(plan.prefix, job.identity?.() ?? identity)
    return core.key().id === key.id
  } catch {
    return false
  }
}

/** The result of an older version, as this version would have it; kept for the rest of its time. */
async function migrated(itinerary: Itinerary, flight: Flight<Landing>, name: StorageName, tokens: Snapshot): Promise<Landing | undefined> {
  const { parts, plan, core, key, older } = itinerary
  for (const { version, key: oldKey, canonical } of older) {
    const oldName = await parts.storageName(canonical)
    const found = oldName && (await fromStorage(parts, plan, oldKey, oldName, () => flight.doomed))
    if (found === undefined) continue
    if (found.answers) disown(parts, found.facts)
    if (!found.fresh) continue
    try {
      const old = parts.decodePayload(found.payload)
      if (old instanceof Failure) continue
      const value = await plan.migrate!.to(old, version)
      if (plan.validate !== undefined && !(await plan.validate(value))) throw new Error('the migrated value is not valid.')
      const ttlMs = found.facts.freshUntil - parts.now()
      const all = { ...tokens, pairs: united(tokens.pairs, found.tokens) }
      const { payload, inMemory } = await keep(parts, plan, { core, key, name, tokens: all, value, ttlMs, costMs: found.facts.costMs, label: undefined, freight: flight })
      return shared(parts, plan, key, { value, payload, status: 'hit', facts: hitFacts(plan, found.facts, 'storage', parts.now()) }, inMemory)
    } catch {
      parts.emit?.({ type: 'refused', name: plan.name, reason: 'not-migrated' }, key)
    }
  }
  return undefined
}

/** Of a value that is not kept, so that those who wait get copies all the same. */
async function copyable(parts: Parts, value: unknown): Promise<Landing['payload']> {
  try {
    return await parts.encodeValue(value, parts.maxEntryBytes)
  } catch {
    return undefined
  }
}
