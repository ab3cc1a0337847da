/**
 * key -> slot -> entry: the twin of src/index.h. A slot is a small number; the one that was freed last is taken first, so slots are
 * given out in the same order as there.
 */

/** A key's digest as text, half a word a code unit, so that a Map finds it. */
export function idOf(words: Uint32Array): string {
  const [a, b, c, d] = words as unknown as [number, number, number, number]
  return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16, c & 0xffff, c >>> 16, d & 0xffff, d >>> 16)
}

/** The words of an id. */
export function wordsOf(id: string): number[] {
  return [0, 2, 4, 6].map(at => id.charCodeAt(at) + id.charCodeAt(at + 1) * 0x10000)
}

export class Table<E extends { readonly id: string }> {
  private readonly places = new Map<string, number>()
  private readonly free: number[] = []
  /** As many as there ever were. */
  readonly slots: (E | undefined)[] = []
  /** Those that are not free, in no order, and where among them each slot is. */
  readonly inUse: number[] = []
  private readonly ranks: number[] = []

  get size(): number {
    return this.places.size
  }

  find(id: string): number | undefined {
    return this.places.get(id)
  }

  insert(entry: E): number {
    const slot = this.free.pop() ?? this.slots.length
    this.slots[slot] = entry
    this.ranks[slot] = this.inUse.push(slot) - 1
    this.places.set(entry.id, slot)
    return slot
  }

  erase(slot: number): void {
    this.places.delete(this.slots[slot]!.id)
    this.slots[slot] = undefined
    this.free.push(slot)
    const last = this.inUse.pop()!
    if (last === slot) return
    this.inUse[this.ranks[slot]!] = last
    this.ranks[last] = this.ranks[slot]!
  }
}
