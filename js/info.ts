/** Where an answer came from, and why: the `info` of withInfo(). */
import type { Note } from './call.js'
import type { MissReason } from './events.js'

export type CallStatus =
  /** Out of the cache, fresh. */
  | 'hit'
  /** Out of the cache, not fresh any more; a new one is being made. */
  | 'stale'
  /** The function ran. */
  | 'miss'
  /** Another call had it run; this one waited for that. */
  | 'joined'
  /** The function ran although there was, or might have been, an answer (`forceFresh`, or a refresh that this call joined). */
  | 'refreshed'
  /** The function failed, or was too slow, and an answer that is not fresh any more stood in. */
  | 'error-stale'
  /** The cache could not, or was not to, do anything: the function ran. */
  | 'bypass'

export interface CallInfo {
  readonly status: CallStatus
  /** Where the answer was; undefined where it was computed. */
  readonly tier: 'memory' | 'storage' | undefined
  /** Milliseconds since the answer was made. */
  readonly ageMs: number
  /** Milliseconds that it is fresh yet: below 0 where it is not, Infinity where it is for ever. Undefined where nothing was kept. */
  readonly ttlMs: number | undefined
  /** The call's name in storage: 64 hexadecimal digits. Undefined where no digest can be had. */
  readonly key: string | undefined
  /** Why memory had no answer; undefined where it had one. */
  readonly reason: MissReason | undefined
  /** What this call took, in milliseconds. */
  readonly ms: number
  /** What making the answer had cost, and did not cost again: milliseconds, or the unit of `ctx.cost()`. */
  readonly savedMs: number
  /** What the function threw, where a stale answer stood in. */
  readonly error: unknown
}

export function infoOf(note: Note, key: string | undefined, ms: number): CallInfo {
  const { landing, joined, reason } = note
  const facts = landing !== undefined && 'facts' in landing ? landing.facts : undefined
  const computed = landing !== undefined && 'ttlMs' in landing ? landing.ttlMs : undefined
  const status = landing?.status ?? 'bypass'
  return {
    status: joined === true && status !== 'error-stale' ? 'joined' : status,
    tier: facts?.tier,
    ageMs: facts?.ageMs ?? 0,
    ttlMs: facts?.ttlMs ?? computed,
    key,
    reason,
    ms,
    savedMs: facts?.savedMs ?? 0,
    error: landing !== undefined && 'error' in landing ? landing.error : undefined,
  }
}

/**
 * The value of a `Cache-Status` header (RFC 9211) that says the same: `reprise; hit; ttl=1200; key="3f…"`. `cache` is what the
 * header calls this cache: letters, digits, `-`, `_`, `.`; default `reprise`.
 */
export function toCacheStatus(info: CallInfo, cache = 'reprise'): string {
  if (!/^[A-Za-z*][\w.-]*$/.test(cache)) throw new TypeError(`toCacheStatus: ${JSON.stringify(cache)} cannot name a cache in a header. Give a letter, then letters, digits, '-', '_' or '.'.`)
  const { status, reason, ttlMs, key } = info
  const parts: string[] = [cache]
  if (status === 'hit' || status === 'stale' || (status === 'error-stale' && info.tier !== undefined)) parts.push('hit')
  else parts.push(`fwd=${status === 'bypass' ? 'bypass' : reason === 'forced' ? 'request' : reason === 'expired' || reason === 'invalidated' ? 'stale' : 'uri-miss'}`)
  if (status === 'joined') parts.push('collapsed')
  if (ttlMs !== undefined && Number.isFinite(ttlMs)) parts.push(`ttl=${Math.floor(ttlMs / 1000)}`)
  if (key !== undefined) parts.push(`key="${key}"`)
  if (status === 'stale' || status === 'error-stale' || status === 'refreshed') parts.push(`detail=${status}`)
  return parts.join('; ')
}
