/**
 * Time, as src/lifetime.h has it, which says what all of this means: milliseconds in 64 bits.
 *
 * BigInts here, as ends that are "for ever less the window" are no numbers of JavaScript, and go into storage. Hits compare two
 * numbers in their place (`freshSpan`).
 */

export interface Lifetime {
  created: bigint
  freshUntil: bigint
  staleUntil: bigint
  idleMs: bigint
  idleUntil: bigint
}

export const forever = 2n ** 63n - 1n
const longestWindow = 2n ** 54n
const mostSkewMs = 5n * 60n * 1000n

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** What JavaScript means by a time or a duration. */
export function millis(value: number): bigint {
  if (!(value > 0)) return 0n
  return value >= 9.2e18 ? forever : BigInt(Math.trunc(value))
}

export function after(now: bigint, duration: bigint): bigint {
  return duration <= 0n ? now : least(now + duration, forever)
}

export function lifetime(now: bigint, ttl: bigint, staleFor: bigint, idleMs: bigint): Lifetime {
  const freshUntil = least(after(now, ttl), forever - least(staleFor, longestWindow))
  return { created: now, freshUntil, staleUntil: after(freshUntil, staleFor), idleMs, idleUntil: after(now, idleMs) }
}

export const hasWindow = (life: Lifetime): boolean => life.staleUntil > life.freshUntil

export function freshness(life: Lifetime, now: bigint): 'fresh' | 'stale' | 'expired' {
  if (life.created > after(now, mostSkewMs)) return 'expired'
  if (life.idleUntil !== forever && life.idleUntil > after(after(now, life.idleMs), mostSkewMs)) return 'expired'
  if (now >= life.idleUntil) return 'expired'
  if (now < life.freshUntil) return 'fresh'
  return now < life.staleUntil ? 'stale' : 'expired'
}

/**
 * Where freshness() says `fresh` for certain: at from <= now < to, be `now` as JavaScript says it. It is the whole of that
 * time, but for a now below 0 or beyond 2^53.
 */
export function freshSpan({ created, freshUntil, idleMs, idleUntil }: Lifetime): { from: number; to: number } {
  const idleFrom = idleUntil === forever ? created : idleUntil - idleMs
  return { from: Math.max(0, Number((created > idleFrom ? created : idleFrom) - mostSkewMs)), to: Math.min(Number(least(freshUntil, idleUntil)), 2 ** 53) }
}
