/** One class per whose fault it is. Every message says what happened, where, and what would be right. */

/** Something is wrong with one part of a value. */
abstract class PathError extends Error {
  constructor(
    readonly path: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path} ${problem}`, options)
  }
}

/** The arguments of a call cannot be a key. `path` names the part: `args[0].tools[2].run`. */
export class KeyError extends PathError {
  override readonly name = 'KeyError'
}

/** An option of createCache or wrap is wrong. Thrown when the cache or the function is made, never later. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError'
  constructor(
    readonly option: string,
    problem: string,
  ) {
    super(`${option}: ${problem}`)
  }
}

/** A value cannot be stored. It never reaches the caller, who gets the value: it is the `error` of an event. */
export class ValueError extends PathError {
  override readonly name = 'ValueError'
  /** It can be stored, but takes more than `memory.maxEntryBytes`. */
  declare readonly tooLarge?: true
}

/** A storage failed. It never reaches the caller of a wrapped function: it is the `error` of an event. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
}

/** Nobody answered in time: a caller's `deadline` is over, or the function took longer than its `timeout`. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** A function waits, by way of the calls it makes, for its own result: that would never end. */
export class ReentrantCallError extends Error {
  override readonly name = 'ReentrantCallError'
}

/** A value as a message shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `a function${value.name ? ` (${value.name})` : ''}`
  if (typeof value === 'object' && value !== null) return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`
  return String(value)
}
