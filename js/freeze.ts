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
 * The frozen values of a cache, by slot. Low and high are of the key: what a slot held for another key is
 * never returned, even if nobody told us.
 *
 * They are held weakly: their memory is not in the budget, so it must be the garbage collector's to take. Who still holds
 * one gets the same one again; once nobody does, another is made when it is asked for. What is left over then is a hundred bytes each:
 * it is dropped whenever as many were added as there were after the last time.
 */
export class FrozenValues {
  private readonly frozen = new Map<number, { readonly low: number; readonly high: number; readonly value: WeakRef<object> | undefined }>()

  /** So many more are added before the dead ones are dropped. */
  private untilLook = firstLook

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
    if (typeof WeakRef === 'function') {
      if (--this.untilLook === 0) this.dropDead()
      this.frozen.set(slot, { low, high, value: shared ? new WeakRef(value) : undefined })
    }
    return value
  }

  /** Those that cannot be shared, too: that is soon found out again. */
  private dropDead(): void {
    const { frozen } = this
    for (const [slot, { value }] of frozen) if (value?.deref() === undefined) frozen.delete(slot)
    this.untilLook = Math.max(firstLook, frozen.size)
  }

  /** The slot has another entry now, or none. */
  drop(slot: number): void {
    this.frozen.delete(slot)
  }
}

const firstLook = 1000
