/**
 * Whose turn it is to compute, among all who share a storage. Who finds nothing there asks for the lease of the key. Who gets it looks once more, computes, and gives it
 * back when its value is there for others; who does not waits until then, and looks. So one process runs the function, and the others
 * take its result out of storage.
 *
 * A lease ends by itself where its holder says nothing for `leaseMs`: dead, or held up for so long. What such a holder then brings is not written: another may have
 * computed since, from newer sources. Where a storage cannot say whose turn it is, everybody computes.
 *
 * A function that waits for another's result while its own lease is wanted there would close a circle that no process can see. So calls made within a
 * function take a lease that is free, and wait for none; and nobody waits for longer than a minute.
 *
 * It is a file of its own, loaded with the first miss over such a storage, and imports nothing that others do.
 */
import type { Flight } from './flights.js'
import type { Parts, StorageName } from './parts.js'
import type { Lease } from './storage/storage.js'

const longestWaitMs = 60_000
/** Without news of a release, so often it is asked whether there is a result, or a lease. */
const lookMs = 1_000

/**
 * Waits for one's turn. `look`: is there a result by now? Answers with that, or with a Turn, or with neither where everybody computes for himself.
 * Throws what the flight was aborted with.
 */
export async function turnOf<Found extends object>(parts: Parts, flight: Pick<Flight<unknown>, 'aborted' | 'departure'>, name: StorageName, look: () => Promise<Found | undefined>): Promise<{ found?: Found; turn?: Turn }> {
  const { storage, leaseMs } = parts
  const began = parts.stopwatch()
  for (;;) {
    const asked = parts.stopwatch()
    const lease = await storage!.lease(name.text, leaseMs)
    if (lease === undefined) return {}
    if (lease !== 'taken') {
      const turn = new Turn(parts, name, lease, asked)
      const found = flight.aborted === undefined ? await look() : undefined
      if (found === undefined && flight.aborted === undefined) return { turn }
      turn.end()
      if (flight.aborted !== undefined) throw flight.aborted.reason
      return { found: found! }
    }
    if (flight.departure.within !== undefined || parts.stopwatch() - began > longestWaitMs) return {}
    if (!(await storage!.released(name.text, lookMs))) return {}
    if (flight.aborted !== undefined) throw flight.aborted.reason
    const found = await look()
    if (found !== undefined) return { found }
  }
}

/** A lease that is kept while its holder computes. */
export class Turn {
  private ended = false
  private over = false
  private gone = false
  private cancel: (() => void) | undefined

  /** `renewedAt`: when it was asked for, by the stopwatch. */
  constructor(
    private readonly parts: Parts,
    private readonly name: StorageName,
    private readonly lease: Lease,
    private renewedAt: number,
  ) {
    this.keep()
  }

  /** Another may have it by now. */
  get lost(): boolean {
    return this.gone || this.parts.stopwatch() - this.renewedAt >= this.parts.leaseMs
  }

  /** Gives it back, behind everybody's back, once what was written is there; until then it is kept. */
  end(): void {
    if (this.ended) return
    this.ended = true
    this.parts.background(this.parts.storage!.giveBack(this.name.text, this.lease).finally(() => {
      this.over = true
      this.cancel?.()
    }))
  }

  private keep(): void {
    const { parts } = this
    this.cancel = parts.after(parts.leaseMs / 3, () => {
      const asked = parts.stopwatch()
      void parts.storage!.renew(this.lease).then(goesOn => {
        if (goesOn === true) this.renewedAt = asked
        this.gone ||= goesOn === false
        if (!this.over && !this.lost) this.keep()
      })
    }, true)
  }
}
