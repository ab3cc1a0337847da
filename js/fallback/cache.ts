/**
 * The judge: the twin of src/cache.h, verb by verb, which says what each of them does. Verdicts, statuses, times and counters are
 * the same. What differs is where entries lie: each payload is an object of JavaScript, in the garbage collector's sight, and what an
 * entry takes beside it is estimated, not measured.
 */
import { noSlot, status, verdict } from '../boundary.js'
import type { CoreStats } from '../core-stats.js'
import type { Header } from './entry.js'
import { Eviction, type Resident } from './eviction.js'
import { after, forever, freshness, freshSpan, hasWindow, type Lifetime, millis } from './lifetime.js'
import { idOf, Table } from './table.js'
import { bytesPerTag, type Judgement, Tokens, type TokenSet } from './tokens.js'

/** A value on its way in. */
export interface Draft extends Header {
  insists: boolean
}

export interface Entry extends Resident {
  readonly id: string
  readonly kind: number
  readonly payload: Uint8Array
  readonly tokens: TokenSet | undefined
  life: Lifetime
  /** Where its life is fresh for certain. */
  freshFrom: number
  freshTo: number
}

/** What an entry takes beside its payload, about: the object, its times, the array of bytes and the Map's share (500 bytes in V8 of Node 20). */
const besidePayload = 600

const labelled = 4

/** Which keys were evicted lately: the twin of src/evicted.h. */
class Evicted {
  private readonly marks = new Uint16Array(4096)

  note(id: string): void {
    this.marks[place(id)] = mark(id)
  }
  forget(id: string): void {
    if (this.remembers(id)) this.marks[place(id)] = 0
  }
  remembers(id: string): boolean {
    return this.marks[place(id)] === mark(id)
  }
}

const place = (id: string): number => id.charCodeAt(0) % 4096
const mark = (id: string): number => id.charCodeAt(4) || 1

export class Cache {
  readonly tokens = new Tokens()
  private readonly table = new Table<Entry>()
  private readonly evicted = new Evicted()
  private readonly eviction: Eviction
  /** Of all entries, payloads and what is beside them. */
  private entryBytes = 0
  private sweepAt = 0
  /** When something was stored last. */
  private now = 0n
  private readonly counters: Record<Exclude<keyof CoreStats, 'entries' | 'bytes' | 'metadata' | 'memory'>, number> = {
    hitsFresh: 0,
    hitsStale: 0,
    hitsAdmitted: 0,
    missesAbsent: 0,
    missesEvicted: 0,
    missesExpired: 0,
    missesInvalidated: 0,
    refusedDamaged: 0,
    refusedExpired: 0,
    refusedInvalidated: 0,
    stored: 0,
    notStored: 0,
    notAdmitted: 0,
    evicted: 0,
    expired: 0,
    invalidated: 0,
    replaced: 0,
    savedMs: 0,
  }

  constructor(
    private readonly maxBytes: number,
    private readonly maxEntryBytes: number,
    seed: number,
  ) {
    this.eviction = new Eviction(seed)
  }

  /** What lookUp or peek found last. */
  slot: number = noSlot

  lookUp(key: Uint32Array, now: number, staleForMs: number): number {
    const { counters } = this
    const id = idOf(key)
    const slot = this.table.find(id)
    if (slot === undefined) {
      this.slot = noSlot
      const wasEvicted = this.evicted.remembers(id)
      counters[wasEvicted ? 'missesEvicted' : 'missesAbsent']++
      return wasEvicted ? verdict.evicted : verdict.absent
    }
    const entry = this.at(slot)
    const said = this.judgeEntry(entry, now, staleForMs)
    this.slot = slot
    if (said === verdict.fresh || said === verdict.stale) {
      counters[said === verdict.fresh ? 'hitsFresh' : 'hitsStale']++
      counters.savedMs += entry.costMs
      if (entry.life.idleUntil !== forever) live(entry, { ...entry.life, idleUntil: after(millis(now), entry.life.idleMs) })
      this.eviction.used(entry)
      return said
    }
    counters[said === verdict.invalidated ? 'missesInvalidated' : 'missesExpired']++
    if (said === verdict.retained) return said
    counters[said === verdict.invalidated ? 'invalidated' : 'expired']++
    this.remove(slot)
    return said
  }

  peek(key: Uint32Array, now: number, staleForMs: number): number {
    const id = idOf(key)
    const slot = this.table.find(id)
    this.slot = noSlot
    if (slot === undefined) return this.evicted.remembers(id) ? verdict.evicted : verdict.absent
    const said = this.judgeEntry(this.at(slot), now, staleForMs)
    if (said !== verdict.expired && said !== verdict.invalidated) this.slot = slot
    return said
  }

  /** `payload`: undefined where the caller writes the bytes after this. Leaves the slot. */
  store(key: Uint32Array, draft: Draft, payload: Uint8Array | undefined, now: bigint): number {
    const { counters, tokens } = this
    const id = idOf(key)
    this.now = now
    this.slot = noSlot
    const refuse = (why: number): number => {
      counters.notStored++
      return why
    }
    const older = this.table.find(id)
    if (older !== undefined) {
      counters.replaced++
      this.remove(older)
    }
    this.evicted.forget(id)
    if (freshness(draft.life, now) === 'expired') return refuse(status.noLifetime)
    const judgement = tokens.judge(draft.tokens)
    if (judgement === 'unknown') return refuse(status.unknownToken)
    if (judgement === 'dead' || (judgement === 'outdated' && !hasWindow(draft.life))) return refuse(status.invalidated)
    const bytes = draft.payloadSize + besidePayload
    if (draft.payloadSize > this.maxEntryBytes || bytes > this.maxBytes - tokens.bytes) return refuse(status.tooLarge)
    const costMs = Math.fround(draft.costMs)
    const set = tokens.refer(draft.tokens)
    if (!this.makeRoom(bytes, draft.costMs, draft.insists, now)) {
      tokens.release(set)
      if (this.table.size === 0) return refuse(status.noRoom)
      counters.notAdmitted++
      return refuse(status.notAdmitted)
    }
    const { kind, life } = draft
    const entry: Entry = { id, kind, payload: payload?.slice() ?? new Uint8Array(draft.payloadSize), tokens: set, life, freshFrom: 0, freshTo: 0, bytes, costMs, uses: 1, worth: 0 }
    live(entry, life)
    this.eviction.added(entry)
    this.entryBytes += bytes
    this.slot = this.table.insert(entry)
    counters.stored++
    return status.ok
  }

  /** `read` is what the reader said of the entry's bytes. */
  admit(key: Uint32Array, read: number, header: Header, payload: Uint8Array | undefined, now: bigint, staleForMs: number): number {
    const { counters } = this
    this.slot = noSlot
    if (read === status.ok && freshness(header.life, now) === 'expired') read = status.expired
    if (read === status.ok) {
      const judgement = this.tokens.judge(header.tokens)
      if (judgement === 'unknown') return status.unknownToken
      const said = judge(header.life, judgement, now, millis(staleForMs))
      if (said === verdict.stale) read = status.stale
      else if (said === verdict.retained) read = status.retained
      else if (said === verdict.invalidated) read = status.invalidated
      else if (said !== verdict.fresh) read = status.expired
    }
    if (read === status.ok || read === status.stale) {
      counters.hitsAdmitted++
      counters.savedMs += header.costMs
    } else if (read !== status.retained) {
      counters[read === status.expired ? 'refusedExpired' : read === status.invalidated ? 'refusedInvalidated' : 'refusedDamaged']++
      return read
    }
    this.store(key, { ...header, insists: false }, payload, now)
    return read
  }

  invalidate(key: Uint32Array): boolean {
    const slot = this.table.find(idOf(key))
    if (slot === undefined) return false
    this.counters.invalidated++
    this.remove(slot)
    return true
  }

  expire(key: Uint32Array, now: number): boolean {
    const said = this.peek(key, now, Infinity)
    if (said === verdict.stale) return true
    const slot = this.table.find(idOf(key))
    if (slot === undefined) return false
    const entry = this.at(slot)
    const { life } = entry
    if (said === verdict.fresh && hasWindow(life)) {
      const from = millis(now)
      // Where the clock was set back to before the entry was made, it was made now.
      live(entry, { ...life, created: from < life.created ? from : life.created, freshUntil: from, staleUntil: from + life.staleUntil - life.freshUntil })
      return true
    }
    this.counters[said === verdict.expired ? 'expired' : 'invalidated']++
    this.remove(slot)
    return false
  }

  /** Leaves the slot. */
  nextLabelled(from: number): void {
    const { slots } = this.table
    while (from < slots.length && ((slots[from]?.kind ?? 0) & labelled) === 0) from++
    this.slot = from < slots.length ? from : noSlot
  }

  /** False where there is no memory for the tag. */
  setToken(tag: bigint, token: bigint): boolean {
    const { tokens } = this
    if (!tokens.knows(tag) && !this.makeRoom(bytesPerTag, 0, true, this.now)) return false
    tokens.set(tag, token)
    return true
  }

  sweep(now: bigint, budget: number): number {
    const { slots } = this.table
    let removed = 0
    for (let left = Math.min(budget, slots.length); left > 0; left--) {
      if (this.sweepAt >= slots.length) this.sweepAt = 0
      const slot = this.sweepAt++
      const entry = slots[slot]
      if (entry === undefined || freshness(entry.life, now) !== 'expired') continue
      this.counters.expired++
      this.remove(slot)
      removed++
    }
    return removed
  }

  /** Leaves the slot of the key. */
  find(key: Uint32Array): void {
    this.slot = this.table.find(idOf(key)) ?? noSlot
  }

  at(slot: number): Entry {
    return this.table.slots[slot]!
  }

  /** In the order of `statNames`. `besides` is what the caller takes for itself. */
  stats(besides: number): CoreStats {
    const entries = this.table.size
    const metadata = this.tokens.bytes + entries * besidePayload
    return { ...this.counters, entries, bytes: this.entryBytes, metadata, memory: besides + this.entryBytes + this.tokens.bytes }
  }

  private judgeEntry(entry: Entry, now: number, staleForMs: number): number {
    const judgement = this.tokens.judgeSet(entry.tokens)
    if (judgement === 'current' && now >= entry.freshFrom && now < entry.freshTo) return verdict.fresh
    return judge(entry.life, judgement, millis(now), millis(staleForMs))
  }

  /** Others leave until there are so many bytes. False where none is left, or none is worth less. */
  private makeRoom(bytes: number, costMs: number, insists: boolean, now: bigint): boolean {
    const { counters, eviction, table, tokens } = this
    const expired = (entry: Entry): boolean => freshness(entry.life, now) === 'expired'
    while (this.entryBytes + tokens.bytes + bytes > this.maxBytes) {
      const slot = eviction.victim(table, costMs, bytes, insists, expired)
      if (slot === undefined) return false
      const entry = this.at(slot)
      if (expired(entry)) {
        counters.expired++
      } else {
        counters.evicted++
        this.evicted.note(entry.id)
      }
      this.remove(slot)
    }
    return true
  }

  private remove(slot: number): void {
    const entry = this.at(slot)
    this.entryBytes -= entry.bytes
    this.tokens.release(entry.tokens)
    this.table.erase(slot)
  }
}

function judge(life: Lifetime, tokens: Judgement, now: bigint, staleFor: bigint): number {
  if (tokens === 'dead' || tokens === 'unknown') return verdict.invalidated
  const outdated = tokens === 'outdated'
  const said = freshness(life, now)
  if (said === 'expired' || (outdated && !hasWindow(life))) return verdict.expired
  if (said === 'fresh' && !outdated) return verdict.fresh
  return staleFor > 0n && now < after(life.freshUntil, staleFor) ? verdict.stale : verdict.retained
}

function live(entry: Entry, life: Lifetime): void {
  const { from, to } = freshSpan(life)
  entry.life = life
  entry.freshFrom = from
  entry.freshTo = to
}
