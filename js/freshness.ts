/**
 * How long a result is good, and for what:
 *
 *   made              fresh until                                        kept until
 *    ├───── fresh ─────┼── swr ───────┐                                       │
 *    │       refreshAt ▲              │                                       │
 *    │                 ├── staleIfError ──────────────────────────────────────┤
 *
 *   fresh          it answers
 *   swr            it answers, and is made anew behind the caller's back
 *   staleIfError   it answers only where making a new one fails, or takes longer than softTimeout
 *
 * The core is told how long an entry is fresh and how long it is kept; which of the two stale spans it is in is judged when it is
 * read, by the function that asks.
 */
import { checkNames, type Duration, parseDuration } from './units.js'
import { OptionError, show } from './errors.js'

export interface FreshnessOptions {
  /** How long a result is fresh. 0: it is not stored. Default `'forever'`. */
  ttl?: Duration
  /**
   * A result that nobody asked for during this time is over, even if `ttl` is not: sliding expiry, of memory. In storage a result
   * is kept for this time after it was written. Default `'forever'`.
   */
  idle?: Duration
  /** How long after `ttl` a result still answers while a new one is made in the background (stale-while-revalidate, RFC 5861). Default 0. */
  swr?: Duration
  /** How long after `ttl` a result may answer where the function fails (stale-if-error, RFC 5861). Default 0. */
  staleIfError?: Duration
  /** What share of `ttl` is left to chance, from 0 to 1: 0.1 makes results live for 90 to 100 % of it, so that those made at once do not end at once. Default 0. */
  jitter?: number
  /** From which share of `ttl` on (between 0 and 1, such as 0.9) a hit has the result made anew in the background, once. Default: none. */
  refreshAt?: number
  /**
   * The same by chance, the likelier the nearer the end is and the longer the function takes: `beta` of XFetch (Vattani, Chierichetti,
   * Lowenstein: "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015), 1 for a start. What `ctx.cost()` says counts as the milliseconds. Default: none.
   */
  earlyExpiry?: number
  /** Who has waited this long for the function gets a result within `staleIfError` instead, if there is one; the function goes on. Default: none. */
  softTimeout?: Duration
  /** A function that takes longer has failed, with DeadlineError; its `ctx.signal` aborts. Default: none. */
  timeout?: Duration
}

/** The same, read: milliseconds, Infinity for none. */
export interface Freshness {
  readonly ttlMs: number
  readonly idleMs: number
  readonly swrMs: number
  readonly staleIfErrorMs: number
  readonly jitter: number
  readonly refreshAt: number | undefined
  readonly earlyExpiry: number | undefined
  readonly softTimeoutMs: number
  readonly timeoutMs: number
}

export const freshnessNames = ['ttl', 'idle', 'swr', 'staleIfError', 'jitter', 'refreshAt', 'earlyExpiry', 'softTimeout', 'timeout'] as const

export const always: Freshness = {
  ttlMs: Infinity,
  idleMs: Infinity,
  swrMs: 0,
  staleIfErrorMs: 0,
  jitter: 0,
  refreshAt: undefined,
  earlyExpiry: undefined,
  softTimeoutMs: Infinity,
  timeoutMs: Infinity,
}

/** What is not given is as in `base`. Throws OptionError; `what` begins its message. */
export function parseFreshness(options: FreshnessOptions, base: Freshness, what = ''): Freshness {
  const duration = (name: 'ttl' | 'idle' | 'swr' | 'staleIfError' | 'softTimeout' | 'timeout', otherwise: number): number =>
    options[name] === undefined ? otherwise : parseDuration(what + name, options[name])
  const share = (name: 'jitter' | 'refreshAt' | 'earlyExpiry', least: number, most: number): number | undefined => {
    const value: unknown = options[name]
    if (value === undefined) return base[name]
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw new OptionError(what + name, `${show(value)} is out of range. Give a number from ${least} to ${most}.`)
  }
  const freshness: Freshness = {
    ttlMs: duration('ttl', base.ttlMs),
    idleMs: duration('idle', base.idleMs),
    swrMs: duration('swr', base.swrMs),
    staleIfErrorMs: duration('staleIfError', base.staleIfErrorMs),
    jitter: share('jitter', 0, 1)!,
    refreshAt: share('refreshAt', 0, 1),
    earlyExpiry: share('earlyExpiry', 0, 1000),
    softTimeoutMs: duration('softTimeout', base.softTimeoutMs),
    timeoutMs: duration('timeout', base.timeoutMs),
  }
  if (options.softTimeout !== undefined && freshness.softTimeoutMs < Infinity && freshness.staleIfErrorMs === 0) {
    throw new OptionError(`${what}softTimeout`, 'there is nothing to answer with when it is over. Give staleIfError, too: how old a result may be then.')
  }
  return freshness
}

/** Durations by name: `createCache({ profiles: { llm: { ttl: '30d', swr: '7d' } } })`, then `{ profile: 'llm' }`. */
export function parseProfiles(profiles: unknown, base: Freshness): ReadonlyMap<string, Freshness> {
  const parsed = new Map<string, Freshness>()
  if (profiles === undefined) return parsed
  if (typeof profiles !== 'object' || profiles === null) throw new OptionError('profiles', `${show(profiles)} is not an object of options by name.`)
  for (const [name, options] of Object.entries(profiles)) {
    checkNames(`profiles.${name}`, options as object, freshnessNames)
    parsed.set(name, parseFreshness(options as FreshnessOptions, base, `profiles.${name}.`))
  }
  return parsed
}

/** How long after its ttl an entry is kept at all. */
export function keptStaleMs({ swrMs, staleIfErrorMs }: Freshness): number {
  return Math.max(swrMs, staleIfErrorMs)
}

/** The ttl of one result. `chance` is at least 0 and below 1. */
export function jittered(ttlMs: number, jitter: number, chance: number): number {
  return jitter === 0 || ttlMs === Infinity ? ttlMs : ttlMs * (1 - jitter * chance)
}

/** Is it time to make a result anew that is still fresh? */
export function isEarly(freshness: Freshness, entry: { created: number; freshUntil: number; costMs: number }, now: number, random: () => number): boolean {
  const { refreshAt, earlyExpiry } = freshness
  const { created, freshUntil, costMs } = entry
  if (freshUntil === Infinity) return false
  if (refreshAt !== undefined && now >= created + refreshAt * (freshUntil - created)) return true
  return earlyExpiry !== undefined && now - costMs * earlyExpiry * Math.log(1 - random()) >= freshUntil
}
