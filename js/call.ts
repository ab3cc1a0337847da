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
import type { Flight } from './flights.js'
import { fromMemory, fromStorage, keep, landing, type Landing, missed, type Parts, type Plan } from './results.js'

/** Answers a call of the function that `compute` runs, out of the cache if it can. */
export function call(parts: Parts, plan: Plan, args: readonly unknown[], compute: () => unknown): Promise<unknown> {
  try {
    const value = fromMemory(parts, plan, args)
    if (value !== missed) return Promise.resolve(value)
  } catch (error) {
    return Promise.reject(error)
  }
  const { core, flights } = parts
  if (core === undefined) return bypass(parts, plan, compute)
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
