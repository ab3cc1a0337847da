/**
 * A storage as the calls see it: one that cannot fail, and that answers in time. What goes wrong is an event and a counter, and
 * the answer is as if nothing were stored.
 *
 * - Who waits, waits for the deadline at the most. What comes later answers nobody. A storage that is silent, or refuses all, is left alone for a while (breaker.ts).
 * - Writes go on behind the caller's back, one at a time for each key, so that a deletion is never overtaken by an older write. Of those that
 *   wait for their turn only the last is carried out. A write that does not end holds up those behind it until the
 *   storage is known to be there all the same; should it end after that, it may have undone a newer one, and the key is deleted.
 * - Entries that nobody waits for are dropped where too many are on their way. Deletions and tokens never are: those that fail
 *   are owed, what is stored under an owed key does not count, and the storage is told as soon as it is there again.
 */
import { show, StorageError } from '../errors.js'
import type { EventListener, StorageOperation } from '../events.js'
import { isBytes } from '../is-a.js'
import type { Clock } from '../options.js'
import { Breaker, type StorageState } from './breaker.js'
import type { Enveloped, Refused } from './envelope.js'
import type { Lease, StorageHint } from './storage.js'

interface Write {
  readonly key: string
  readonly operation: 'set' | 'delete'
  /** Undefined where it deletes. */
  readonly entry: Uint8Array | undefined
  readonly hint: StorageHint
  /** `droppable`: an entry; `replaces`: one that must not leave an older one behind; `owed`: a deletion or a token, which somebody waits for. */
  kind: 'droppable' | 'replaces' | 'owed'
  readonly order: number
  /** What is there stays there; called with whether nothing was. */
  readonly placed: ((isOurs: boolean) => void) | undefined
  /** Resolves when it has ended, or is too late; says whether it worked. */
  readonly ended: Promise<boolean>
  settle(worked: boolean | Promise<boolean>): void
  begun: number
  late: boolean
}

/** The writes of one key. */
interface Lane {
  now: Write | undefined
  next: Write | undefined
  /** The last that was begun. */
  last: Write | undefined
  /** How many of those before `now` have not ended. */
  ghosts: number
}

/** How many deadlines a write may take that nobody waits for: 10 seconds for 250 ms. */
const patience = 40
/**
 * How many entries may be on their way, and how many bytes of them. A batch of thousands of calls that end at once passes whole; with what each
 * write takes beside its bytes (1 KB), 20 MB are the most that a storage which does not keep up can cost.
 */
const mostWrites = 4_000
const mostBytes = 16_000_000
/** So many debts are paid at a time. */
const paidAtOnce = 64
/** So often it is tried to listen to a storage that is there and does not let. */
const mostDeaf = 5
/** What probes read: a token that nobody has. */
const probed = '0'.repeat(16)

export class StorageGuard {
  errors = 0
  /** Entries that were not written, as too many were on their way or the storage was left alone. */
  notWritten = 0
  /** Called when the storage is there after it was not, or owed something. */
  returned: (() => Promise<void>) | undefined
  private readonly breaker: Breaker
  /** The error of the last event. */
  private told: unknown
  private unsubscribe: (() => Promise<void>) | undefined
  /** Keys that could not be deleted, and when they were to be, in the order of all writes: whatever the storage still has there, it does not count. */
  private readonly owed = new Map<string, number>()
  private readonly lanes = new Map<string, Lane>()
  private order = 0
  private writes = 0
  private bytes = 0
  private progress = 0
  /** How often in a row it could not be listened to. */
  private deaf = 0
  /** Leases that are being given back, and messages on their way. */
  private readonly errands = new Set<Promise<void>>()
  private closing = false

  constructor(
    private readonly storage: Enveloped,
    private readonly background: (work: Promise<unknown>) => void,
    private readonly emit: EventListener | undefined,
    private readonly clock: Pick<Clock, 'stopwatch' | 'after' | 'random'>,
    private readonly deadlineMs: number,
  ) {
    this.breaker = new Breaker({
      clock,
      background,
      tell: state => emit?.({ type: 'storage', state }),
      probe: async () => (await this.timely('get', () => storage.get(probed), false)).ok,
      returned: () => this.payAll(),
    })
  }

  get state(): StorageState {
    return this.breaker.state
  }

  /** The bytes under a key; undefined where there are none, the storage failed, or a write of this key takes too long. */
  async get(key: string): Promise<Uint8Array | undefined> {
    if (this.lanes.has(key) && !(await this.written(key))) return undefined
    return (await this.tryGet(key)).bytes
  }

  /** The same whatever is being written, telling an empty place from a failure. */
  async tryGet(key: string): Promise<{ ok: boolean; bytes?: Uint8Array | undefined }> {
    if (this.owed.has(key) && !(await this.delete(key))) return { ok: false }
    return this.read('get', key)
  }

  /** There may be more behind what get() answers with. */
  get copies(): boolean {
    return typeof this.storage.original === 'function'
  }

  /** What lies behind a copy that was refused, which is used no more. */
  async original(key: string): Promise<Uint8Array | undefined> {
    await this.outdated(key)
    return (await this.read('original', key)).bytes
  }

  private async read(how: 'get' | 'original', key: string, refused?: Refused): Promise<{ ok: boolean; bytes?: Uint8Array | undefined }> {
    if (!this.breaker.admits()) return { ok: false }
    return this.timely('get', async () => {
      // Many clients say null for what is not there.
      const found: unknown = (await this.storage[how]!(key, refused)) ?? undefined
      if (found === undefined || isBytes(found)) return found
      throw new TypeError(`${how}() answered with ${show(found)}. A storage answers with a Uint8Array, or with undefined where there is nothing.`)
    })
  }

  /** Has the entry written. `replaces`: if that fails, what was there before is deleted. False where it is not even tried. */
  set(key: string, entry: Uint8Array, hint: StorageHint, replaces = false): boolean {
    const open = !this.breaker.admits()
    const full = !replaces && this.writes > 0 && (this.writes >= mostWrites || this.bytes + entry.length > mostBytes)
    if (open || full) {
      this.dropped(open ? 'open' : 'full')
      if (replaces) void this.delete(key)
      return false
    }
    void this.enqueue(key, 'set', entry, hint, replaces ? 'replaces' : 'droppable')
    return true
  }

  /** The same for what is never dropped; resolves when it has ended or takes too long, and says whether it worked. */
  put(key: string, entry: Uint8Array, hint: StorageHint): Promise<boolean> {
    return this.must(key, 'set', entry, hint)
  }

  /** put() where there is nothing yet. `theirs`: somebody was first, and it is what they put there. */
  async add(key: string, entry: Uint8Array): Promise<{ ok: boolean; theirs: boolean }> {
    let theirs = false
    const ok = await this.must(key, 'set', entry, {}, isOurs => { theirs = !isOurs })
    return { ok, theirs }
  }

  /** The storage can do that. */
  get adds(): boolean {
    return typeof this.storage.add === 'function'
  }

  /** Resolves when the storage has forgotten the key, or has not in time, and says which. Then that is tried again: before the key is read, and when the storage is there again. */
  delete(key: string): Promise<boolean> {
    this.owed.set(key, this.order + 1)
    return this.must(key, 'delete', undefined, {})
  }

  /** It could not be told something, and is to be once it is there (`returned`). What it does not do itself says so here. */
  owes(): void {
    this.breaker.soon()
  }

  /** The storage can say what it holds. */
  get lists(): boolean {
    return typeof this.storage.keys === 'function'
  }

  /** What it holds. Rejects with StorageError where it fails: who asked for all must not take some for them. */
  async *keys(): AsyncIterable<string> {
    const steps = this.breaker.admits() ? this.storage.keys!()[Symbol.asyncIterator]() : undefined
    try {
      for (;;) {
        const { ok, bytes: step } = steps === undefined ? { ok: false } : await this.timely('keys', () => steps.next(), true, patience * this.deadlineMs)
        if (!ok) throw unseen()
        if (step!.done === true) return
        yield step!.value
      }
    } finally {
      void steps?.return?.().catch(() => {})
    }
  }

  /** get() of no copies, for who goes through all of it, and likewise must not take a failure for an empty place. `refused`: as of Enveloped.get. */
  async look(key: string, refused?: Refused): Promise<Uint8Array | undefined> {
    if (this.owed.has(key)) return undefined
    const { ok, bytes } = (await this.written(key)) ? await this.read(this.copies ? 'original' : 'get', key, refused) : { ok: false }
    if (!ok) throw unseen()
    return bytes
  }

  /** Resolves when the writes of this key that were begun so far have ended, or one of them takes too long, and says which. */
  async written(key: string): Promise<boolean> {
    const { now, next } = this.lanes.get(key) ?? {}
    if (now === undefined) return true
    const left = this.deadlineMs - (this.clock.stopwatch() - now.begun)
    return !now.late && left > 0 && (await this.within((next ?? now).ended, left))
  }

  /** One at a time may compute, of all who share the storage. */
  get leases(): boolean {
    return typeof this.storage.lease === 'function' && typeof this.storage.released === 'function'
  }

  /** The lease of a key; `taken` while another has it, undefined where the storage does not say. */
  async lease(key: string, leaseMs: number): Promise<Lease | 'taken' | undefined> {
    if (!this.breaker.admits()) return undefined
    let late = false
    const { ok, bytes } = await this.timely('lease', async () => {
      const lease = await this.storage.lease!(key, leaseMs)
      // Nobody has waited for it.
      if (late) void lease?.release().catch(() => {})
      return lease
    })
    late = !ok
    return ok ? (bytes ?? 'taken') : undefined
  }

  /** Does it go on? Undefined where the storage does not say. */
  async renew(lease: Lease): Promise<boolean | undefined> {
    return this.breaker.admits() ? (await this.timely('lease', () => lease.renew())).bytes : false
  }

  /** Gives a lease back once what was written under its key is there for others, or is given up. settled() and close() wait for that. */
  giveBack(key: string, lease: Lease): Promise<void> {
    return this.errand(this.returnOf(key, lease))
  }

  private errand(work: Promise<unknown>): Promise<void> {
    const errand: Promise<void> = work.then(() => void this.errands.delete(errand))
    this.errands.add(errand)
    return errand
  }

  private async returnOf(key: string, lease: Lease): Promise<void> {
    for (;;) {
      const { now, next } = this.lanes.get(key) ?? {}
      if (now === undefined || now.late) break
      await (next ?? now).ended
    }
    await this.timely('lease', () => lease.release())
  }

  /** Resolves when nobody has the lease of this key, or after some time; false where the storage fails. */
  async released(key: string, ms: number): Promise<boolean> {
    return this.breaker.admits() && (await this.timely('lease', () => this.storage.released!(key, ms), true, ms + this.deadlineMs)).ok
  }

  /** How old what it says may be. */
  get lateMs(): number {
    return this.storage.lateMs ?? 0
  }

  /** It can carry messages. */
  get publishes(): boolean {
    return typeof this.storage.publish === 'function' && typeof this.storage.subscribe === 'function'
  }

  /** settled() and close() wait for that, too. */
  async publish(message: Uint8Array): Promise<void> {
    if (this.breaker.admits()) await this.errand(this.timely('publish', () => this.storage.publish!(message)))
  }

  /** A copy of what lies under a key is to be used no more. */
  async outdated(key: string): Promise<void> {
    if (this.storage.outdated !== undefined) await this.timely('get', () => this.storage.outdated!(key), false)
  }

  /** False where it cannot, or not now. */
  async subscribe(listener: (message: Uint8Array) => void): Promise<boolean> {
    if (!this.breaker.admits()) return false
    // To open a connection takes longer than to use one.
    const { ok, bytes } = await this.timely('subscribe', () => this.storage.subscribe!(listener), true, patience * this.deadlineMs)
    this.unsubscribe = bytes
    if (this.closing) await bytes?.().catch(() => {})
    // Should it be down just now, it is asked again. (Some clients cannot listen at all.)
    if (ok) this.deaf = 0
    else if (++this.deaf <= mostDeaf) this.breaker.soon()
    return ok
  }

  /** Waits as long as writes end, one or another within each deadline. `invalidations`: so many it could not be told of. */
  async close(invalidations = 0): Promise<void> {
    let before: number
    let all: boolean
    this.closing = true
    const visit = this.breaker.end()
    do {
      before = this.progress
      all = await this.within(Promise.all([visit, this.settled()]))
    } while (!all && this.progress > before)
    // No fault of its own, so it is not counted.
    const untold = new Set(this.owed.keys())
    for (const { now, next } of this.lanes.values()) for (const write of [now, next]) if (write !== undefined && write.kind !== 'droppable') untold.add(write.key)
    if (untold.size + invalidations > 0) {
      const counted = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`])
      const what = [...counted(untold.size, 'change'), ...counted(invalidations, 'invalidation')].join(' and ')
      this.emit?.({ type: 'storage-error', operation: 'close', error: new StorageError(`the storage was not told of ${what}. What it has under those keys is older.`) })
    }
    if (this.unsubscribe !== undefined) await this.within(this.unsubscribe().catch(() => {}))
    if (this.storage.close !== undefined) await this.timely('close', () => this.storage.close!())
  }

  /** All writes have ended, or are too late: those begun so far, and, unless `soFar`, those begun meanwhile. */
  async settled(soFar = false): Promise<void> {
    for (let waiting: Promise<unknown>[]; ; ) {
      waiting = []
      for (const { now, next } of this.lanes.values()) if (now?.late === false) waiting.push((next ?? now).ended)
      waiting.push(...this.errands)
      if (waiting.length === 0) return
      await Promise.all(waiting)
      if (soFar) return
    }
  }

  private async must(key: string, operation: Write['operation'], entry: Uint8Array | undefined, hint: StorageHint, placed?: Write['placed']): Promise<boolean> {
    if (!this.breaker.admits()) {
      this.order++
      return false
    }
    const queues = this.lanes.get(key)?.now !== undefined
    const ended = this.enqueue(key, operation, entry, hint, 'owed', placed)
    if (!queues) return ended
    let worked = false
    if (!(await this.within(ended.then(did => { worked = did })))) this.breaker.soon()
    return worked
  }

  private enqueue(key: string, operation: Write['operation'], entry: Uint8Array | undefined, hint: StorageHint, kind: Write['kind'], placed?: Write['placed']): Promise<boolean> {
    let settle!: Write['settle']
    const ended = new Promise<boolean>(resolve => { settle = resolve })
    const write: Write = { key, operation, entry, hint, kind, order: ++this.order, placed, ended, settle, begun: 0, late: false }
    this.count(write, 1)
    let lane = this.lanes.get(key)
    if (lane === undefined) this.lanes.set(key, (lane = { now: undefined, next: undefined, last: undefined, ghosts: 0 }))
    if (lane.next !== undefined) {
      this.count(lane.next, -1)
      lane.next.settle(ended)
      inherit(lane.next, write)
    }
    lane.next = write
    if (lane.now === undefined) void this.begin(lane)
    this.background(ended)
    return ended
  }

  /** The next write of a lane. */
  private async begin(lane: Lane): Promise<void> {
    const write = (lane.now = lane.last = lane.next!)
    const { key, operation, entry, hint, order } = write
    lane.next = undefined
    write.begun = this.clock.stopwatch()
    // Who asked for it goes on first.
    await null
    let worked = false
    if (this.breaker.admits()) {
      const { placed } = write
      const work = async (): Promise<void> => {
        if (entry === undefined) await this.storage.delete(key)
        else if (placed !== undefined && this.adds) placed(await this.storage.add!(key, entry))
        else await this.storage.set(key, entry, hint)
      }
      const late = (): void => {
        write.late = true
        write.settle(false)
        this.breaker.soon()
      }
      worked = (await this.ask(operation, work, write.kind === 'owed' ? this.deadlineMs : patience * this.deadlineMs, late)).ok
      if (worked && this.owed.get(key)! <= order) this.owed.delete(key)
    } else if (write.kind !== 'owed') this.dropped('open')
    this.progress++
    const isGhost = lane.now !== write
    if (!isGhost) {
      this.count(write, -1)
      lane.now = undefined
    }
    if (worked) {
      // Newer ones were begun, and this one may have come after them.
      if (isGhost && lane.last !== write && !isSame(lane.last!.entry, entry)) void this.delete(key)
    } else if (write.kind === 'owed') this.breaker.soon()
    else if (!isGhost) this.unreplaced(lane, write)
    write.settle(worked)
    if (isGhost) lane.ghosts--
    else if (lane.next !== undefined) void this.begin(lane)
    if (lane.now === undefined && lane.ghosts === 0) this.lanes.delete(key)
  }

  /** It was to take the place of an older one, and has not. */
  private unreplaced(lane: Lane, write: Write): void {
    if (lane.next !== undefined) inherit(write, lane.next)
    else if (write.kind === 'replaces') write.settle(this.delete(write.key))
  }

  /** The storage is there: what it was asked for so long ago will not hold up what comes after. */
  private release(): void {
    for (const lane of this.lanes.values()) {
      const { now, next } = lane
      // What nobody waits for, and nothing waits behind, has time.
      const matters = next !== undefined || now?.kind === 'replaces'
      if (now === undefined || !(now.late || (matters && this.clock.stopwatch() - now.begun >= this.deadlineMs))) continue
      this.count(now, -1)
      now.late = true
      lane.now = undefined
      lane.ghosts++
      this.unreplaced(lane, now)
      now.settle(false)
      if (lane.next !== undefined && lane.now === undefined) void this.begin(lane)
    }
  }

  private async payAll(): Promise<void> {
    this.release()
    await this.returned?.().catch(() => {})
    const keys = [...this.owed.keys()]
    for (let i = 0; i < keys.length; i += paidAtOnce) {
      const paid = await Promise.all(keys.slice(i, i + paidAtOnce).map(key => !this.owed.has(key) || this.delete(key)))
      if (paid.includes(false)) return
    }
  }

  /** What the storage answers, if that is in time. */
  private timely<T>(operation: StorageOperation, work: () => Promise<T>, tells = true, limitMs = this.deadlineMs): Promise<{ ok: boolean; bytes?: T }> {
    return new Promise(resolve => void this.ask(operation, work, limitMs, () => resolve({ ok: false }), tells).then(resolve))
  }

  /** What the storage answers in the end; `late` is called when it is too late for that. `tells`: the breaker is to know. */
  private async ask<T>(operation: StorageOperation, work: () => Promise<T>, limitMs: number, late: () => void, tells = true): Promise<{ ok: boolean; bytes?: T }> {
    const { breaker } = this
    const isRead = operation === 'get'
    const began = this.clock.stopwatch()
    let isLate = false
    const cancel = this.alarm(limitMs, () => {
      isLate = true
      this.failed(operation, new StorageError(`the storage took longer than ${limitMs} ms for ${operation}().`))
      if (tells) breaker.late(isRead, began)
      late()
    })
    try {
      const bytes = await work()
      if (tells) {
        if (isLate) breaker.alive()
        else breaker.answered(isRead)
      }
      return { ok: true, bytes }
    } catch (error) {
      if (!isLate) {
        this.failed(operation, error)
        if (tells) breaker.refused(isRead)
      }
      return { ok: false }
    } finally {
      cancel()
    }
  }

  /** Does the work end in this time? It never rejects. */
  private within(work: Promise<unknown>, ms = this.deadlineMs): Promise<boolean> {
    return new Promise(resolve => {
      const cancel = this.alarm(ms, () => resolve(false))
      void work.then(() => {
        cancel()
        resolve(true)
      })
    })
  }

  /** A timer. One that goes off late shows that the process was busy, and could not have heard the storage either: it gets that time on top. */
  private alarm(ms: number, run: () => void): () => void {
    if (ms === Infinity) return () => {}
    const { clock } = this
    const due = clock.stopwatch() + ms
    const idly = ms > this.deadlineMs
    let cancel = clock.after(ms, () => {
      const busy = clock.stopwatch() - due
      if (busy > ms / 10) cancel = clock.after(Math.min(busy, ms), run, idly)
      else run()
    }, idly)
    return () => cancel()
  }

  private count({ kind, entry }: Write, sign: 1 | -1): void {
    if (kind === 'owed') return
    this.writes += sign
    this.bytes += sign * entry!.length
  }

  private dropped(reason: 'open' | 'full'): void {
    this.notWritten++
    this.emit?.({ type: 'not-written', reason })
  }

  /** What failed with one and the same error is one failure: all reads of a database that cannot be opened, all keys of one command. */
  private failed(operation: StorageOperation, error: unknown): void {
    if ((error === this.told && typeof error === 'object') || (this.closing && operation === 'subscribe')) return
    this.told = error
    this.errors++
    this.emit?.({ type: 'storage-error', operation, error })
  }
}

function unseen(): StorageError {
  return new StorageError('the storage did not list or show all that it holds, so not all of it was looked at.')
}

/** What comes in place of a write that was to leave nothing older behind must not, either. */
function inherit(from: Write, to: Write): void {
  if (from.kind === 'replaces' && to.kind === 'droppable') to.kind = 'replaces'
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && a.length === b?.length && a.every((byte, i) => byte === b[i]))
}
