/**
 * THE FLOW: one call from top to bottom.
 *
 *   memory has it            that, and nothing else happens: one crossing, no storage, no timer
 *   … but not fresh          that, and it is made anew behind the caller's back
 *   someone is computing it  wait for that, and get a copy
 *   storage has it           verified and admitted to memory, then that
 *   otherwise                run the function, keep the result, and return it before it is written
 *
 * Nothing here knows a store, a codec or a runtime; they are handed in (parts.ts). A listener to events may call the cache itself: so
 * whatever is the core's current key is used before an event is sent.
 */
import { verdict } from './boundary.js'
import { Context } from './context.js'
import type { Core, Facts, Key } from './core.js'
import type { HitFacts, MissReason } from './events.js'
import { Failure } from './failure.js'
import { abandoned, checkReentrance, flightOf, impatient, waiting } from './flights.js'
import { isEarly } from './freshness.js'
import { type Job, launch } from './journey.js'
import type { Parts } from './parts.js'
import type { Plan } from './plan.js'
import { disown, fromMemory, hitFacts, isEntry, type Landing, missed, missReasons, reportHit, strayed, take, takenOut } from './results.js'
import { signalIn } from './signals.js'

/** How one caller waits, and what is to be written down for them. */
export interface How {
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number
  readonly forceFresh: boolean
  readonly note?: Note
}

/** What is written down about an answer. */
export interface Note {
  landing?: Landing | { readonly status: 'hit' | 'stale' | 'bypass'; readonly facts?: HitFacts }
  joined?: boolean
  reason?: MissReason
}

/** Answers a call of the function that `job` runs, out of the cache if it can. `args`: what counts of its arguments. */
export function call(parts: Parts, plan: Plan, args: readonly unknown[], job: Job, how?: How): Promise<unknown> {
  const now = parts.now()
  const asking = upToDate(parts, now)
  if (asking === undefined) return answer(parts, plan, args, job, how, now)
  const began = parts.stopwatch()
  const deadlineMs = how?.deadlineMs ?? Infinity
  return impatient(asking, plan.name, signalIn(job.args, how?.signal), deadlineMs, parts.after, () => parts.forced++).then(() =>
    answer(parts, plan, args, job, how && { ...how, deadlineMs: Math.max(0, deadlineMs - (parts.stopwatch() - began)) }, now),
  )
}

/** What to wait for before memory may answer: whether others have invalidated something. Undefined, which is usual: nothing; it was asked lately, or is being asked meanwhile. */
export function upToDate(parts: Parts, now: number): Promise<void> | undefined {
  const due = parts.tokens.due(now)
  if (due === 'no') return undefined
  const asking = parts.tokens.catchUp()
  if (due === 'now') return asking
  parts.background(asking)
  return undefined
}

function answer(parts: Parts, plan: Plan, args: readonly unknown[], job: Job, how: How | undefined, now: number): Promise<unknown> {
  const { core } = parts
  if (core === undefined) return bypass(parts, plan, job, how)
  try {
    const value = how?.forceFresh === true ? unasked(parts, plan, core, args, now) : fromMemory(parts, plan, args, now)
    if (parts.core === undefined) return bypass(parts, plan, job, how)
    if (value === missed) return descend(parts, plan, core, args, job, how)
    const found = plan.validate && !(value instanceof Failure) ? { value, key: parts.keyOf(core), facts: core.facts() } : undefined
    const plain = parts.verdict === verdict.fresh && !plan.early && parts.emit === undefined && how?.note === undefined
    const report = plain ? undefined : reporter(parts, plan, core, args, job, how, now)
    if (found !== undefined) return validated(parts, plan, core, found, args, job, how, report)
    report?.()
    return value instanceof Failure ? Promise.reject(value.error) : Promise.resolve(value)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Memory has no answer: someone has to make one. */
function descend(parts: Parts, plan: Plan, core: Core, args: readonly unknown[], job: Job, how: How | undefined): Promise<unknown> {
  const key = parts.keyOf(core)
  const forced = how?.forceFresh === true
  const reason = forced ? 'forced' : missReasons[parts.verdict]!
  const signal = signalIn(job.args, how?.signal)
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  const around = parts.ambient.getStore() ?? flightOf(signal)
  // What has its answer waits for nobody. (A timer that its function has set is still called within it.)
  const within = around?.landed === true ? undefined : around
  const aloft = parts.flights.get(key.id)
  const joined = aloft !== undefined && (!forced || aloft.departure.forced)
  checkReentrance(within, key.id, plan.name, joined ? aloft : undefined)
  const flight = joined ? aloft : launch({ parts, plan, core, key, identity: args, job, stale: takenOut(core, parts.verdict) }, { forced, background: false, within })
  if (joined) parts.joined++
  parts.emit?.({ type: 'miss', name: plan.name, reason }, key)
  if (joined) parts.emit?.({ type: 'joined', name: plan.name }, key)
  const note = how?.note
  const board = (): Promise<unknown> => flight.board(takes, signal, how?.deadlineMs ?? Infinity, parts.after)
  const takes = (landing: Landing): unknown => {
    if (landing === strayed) return joined ? answer(parts, plan, args, job, how, parts.now()) : board()
    if (note !== undefined) Object.assign(note, { landing, joined, reason })
    if (joined && landing.alone === true) return run(job, plan, signal, how?.deadlineMs ?? Infinity, parts)
    return take(parts, landing)
  }
  return within === undefined ? board() : waiting(within, flight, board())
}

/** A hit beyond the plain: it may have to be made anew, and someone may want to know of it. Returns what tells them. */
function reporter(parts: Parts, plan: Plan, core: Core, args: readonly unknown[], job: Job, how: How | undefined, now: number): () => void {
  const facts = core.facts()
  let key = parts.emit && parts.keyOf(core)
  const stale = parts.verdict === verdict.stale
  if (stale || (plan.early && isEarly(plan, facts, now, parts.random))) {
    key ??= core.key()
    const older = takenOut(core, parts.verdict)
    if (parts.flights.get(key.id) === undefined) launch({ parts, plan, core, key, identity: args, job, stale: older }, { forced: false, background: true, within: undefined })
  }
  const found = hitFacts(plan, facts, 'memory', now)
  if (how?.note !== undefined) how.note.landing = { status: stale ? 'stale' : 'hit', facts: found }
  return () => reportHit(parts, key, found, stale ? 'swr' : undefined)
}

/** Nothing old is wanted: the key is made, and nothing looked up. Should the function fail, what is there may answer. */
function unasked(parts: Parts, plan: Plan, core: Core, args: readonly unknown[], now: number): typeof missed {
  core.digest(plan.prefix, args)
  parts.verdict = plan.staleIfErrorMs > 0 ? core.peek(core.key(), now, plan.staleIfErrorMs) : verdict.absent
  parts.forced++
  return missed
}

/** A hit of a function with `validate`: what it refuses is dropped and made anew. */
async function validated(parts: Parts, plan: Plan, core: Core, { value, key, facts }: { value: unknown; key: Key; facts: Facts }, args: readonly unknown[], job: Job, how: How | undefined, report: (() => void) | undefined): Promise<unknown> {
  if (await plan.validate!(value)) {
    report?.()
    return value
  }
  parts.emit?.({ type: 'refused', name: plan.name, reason: 'invalid' }, key)
  if (parts.core !== core) {
    parts.bypasses-- // It is counted as a hit.
    return bypass(parts, plan, job, how)
  }
  disown(parts, facts)
  // Meanwhile another may have taken its place.
  if (core.peek(key, parts.now(), plan.swrMs) <= verdict.stale && !isEntry(core, facts)) return answer(parts, plan, args, job, how, parts.now())
  core.invalidate(key)
  core.digest(plan.prefix, args)
  parts.verdict = verdict.absent
  return descend(parts, plan, core, args, job, how)
}

/** Without a core there is no cache: the function runs as if it were not wrapped, for this caller alone. */
async function bypass(parts: Parts, plan: Plan, job: Job, how: How | undefined): Promise<unknown> {
  parts.bypasses++
  parts.emit?.({ type: 'bypass', name: plan.name, why: parts.out })
  if (how?.note !== undefined) how.note.landing = { status: 'bypass' }
  return run(job, plan, signalIn(job.args, how?.signal), how?.deadlineMs ?? Infinity, parts)
}

async function run(job: Job, plan: Plan, signal: AbortSignal | undefined, deadlineMs: number, { after }: Parts): Promise<unknown> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const result = (async () => job.run(new Context({ signal: controller.signal, moreTags: [] }, undefined, values => job.tagsOf(values))))()
  return impatient(result, plan.name, signal, deadlineMs, after, () => controller.abort(abandoned()))
}
