/**
 * What to let go of when memory is full: GreedyDual-Size-Frequency, by a sample. src/eviction_asg.h is this and more; here are
 * no ghosts, no sketch of frequencies, and nothing that steers.
 *
 * An entry is worth floor + uses x cost / bytes, with the floor as it was when it was last used. The floor is the highest worth
 * that ever left, so it rises, and what is not used is overtaken by what comes later. The victim is the least of 64 at
 * random, and an entry whose time is over goes before all others. A newcomer that is worth less than the victim is refused, which
 * lifts the floor to its own worth: so those who knock often get in.
 */

export interface Resident {
  readonly bytes: number
  readonly costMs: number
  uses: number
  worth: number
}

const sampleSize = 64

export class Eviction {
  private floor = 0
  /** Of the newcomers whose cost is known. What was put in by hand has none that was measured. */
  private meanCost = 1
  private evictions = 0

  /** The same seed makes the same choices. */
  constructor(private random: number) {}

  added(entry: Resident): void {
    this.meanCost += (this.costOf(entry.costMs) - this.meanCost) / 64
    entry.worth = this.worthOf(entry.costMs, entry.bytes, 1)
  }

  used(entry: Resident): void {
    if (entry.uses < 255) entry.uses++
    entry.worth = this.worthOf(entry.costMs, entry.bytes, entry.uses)
  }

  /**
   * Which slot is to be left for a newcomer. Undefined: it is worth less than all, or there is none. `insists`: it is let in
   * whatever it is worth.
   */
  victim<E extends Resident>({ slots, inUse }: { readonly slots: readonly (E | undefined)[]; readonly inUse: readonly number[] }, costMs: number, bytes: number, insists: boolean, expired: (entry: E) => boolean): number | undefined {
    let victim: number | undefined
    let least = Infinity
    const { length } = inUse
    for (let tried = 0; tried < Math.min(sampleSize, length); tried++) {
      // Where there are few all are looked at.
      const slot = inUse[length <= sampleSize ? tried : this.pick(length)]!
      const entry = slots[slot]!
      const worth = expired(entry) ? -1 : entry.worth
      if (worth >= least) continue
      least = worth
      victim = slot
    }
    if (victim === undefined) return undefined
    const own = this.worthOf(costMs, bytes, 1)
    if (least > own && !insists) {
      this.floor = own
      return undefined
    }
    if (least > this.floor) this.floor = least
    if (++this.evictions > length) this.lower(slots)
    return victim
  }

  private pick(count: number): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) | 0
    return Math.floor(((this.random >>> 0) / 2 ** 32) * count)
  }

  private costOf(costMs: number): number {
    return costMs > 0 ? Math.min(Math.max(costMs, 1e-3), 1e15) : this.meanCost
  }

  private worthOf(costMs: number, bytes: number, uses: number): number {
    return this.floor + (uses * this.costOf(costMs)) / bytes
  }

  /** Back to 0, once in a turnover, so that sums never lose digits. */
  private lower(slots: readonly (Resident | undefined)[]): void {
    for (const entry of slots) if (entry !== undefined) entry.worth = Math.max(0, entry.worth - this.floor)
    this.floor = this.evictions = 0
  }
}
