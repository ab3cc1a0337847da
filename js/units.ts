/** Durations, sizes and switches as users write them. Each reader throws OptionError for anything that is not exactly one. */
import { OptionError, show } from './errors.js'

/** Milliseconds, or text: `'250ms' '90s' '5m' '2h' '30d' '1w' 'forever'`. 0 means: do not store. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}` | 'forever'

/** Bytes, or text: `'64MB'` (10^6), `'64MiB'` (2^20), and likewise KB, KiB, GB, GiB. */
export type ByteSize = number | `${number}${'B' | 'KB' | 'KiB' | 'MB' | 'MiB' | 'GB' | 'GiB'}`

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A duration in milliseconds; `'forever'` is Infinity. Throws OptionError for anything that is not exactly one. */
export function parseDuration(option: string, value: unknown): number {
  if (value === 'forever') return Infinity
  if (typeof value === 'number' && value >= 0) return value
  if (typeof value === 'string') {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(value) ?? []
    if (digits !== undefined && unit !== undefined) return Number(digits) * unitMs[unit]!
  }
  throw new OptionError(
    option,
    `${show(value)} is not a duration. Give milliseconds (0 or more), or text such as '250ms', '90s', '5m', '2h', '30d', '1w' or 'forever'.`,
  )
}

const unitBytes: Record<string, number> = { B: 1, KB: 1e3, KiB: 2 ** 10, MB: 1e6, MiB: 2 ** 20, GB: 1e9, GiB: 2 ** 30 }

/** A size in bytes between `least` and `most`. Throws OptionError for anything else, with `note` behind what would be right. */
export function parseBytes(option: string, value: unknown, least: number, most: number, note = ''): number {
  let bytes: number | undefined
  if (typeof value === 'number') bytes = value
  if (typeof value === 'string') {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(B|KB|KiB|MB|MiB|GB|GiB)$/.exec(value) ?? []
    if (digits !== undefined && unit !== undefined) bytes = Math.floor(Number(digits) * unitBytes[unit]!)
  }
  if (bytes === undefined || !Number.isFinite(bytes)) {
    throw new OptionError(option, `${show(value)} is not a size. Give bytes, or text such as '64MB', '512KB' or '8MiB'.`)
  }
  if (bytes < least || bytes > most) {
    throw new OptionError(option, `${show(value)} is out of range. Give at least ${least} and at most ${most} bytes${note}.`)
  }
  return bytes
}

/** true or false, and nothing that merely looks like one. */
export function parseSwitch(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new OptionError(option, `${show(value)} is neither true nor false.`)
}

/** Refuses an option that does not exist: it is a slip of the pen, and would be obeyed by nobody. */
export function checkNames(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(what, `${show(options)} is not an object of options. Known ones: ${known.join(', ')}.`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new OptionError(`${what}: ${name}`, `there is no such option. Known ones: ${known.join(', ')}.`)
  }
}

