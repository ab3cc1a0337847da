/**
 * A circuit breaker: knows whether the storage is worth asking. Closed, everything passes; open, nothing does, and calls go straight to
 * their functions; half-open, one probe is on its way, which nobody waits for.
 *
 * What opens it:
 * - Silence. One read took longer than the deadline, and no other was answered since that one began. Every caller would wait as long for
 *   nothing, so one is enough. Where others are answered the storage is there and merely busy (the last of a thousand reads
 *   at once): closing it off would cost the hits. A write is silence only if nothing at all was answered.
 * - Refusals. Five reads in a row failed at once. That costs no time, so it can be looked at for longer: one may be a damaged file, five are an outage.
 * Writes that are refused do not open it: a full disk and a read-only replica still answer reads, and hits are what the cache is for.
 *
 * What closes it: a visit. Its probe is one read; only one that is answered in time closes. The first visit is due after a second, each
 * one in vain doubles that, up to a minute. From each pause chance takes up to half, so that a thousand processes which lost
 * their storage at one moment do not come back to it at one moment. Pauses begin anew after a minute without a visit: a storage that comes and goes is
 * asked ever more rarely. An answer that comes too late, or to what was asked before, is a sign of life, and the visit is made at once: a connection
 * that took 300 ms to open costs those, not a second. Late answers to probes are none: a storage that is always slower than the deadline stays left alone.
 *
 * Visits are also made while it is closed, to a storage that owes something: a write that never ended, or an invalidation that it could not be told.
 * Each visit that finds it there says so (`returned`), and debts are paid.
 *
 * Timers are all that keeps it going, except where they end with the request that set them (at the edge): so every operation that is refused
 * looks whether a visit is overdue.
 */
import type { Clock } from '../options.js'

export type StorageState = 'closed' | 'open' | 'half-open'

export interface BreakerTools {
  clock: Pick<Clock, 'stopwatch' | 'after' | 'random'>
  /** Told of each change. */
  tell(state: StorageState): void
  /** Reads something; true where that was answered in time. It tells this breaker nothing else. */
  probe(): Promise<boolean>
  /** The storage is there: what it was not told is told now. */
  returned(): Promise<void>
  background(work: Promise<unknown>): void
}

const refusalsToOpen = 5
const shortestPauseMs = 1_000
const longestPauseMs = 60_000

export class Breaker {
  state: StorageState = 'closed'
  /** Reads that failed at once, in a row. */
  private refusals = 0
  /** When a read, and when anything, was last answered in time. */
  private readAt = -Infinity
  private answeredAt = -Infinity
  private pauses = 0
  private visitedAt = -Infinity
  private visiting: symbol | undefined
  /** When the next visit is overdue. */
  private dueAt = Infinity
  private cancel: (() => void) | undefined
  private ended = false

  constructor(private readonly tools: BreakerTools) {}

  /** May the storage be asked? */
  admits(): boolean {
    if (this.state === 'closed') return true
    if (!this.ended && this.tools.clock.stopwatch() >= this.dueAt) this.go()
    return false
  }

  /** The storage has answered in time. */
  answered(isRead: boolean): void {
    this.answeredAt = this.tools.clock.stopwatch()
    if (isRead) {
      this.readAt = this.answeredAt
      this.refusals = 0
    }
    this.alive()
  }

  /** The storage has failed at once. */
  refused(isRead: boolean): void {
    if (isRead && ++this.refusals >= refusalsToOpen) this.open()
  }

  /** What began then has had no answer in time. */
  late(isRead: boolean, began: number): void {
    if (began >= (isRead ? this.readAt : this.answeredAt)) this.open()
  }

  /** An answer that nobody waits for any more. */
  alive(): void {
    if (this.state === 'open' && this.cancel !== undefined) this.go()
  }

  /** There is a debt, or nothing works: a visit is to be made. */
  soon(): void {
    if (this.ended || this.visiting !== undefined || this.cancel !== undefined) return
    const { clock } = this.tools
    const now = clock.stopwatch()
    if (now - this.visitedAt > longestPauseMs) this.pauses = 0
    const pause = Math.min(longestPauseMs, shortestPauseMs * 2 ** this.pauses++) * (1 - clock.random() / 2)
    this.dueAt = now + pause
    this.cancel = clock.after(pause, () => this.go(), true)
  }

  /** No visits from now on but a last one, if one is due some time. */
  async end(): Promise<void> {
    this.ended = true
    if (this.cancel !== undefined) await this.visit()
  }

  private open(): void {
    if (this.state !== 'closed') return
    this.become('open')
    this.soon()
  }

  private become(state: StorageState): void {
    if (this.state === state) return
    this.state = state
    this.tools.tell(state)
  }

  private go(): void {
    this.tools.background(this.visit())
  }

  private async visit(): Promise<void> {
    const { clock } = this.tools
    this.cancel?.()
    this.cancel = undefined
    // Should this one be lost with the request that it belongs to.
    this.dueAt = clock.stopwatch() + longestPauseMs
    const own = (this.visiting = Symbol())
    if (this.state !== 'closed') this.become('half-open')
    const there = await this.tools.probe()
    if (this.visiting !== own) return
    this.visiting = undefined
    this.visitedAt = clock.stopwatch()
    if (there) {
      this.refusals = 0
      this.readAt = this.answeredAt = this.visitedAt
      this.become('closed')
      await this.tools.returned()
    } else {
      this.become('open')
      this.soon()
    }
  }
}
