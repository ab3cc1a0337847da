/**
 * Goes through all that the storage holds, verifies it as a call would, and removes what no call will ever be answered by. Nothing is let into memory.
 * What is written or deleted while it goes on may be seen as it was before or after.
 */
import { inventory, type Item, mustList, type Refuses, tokenIn } from './inventory.js'
import type { Parts } from './parts.js'

export interface CheckOptions {
  /** Removes what is damaged, expired or invalidated; `false` only counts it. Default `true`. */
  repair?: boolean
  /** Ends the check; the promise rejects with the signal's reason. What was removed by then is gone. */
  signal?: AbortSignal
  /** Told now and then, and at the end. */
  onProgress?: (report: CheckReport) => void
}

/** Counts of what lies in storage, of all scopes. */
export interface CheckReport {
  /** Entries, in whatever state, except foreign ones. */
  entries: number
  /** What they take, without what the storage adds. */
  bytes: number
  /** Tokens of tags that can be read. */
  tokens: number
  /** Entries and tokens that do not verify: torn, rotten, forged, or under a name that is not theirs. */
  damaged: number
  /** Entries whose time is over, that for standing in too. */
  expired: number
  /** Entries of which a tag was invalidated, or has no token any more. */
  invalidated: number
  /** What is not this cache's to judge: other names, another secret, another version. Left alone. */
  foreign: number
  /** What was removed of the damaged, expired and invalidated. */
  removed: number
}

/** How many tokens are remembered. */
const mostTokens = 10_000

/** Rejects with `Refused` (an OptionError) where it cannot begin. */
export async function check(parts: Parts, options: CheckOptions, Refused: Refuses): Promise<CheckReport> {
  mustList('check', parts, options, ['repair', 'signal', 'onProgress'], Refused)
  const { repair = true, signal, onProgress } = options
  if (typeof repair !== 'boolean') throw new Refused('repair', 'is neither true nor false.')
  const storage = parts.storage!
  const report: CheckReport = { entries: 0, bytes: 0, tokens: 0, damaged: 0, expired: 0, invalidated: 0, foreign: 0, removed: 0 }
  const tell = (): void => onProgress?.({ ...report })
  const tokens = new Map<string, Promise<Uint8Array | undefined>>()
  const readToken = async (place: string): Promise<Uint8Array | undefined> => {
    const [whole, soft] = await Promise.all([place, parts.tokens.softPlaceOf(place)].map(place => storage.look(place, () => {}).then(tokenIn)))
    // With the last bytes of when it was last made to expire, if that was since it was last drawn.
    return whole !== undefined && soft !== undefined && isSame(whole, 0, soft, 0, hardBytes) ? soft : whole
  }
  const tokenAt = (place: string, anew: boolean): Promise<Uint8Array | undefined> => {
    const known = anew ? undefined : tokens.get(place)
    if (known !== undefined) return known
    if (tokens.size >= mostTokens) tokens.clear()
    const token = readToken(place)
    tokens.set(place, token)
    return token
  }
  const isAlive = async (entry: Uint8Array, anew = false): Promise<boolean> => {
    const pairs = parts.tokensOf(entry)
    // An entry that cannot be stale is dead where it would be.
    const counts = isSame(entry, freshUntil, entry, staleUntil, 8) ? 8 : hardBytes
    for (let at = 0; at < pairs.length; at += 16) {
      const token = await tokenAt(hex(pairs.subarray(at, at + 8)), anew)
      if (token === undefined || !isSame(pairs, at + 8, token, 0, counts)) return false
    }
    return true
  }
  const remove = async ({ name }: Item): Promise<void> => {
    if (repair && (await storage.delete(name))) report.removed++
  }

  for await (const item of inventory(parts, { signal, pausing: tell })) {
    const { state, isToken, size, bytes } = item
    if (state === 'foreign') {
      report.foreign++
      continue
    }
    if (isToken && state === 'whole') report.tokens++
    if (!isToken) {
      report.entries++
      report.bytes += size
    }
    if (state !== 'whole') {
      report[state]++
      await remove(item)
    } else if (!isToken && !(await isAlive(bytes!)) && !(await isAlive(bytes!, true))) {
      // (Twice, as it may be newer than what was known of its tokens.)
      report.invalidated++
      await remove(item)
    }
  }
  tell()
  return report
}

const freshUntil = 48
const staleUntil = 56
/** Of a token: those that are drawn anew to invalidate. The others are for what is stale from then on. */
const hardBytes = 5

function isSame(a: Uint8Array, at: number, b: Uint8Array, bAt: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[at + i] !== b[bAt + i]) return false
  return true
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
