/**
 * A value that nobody can change may be shared instead of copied. Freezing makes that of plain objects, arrays and
 * primitives; a frozen Date still has its setters and a frozen typed array is refused, so a value with one of these
 * cannot be shared.
 */
import { isPlain } from './encode.js'

/** Freezes a value and all in it, if it can be shared then; else leaves it as it is. Says which. */
export function deepFreeze(value: unknown): boolean {
  const objects = new Set<object>()
  if (!collect(value, objects)) return false
  for (const object of objects) Object.freeze(object)
  return true
}

/** All objects of a value; false where one of them is neither plain nor an array. */
function collect(value: unknown, objects: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || objects.has(value)) return true
  if (!Array.isArray(value) && !isPlain(value)) return false
  objects.add(value)
  for (const name in value) if (!collect((value as Record<string, unknown>)[name], objects)) return false
  return true
}

/**
 * What the entries of a cache hold that may be shared, by slot. Low and high are of the key: what a slot held for another key is
 * never returned, even if nobody told us.
 *
 * Frozen values are held weakly: their memory is not in the budget, so it must be the garbage collector's to take. Who still holds
 * one gets the same one again; once nobody does, another is made when it is asked for. So what is left over where an entry
 * is gone costs a few words, until its slot is filled again.
 *
 * Texts cannot be changed anyway. The hottest are held here, 64 at most and of `longest` characters at most, whoever asks: making a
 * string anew is half of a hit. A text must be asked for twice in a row among those that share its place. These are in the
 * budget: they may take a 64th of it, half a megabyte at most, and `textBytes` is what the entries cannot have.
 */
export class SharedValues {
  private readonly frozen = new Map<number, { readonly low: number; readonly high: number; readonly value: WeakRef<object> | undefined }>()
  private readonly texts = new Array<string | undefined>(places).fill(undefined)
  /** Of each place: slot, low, high. */
  private readonly owners = new Uint32Array(3 * places)
  private readonly longest: number
  /** What all texts may take together: two bytes a character. */
  readonly textBytes: number

  constructor(maxBytes: number) {
    this.longest = Math.min(4096, Math.floor(maxBytes / 64 / places / 2))
    this.textBytes = 2 * places * this.longest
  }

  /** The text of this slot, if it is a hot one. */
  text(slot: number, low: number, high: number): string | undefined {
    const place = slot % places
    const text = this.texts[place]
    return text !== undefined && this.owns(3 * place, slot, low, high) ? text : undefined
  }

  /** The text of this slot was made just now. */
  noteText(slot: number, low: number, high: number, text: string): void {
    const place = slot % places
    const { owners } = this
    const at = 3 * place
    if (this.owns(at, slot, low, high)) {
      if (text.length <= this.longest) this.texts[place] = text
      return
    }
    // Owned for now by nobody but this one, who must come again.
    this.texts[place] = undefined
    owners[at] = slot
    owners[at + 1] = low
    owners[at + 2] = high
  }

  /** The value of this slot, frozen if it can be, else a copy. `decode` makes a copy. */
  of(slot: number, low: number, high: number, decode: () => unknown): unknown {
    const known = this.frozen.get(slot)
    const same = known !== undefined && known.low === low && known.high === high
    if (same && known.value === undefined) return decode()
    const kept = same ? known.value!.deref() : undefined
    if (kept !== undefined) return kept
    const value = decode()
    if (typeof value !== 'object' || value === null) return value
    const shared = deepFreeze(value)
    if (typeof WeakRef === 'function') this.frozen.set(slot, { low, high, value: shared ? new WeakRef(value) : undefined })
    return value
  }

  /** The slot has another entry now, or none. */
  drop(slot: number): void {
    this.frozen.delete(slot)
    const place = slot % places
    if (this.owners[3 * place] !== slot) return
    this.owners[3 * place] = nobody
    this.texts[place] = undefined
  }

  private owns(at: number, slot: number, low: number, high: number): boolean {
    const { owners } = this
    return owners[at] === slot && owners[at + 1] === low && owners[at + 2] === high
  }
}

const places = 64
const nobody = 0xffff_ffff
