/**
 * One computation per key at a time: a flight. Who calls while it is aloft boards it instead of starting another.
 *
 * Everyone on board has a way out of their own, a signal or a deadline, and touches nobody else by leaving. When the last has left,
 * the flight is abandoned: its signal aborts, and what it brings is not kept; unless it is to be kept alive.
 *
 * A flight that is doomed (what it computes was invalidated meanwhile, say) still answers those on board, as they asked
 * before; but later callers start anew, and its result is not kept.
 *
 * A function that calls for its own key would wait for itself. So it is known within which flight a call is made, as far as the runtime can tell
 * (`Ambient`), and which flights wait for which: who would close a circle is refused.
 */
import { DeadlineError, ReentrantCallError, show } from './errors.js'
import type { NotStoredReason } from './events.js'
import type { Clock } from './options.js'
import { type Tag, tagName } from './tokens.js'

/** Knows within what a call is made: an AsyncLocalStorage, or as much of one as there is. */
export interface Ambient<T> {
  run<R>(store: T, work: () => Promise<R>): Promise<R>
  getStore(): T | undefined
}

export interface Departure {
  readonly name: string | null
  readonly tags: readonly Tag[]
  /** The key, where it is a text that a user made. */
  readonly label: string | undefined
  /** Runs to its end even if nobody waits. */
  readonly keepAlive: boolean
  /** It began because someone wanted nothing older. */
  readonly forced: boolean
  /** Nobody waits for it at first. */
  readonly background: boolean
  /** Within which flight it was started, by somebody who waits for it. */
  readonly within: Aloft | undefined
}

/** As much of a flight as its place among the others is. */
export interface Aloft {
  readonly id: string
  readonly landed: boolean
  readonly departure: Departure
  /** Flights that this one's function waits for just now, and how many of its calls do. */
  waitsFor: Map<Aloft, number> | undefined
}

/** Whatever may put a value under a key later than it was begun. */
export interface Doomable {
  readonly id: string
  readonly departure: Pick<Departure, 'tags' | 'label'>
  /** Tags that became known only while it computes. */
  readonly moreTags: readonly Tag[]
  /** Why its result is not kept. */
  doomed: NotStoredReason | undefined
  /** It is a computation, and its callers have gone. */
  readonly landed?: boolean
  /** It only looks for what storage has. */
  readonly looks?: true
  /** It makes what storage has stale. */
  readonly expires?: true
  /** The key has another value than when it began, whatever else has happened to it. */
  overtaken?: boolean
}

export class Flight<T> implements Aloft, Doomable {
  landing!: Promise<T>
  /** Those on board have their answer, or an error. */
  landed = false
  /** Somebody waits for it, or did, and was not let off. */
  boarded = false
  /** Why its result is not kept. */
  doomed: NotStoredReason | undefined
  /** The key has another entry than when it departed, or had. */
  overtaken = false
  /** Called when it is known that its result is not kept: what it holds for others to wait for can be let go of. */
  outOfUse: (() => void) | undefined
  /** Its signal has aborted. */
  aborted: { readonly reason: unknown } | undefined
  /** Tags that became known only while it computes. */
  readonly moreTags: Tag[] = []
  waitsFor: Map<Aloft, number> | undefined
  private controller: AbortController | undefined
  private waiting = 0
  /** Someone waits who cannot leave. */
  private kept: boolean
  private settle!: { resolve: (landing: T) => void; reject: (error: unknown) => void }

  constructor(
    readonly id: string,
    readonly departure: Departure,
    private readonly leave: (flight: Flight<T>, why: NotStoredReason) => void,
  ) {
    this.kept = departure.keepAlive || departure.background
    this.prepare()
  }

  /** Of the computation. */
  get signal(): AbortSignal {
    const { signal } = this.controller ??= new AbortController()
    bySignal.set(signal, this)
    return signal
  }

  land(landing: T): void {
    this.landed = true
    this.settle.resolve(landing)
  }

  /** Those on board have waited long enough, and take this; the computation goes on, and who boards from now on waits for that. */
  letOff(landing: T): void {
    this.kept = true
    this.boarded = false
    this.settle.resolve(landing)
    this.prepare()
  }

  /** Those on board are told at once, by this, that it brings them nothing; it goes on for whom it was begun. */
  sendAway(landing: T): void {
    this.settle.resolve(landing)
    this.prepare()
  }

  fail(error: unknown): void {
    this.landed = true
    this.settle.reject(error)
  }

  /** Ends the computation, if it listens, and keeps nothing of it. */
  abort(why: NotStoredReason, reason: unknown): void {
    this.leave(this, why)
    this.aborted = { reason }
    ;(this.controller ??= new AbortController()).abort(reason)
  }

  /** One caller's wait, and what they take of the landing. */
  board<R>(take: (landing: T) => R, signal: AbortSignal | undefined, deadlineMs: number, after: Clock['after']): Promise<R> {
    this.boarded = true
    if (signal === undefined && deadlineMs === Infinity) {
      this.kept = true
      return this.landing.then(take)
    }
    this.waiting++
    return impatient(this.landing.then(take), this.departure.name, signal, deadlineMs, after, () => {
      if (--this.waiting === 0 && !this.kept && !this.landed) this.abort('abandoned', abandoned())
    })
  }

  private prepare(): void {
    this.landing = new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
    // Whoever waits is told; that nobody waits is no fault.
    this.landing.catch(() => {})
  }
}

/** One caller's wait: it ends with the work, or by a way out of the caller's own, a signal or a deadline; then `left` is called. */
export function impatient<R>(work: Promise<R>, name: string | null, signal: AbortSignal | undefined, deadlineMs: number, after: Clock['after'], left?: () => void): Promise<R> {
  if (signal === undefined && deadlineMs === Infinity) return work
  return new Promise<R>((resolve, reject) => {
    const leave = (reason: unknown): void => {
      stay()
      reject(reason)
      left?.()
    }
    const aborted = (): void => leave(signal!.reason)
    signal?.addEventListener('abort', aborted)
    const over = (): void => leave(new DeadlineError(`${show(name ?? 'the value')} was not there within the caller's deadline of ${deadlineMs} ms.`))
    const cancel = deadlineMs < Infinity ? after(deadlineMs, over) : undefined
    const stay = (): void => {
      signal?.removeEventListener('abort', aborted)
      cancel?.()
    }
    work.then(resolve, reject).finally(stay)
  })
}

/** What the signal of a computation aborts with when its last caller has left. */
export const abandoned = (): DOMException => new DOMException('Nobody waits for the result any more.', 'AbortError')

const none: readonly Doomable[] = []

export class Flights<T> {
  private aloft = new Map<string, Flight<T>>()
  /** What nobody can board and may yet put a value under its key: writes, looks into storage, functions beyond their timeout. By key. */
  private freight = new Map<string, Set<Doomable>>()
  /** What goes on whether somebody waits or not. */
  private behind = new Map<object, Promise<unknown>>()

  get(id: string): Flight<T> | undefined {
    return this.aloft.get(id)
  }

  /** A flight that others may board until it ends. One that is aloft for this key is superseded. */
  start(id: string, departure: Departure): Flight<T> {
    const before = this.aloft.get(id)
    if (before !== undefined) {
      before.doomed ??= 'superseded'
      before.outOfUse?.()
    }
    // What a user sets, or looks for, is another matter.
    for (const freight of this.freight.get(id) ?? none) if (freight.landed === true) freight.doomed ??= 'superseded'
    const flight = new Flight<T>(id, departure, (flight, why) => {
      flight.doomed ??= why
      this.end(flight)
      this.behind = without(this.behind, flight)
      flight.outOfUse?.()
    })
    this.aloft.set(id, flight)
    return flight
  }

  /** The flight is boarded no more. */
  end(flight: Flight<T>): void {
    if (this.aloft.get(flight.id) === flight) this.aloft = without(this.aloft, flight.id)
  }

  /** settled() waits for this. */
  outlasting<R>(whose: object, work: Promise<R>): Promise<R> {
    const done = work.finally(() => {
      if (this.behind.get(whose) === done) this.behind = without(this.behind, whose)
    })
    this.behind.set(whose, done)
    return done
  }

  /** The same of work that nobody can board, and which asks `freight.doomed` before it puts a value under its key. */
  carry<R>(freight: Doomable, work: () => Promise<R>): Promise<R> {
    const { id } = freight
    const others = this.freight.get(id) ?? new Set()
    this.freight.set(id, others.add(freight))
    return this.outlasting(freight, work().finally(() => {
      others.delete(freight)
      if (others.size === 0 && this.freight.get(id) === others) this.freight = without(this.freight, id)
    }))
  }

  /** The key has a new entry, or has lost the one it had, by the work of `by`: what is being read out of storage is older. */
  overtake(id: string, by?: object): void {
    for (const freight of this.freight.get(id) ?? none) {
      if (freight.looks === true) freight.doomed ??= 'superseded'
      if (freight !== by) freight.overtaken = true
    }
    const flight = this.aloft.get(id)
    if (flight !== undefined) flight.overtaken = true
  }

  /** What storage has under this key is to be stale, and is not yet. */
  expires(id: string): boolean {
    for (const freight of this.freight.get(id) ?? none) if (freight.expires === true) return true
    return false
  }

  /** The key has what a user has set: what began before that, and is boarded yet, is boarded no more, and not kept. */
  supersede(id: string): void {
    const flight = this.aloft.get(id)
    if (flight !== undefined) this.turnAway(flight, 'superseded')
  }

  /** Nobody boards this key's flight any more, and its result is not kept. */
  doom(id: string, why: NotStoredReason = 'invalidated'): void {
    for (const freight of this.freight.get(id) ?? none) {
      freight.doomed ??= why
      if (why === 'superseded') freight.overtaken = true
    }
    const flight = this.aloft.get(id)
    if (flight === undefined) return
    flight.doomed ??= why
    this.aloft = without(this.aloft, id)
    flight.outOfUse?.()
  }

  /** The same for a flight, which another may have followed. */
  turnAway(flight: Flight<T>, why: NotStoredReason): void {
    flight.doomed ??= why
    this.end(flight)
    flight.outOfUse?.()
  }

  /** The same for every flight that `test` says yes to. */
  doomIf(test: (flight: Doomable) => boolean, why: NotStoredReason = 'invalidated'): void {
    for (const some of this.freight.values()) for (const freight of some) if (test(freight)) freight.doomed ??= why
    for (const [id, flight] of this.aloft) if (test(flight)) this.doom(id, why)
  }

  /** The names (tagName) of all tags that entries may yet carry. */
  tags(): Set<string> {
    const names = new Set<string>()
    const add = ({ departure, moreTags }: Doomable): void => [...departure.tags, ...moreTags].forEach(tag => names.add(tagName(tag)))
    for (const some of this.freight.values()) some.forEach(add)
    this.aloft.forEach(add)
    return names
  }

  /** The same for every flight whose entry would carry this tag. */
  doomTagged(tag: Tag, why: 'invalidated' | 'expired' = 'invalidated'): void {
    const name = tagName(tag)
    this.doomIf(({ departure, moreTags }) => [...departure.tags, ...moreTags].some(tag => tagName(tag) === name), why)
  }

  /** The same for every flight of a key that a user made, in the scope of this tag, that matches. */
  doomLabelled(scope: Tag, matches: (label: string) => boolean): void {
    const name = tagName(scope)
    this.doomIf(({ departure: { label, tags } }) => label !== undefined && name === tagName(tags.filter(({ kind }) => kind === 'scope').at(-1)!) && matches(label))
  }

  /** Whatever goes on behind the callers' backs has ended, and what that gave rise to. */
  async settled(): Promise<void> {
    while (this.behind.size > 0) await Promise.allSettled(this.behind.values())
  }

  /** The same, but for computations, of what has begun so far: what users have set, forgotten or made stale. */
  async unloaded(): Promise<void> {
    await Promise.allSettled([...this.behind].filter(([whose]) => !(whose instanceof Flight)).map(([, work]) => work))
  }

  /** Nothing is kept any more. Ends those that nobody waits for. */
  abandonBackground(): void {
    for (const flight of this.aloft.values()) {
      flight.outOfUse?.()
      if (flight.departure.background && !flight.boarded) flight.abort('closed', new DOMException('The cache was closed.', 'AbortError'))
    }
  }
}

/**
 * The map without this key. An empty one is left to the collector: when a Map that lives long gives up its table for another, the old one points to
 * the new one, and in V8 so does a chain of dead tables that have grown old, which keeps all that they ever led to from being collected cheaply.
 */
function without<Key, Item>(map: Map<Key, Item>, key: Key): Map<Key, Item> {
  map.delete(key)
  return map.size === 0 ? new Map() : map
}

const bySignal = new WeakMap<AbortSignal, Aloft>()

/** Whose signal it is: a function that hands its own on tells within what it calls, wherever it runs. */
export function flightOf(signal: AbortSignal | undefined): Aloft | undefined {
  return signal && bySignal.get(signal)
}

/**
 * May the function of `within` wait for `flight`, or for a new one of this key? Throws ReentrantCallError where its own result would have to be there first.
 */
export function checkReentrance(within: Aloft | undefined, id: string, name: string | null, flight: Aloft | undefined): void {
  if (within === undefined) return
  for (let inner: Aloft | undefined, outer: Aloft | undefined = within; outer !== undefined; inner = outer, outer = outer.departure.within) {
    // Who has left it does not wait for what it asks for.
    if (inner !== undefined && outer.waitsFor?.has(inner) !== true) break
    if (outer.id === id && !outer.landed) refuse(name)
  }
  if (flight !== undefined && reaches(flight, within, new Set())) refuse(name)
}

function reaches(from: Aloft, to: Aloft, seen: Set<Aloft>): boolean {
  if (from.landed || seen.has(from)) return false
  if (from === to) return true
  seen.add(from)
  for (const next of from.waitsFor?.keys() ?? []) if (reaches(next, to, seen)) return true
  return false
}

/** Until `wait` has ended, the function of `within` waits for `flight`. */
export function waiting<R>(within: Aloft, flight: Aloft, wait: Promise<R>): Promise<R> {
  const waitsFor = (within.waitsFor ??= new Map())
  waitsFor.set(flight, (waitsFor.get(flight) ?? 0) + 1)
  return wait.finally(() => {
    const others = waitsFor.get(flight)! - 1
    if (others > 0) waitsFor.set(flight, others)
    else waitsFor.delete(flight)
  })
}

function refuse(name: string | null): never {
  throw new ReentrantCallError(
    `${name === null ? 'the value' : show(name)} was asked for, with the same key, by the function that is just making it: the two would wait for each other for ever. Call the function itself, not the wrapped one, or ask for another key.`,
  )
}

/** Without a runtime that follows a call through its awaits: knows the part of a function before its first await. */
export class SyncAmbient<T> implements Ambient<T> {
  private now: T | undefined

  run<R>(store: T, work: () => Promise<R>): Promise<R> {
    const before = this.now
    this.now = store
    try {
      return work()
    } finally {
      this.now = before
    }
  }

  getStore(): T | undefined {
    return this.now
  }
}
