/**
 * THE FLOW: one call from top to bottom.
 *
 *   memory has it            that, and nothing else happens: one crossing, no storage, no timer
 *   someone is computing it  wait for that, and get a copy
 *   storage has it           verified and admitted to memory, then that
 *   otherwise                run the function, keep the result, and return it before it is written
 *
 * Nothing here knows a store, a codec or a runtime; they are handed in (results.ts holds the parts).
 */
import { verdict } from './boundary.js'
import { KeyError } from './errors.js'
import type { MissReason } from './events.js'
import type { Flight } from './flights.js'
import { fromStorage, isTrap, keep, landing, type Landing, type Parts, type Plan, reportHit } from './results.js'

/** Answers a call of the function that `compute` runs, out of the cache if it can. */
export function call(parts: Parts, plan: Plan, args: readonly unknown[], compute: () => unknown): Promise<unknown> {
  const { core, emit, flights } = parts
  if (core === undefined) return bypass(parts, plan, compute)
  try {
    const found = core.lookUp(plan.prefix, args, parts.now())
    if (found === verdict.fresh) {
      const value = core.value(plan.freeze)
      if (emit !== undefined) reportHit(parts, plan, core, 'memory')
      return Promise.resolve(value)
    }
    emit?.({ type: 'miss', name: plan.name, reason: missReasons[found]! })
  } catch (error) {
    if (error instanceof KeyError) return Promise.reject(error)
    if (isTrap(error)) {
      parts.trapped(error)
      return bypass(parts, plan, compute)
    }
    core.invalidate(core.key()) // The value did not decode: as if it were not there.
    emit?.({ type: 'refused', name: plan.name, reason: 'undecodable' })
  }
  const key = core.key()
  const aloft = flights.get(key.id)
  if (aloft !== undefined) return join(parts, plan, aloft)

  const compose = async (flight: Flight<Landing>): Promise<Landing> => {
    const name = parts.storage && (await parts.storageName(core.canonicalBytes()))
    // The tokens of before: what is invalidated while the function runs is not kept.
    const tokens = await parts.tokens.snapshot(plan.tags)
    const stored = name && (await fromStorage(parts, plan, key, name))
    if (stored !== undefined) return stored
    const { value, costMs } = await run(parts, plan, compute)
    return landing(parts, plan, key, value, keep(parts, plan, { key, name, tokens, value, costMs, doomed: () => flight.doomed }))
  }
  return flights.start(key.id, plan.tags, compose).landing.then(({ value }) => value)
}

/** Runs the function and measures it: what a result took to make is what a later hit saves. */
async function run(parts: Parts, plan: Plan, compute: () => unknown): Promise<{ value: unknown; costMs: number }> {
  const started = parts.stopwatch()
  let ok = false
  try {
    const value = await compute()
    ok = true
    return { value, costMs: parts.stopwatch() - started }
  } finally {
    parts.emit?.({ type: 'computed', name: plan.name, ms: parts.stopwatch() - started, ok })
  }
}

/** Each of those who wait gets a copy of its own, unless there is a frozen value for all. */
async function join(parts: Parts, plan: Plan, flight: Flight<Landing>): Promise<unknown> {
  parts.joined++
  parts.emit?.({ type: 'joined', name: plan.name })
  const { value, payload } = await flight.landing
  return payload === undefined ? value : parts.decodeValue(payload)
}

/** Without a core there is no cache: the function runs as if it were not wrapped. */
async function bypass(parts: Parts, plan: Plan, compute: () => unknown): Promise<unknown> {
  parts.bypasses++
  return (await run(parts, plan, compute)).value
}

const missReasons: Readonly<Record<number, MissReason>> = {
  [verdict.absent]: 'absent',
  [verdict.expired]: 'expired',
  [verdict.invalidated]: 'invalidated',
}
