/**
 * One computation per key at a time. Who calls while it runs joins it instead of starting another.
 *
 * A flight that was doomed (what it computes was invalidated meanwhile) still answers those who wait for it, as they
 * asked before; but later callers start anew, and its result is not kept.
 */
import type { Tag } from './tokens.js'

export interface Flight<T> {
  readonly landing: Promise<T>
  readonly tags: readonly Tag[]
  doomed: boolean
}

export class Flights<T> {
  private readonly aloft = new Map<string, Flight<T>>()

  get(id: string): Flight<T> | undefined {
    return this.aloft.get(id)
  }

  /** Starts a computation that others may join until it ends. Call only where get() found none. */
  start(id: string, tags: readonly Tag[], compute: (flight: Flight<T>) => Promise<T>): Flight<T> {
    const flight = { doomed: false, tags } as { landing: Promise<T>; doomed: boolean; tags: readonly Tag[] }
    this.aloft.set(id, flight)
    flight.landing = compute(flight).finally(() => {
      if (this.aloft.get(id) === flight) this.aloft.delete(id)
    })
    return flight
  }

  /** Nobody joins this key's flight any more, and its result is not to be kept. */
  doom(id: string): void {
    const flight = this.aloft.get(id)
    if (flight !== undefined) flight.doomed = true
    this.aloft.delete(id)
  }

  /** The same for every flight whose entry would carry this tag. */
  doomTagged(tag: Tag): void {
    for (const [id, { tags }] of this.aloft) {
      if (tags.some(({ kind, value }) => kind === tag.kind && value === tag.value)) this.doom(id)
    }
  }
}
