/** Options are read once, when a cache or a wrapped function is made. What is wrong is said there, by name. */
import { OptionError, show } from './errors.js'
import type { EventListener } from './events.js'
import type { Storage } from './storage/storage.js'

/** Milliseconds, or text: `'250ms' '90s' '5m' '2h' '30d' '1w' 'forever'`. 0 means: do not store. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}` | 'forever'

/** Bytes, or text: `'64MB'` (10^6), `'64MiB'` (2^20), and likewise KB, KiB, GB, GiB. */
export type ByteSize = number | `${number}${'B' | 'KB' | 'KiB' | 'MB' | 'MiB' | 'GB' | 'GiB'}`

/** How entries lie in memory. */
export type Compression = 'none' | 'lz4'

export interface CallOptions {
  /** How long a result is fresh. Default: the cache's `ttl`. */
  ttl?: Duration
}

export interface ReadOptions extends CallOptions {
  /**
   * Answers are frozen, deep down, and all callers share one, the first of them too: a hit makes no copy. Who changes an answer
   * gets a TypeError (in strict code), and changes nobody's. A value that holds more than plain objects, arrays and
   * primitives (a Date, Map, Set, typed array …) cannot be frozen: it is copied for each caller as without this option. What
   * counts in `memory.maxBytes` is the entry; the shared object comes on top for as long as somebody holds it, or until the
   * garbage collector takes it. Default: the cache's `freeze`.
   */
  freeze?: boolean
}

export interface WrapOptions<Args extends readonly unknown[] = never[]> extends ReadOptions {
  /**
   * What the function is called in keys, so that two functions never share an entry. Default: the function's own name;
   * required where it has none, or where another wrapped function of the cache has that name.
   */
  name?: string
  /** Part of every key: change it when the function's results change shape. Default: none. */
  version?: string | number
  /** What identifies a call, in place of its arguments. `this` is that of the call. */
  key?: (...args: Args) => unknown
  /**
   * Members of the arguments that do not count, as dotted paths: `['user', 'metadata.traceId']`. A path begins at each
   * argument, and goes through an array to each of its items.
   */
  ignore?: readonly string[]
}

export interface CacheOptions {
  /** Where entries outlive the process. Default: the runtime's own (see `createCache`); `false` for memory only. */
  storage?: Storage | false
  /** Whose entries these are; another scope never sees them. Default: none. */
  scope?: string
  /**
   * With a secret (at least 16 bytes), entries are named in storage by HMAC-SHA-256 under it instead of SHA-256: who sees the
   * storage cannot tell what was asked, even by guessing. All who share the storage need the same one. Default: none.
   */
  secret?: string | Uint8Array
  memory?: {
    /**
     * All memory that the cache takes: its WebAssembly memory with entries, keys, index and the core itself (0.4 MB), and a 64th
     * (at most 512 KiB) for texts that are asked for again and again. Never more. Default `'64MB'`; at least 1 MB.
     */
    maxBytes?: ByteSize
    /** A larger result is not stored. Default `'8MiB'`. */
    maxEntryBytes?: ByteSize
    /**
     * `'lz4'`: entries in memory are compressed, each against a dictionary made of the first results of its function. Results of a
     * kilobyte then take some 40 % of their size, so that the same `maxBytes` hold twice as many. Up to 1.1 MB of `maxBytes`, but
     * never more than an eighth, are for the dictionaries: below 2.4 MB nothing is compressed. Storage is not affected. Default `'none'`.
     */
    compression?: Compression
  }
  /** How long results are fresh where a call does not say. Default `'forever'`. */
  ttl?: Duration
  /** Answers are frozen and shared where a call does not say; see `ReadOptions`. Default `false`. */
  freeze?: boolean
  /** Told of everything that happens. */
  onEvent?: EventListener
}

export interface ParsedOptions {
  readonly storage: Storage | false | undefined
  readonly scope: string | null
  readonly secret: Uint8Array | undefined
  readonly maxBytes: number
  readonly maxEntryBytes: number
  readonly compress: boolean
  readonly ttlMs: number
  readonly freeze: boolean
  readonly onEvent: EventListener | undefined
}

export function parseOptions(options: CacheOptions = {}): ParsedOptions {
  checkNames('createCache', options, ['storage', 'scope', 'secret', 'memory', 'ttl', 'freeze', 'onEvent'])
  const memory = options.memory ?? {}
  checkNames('memory', memory, ['maxBytes', 'maxEntryBytes', 'compression'])
  const { storage, scope, onEvent } = options
  if (storage !== undefined && storage !== false) checkStorage(storage)
  if (scope !== undefined && (typeof scope !== 'string' || scope === '')) {
    throw new OptionError('scope', `${show(scope)} is not a name. Give a string that is not empty, such as a tenant's id.`)
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new OptionError('onEvent', `${show(onEvent)} is not a function. Give (event) => { … }.`)
  }
  return {
    storage,
    scope: scope ?? null,
    secret: parseSecret(options.secret),
    maxBytes: parseBytes('memory.maxBytes', memory.maxBytes ?? '64MB', 1_000_000, 2 ** 31, ', of which the core itself takes 0.4 MB'),
    maxEntryBytes: parseBytes('memory.maxEntryBytes', memory.maxEntryBytes ?? '8MiB', 1, 2 ** 31),
    compress: parseCompression(memory.compression),
    ttlMs: parseDuration('ttl', options.ttl ?? 'forever'),
    freeze: parseSwitch('freeze', options.freeze ?? false),
    onEvent,
  }
}

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

function parseCompression(value: unknown): boolean {
  if (value === undefined || value === 'none' || value === 'lz4') return value === 'lz4'
  throw new OptionError('memory.compression', `${show(value)} is no way to compress. Give 'lz4' or 'none'.`)
}

function parseSecret(secret: unknown): Uint8Array | undefined {
  if (secret === undefined) return undefined
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  // What is wrong with a secret is said without showing it.
  if (!(bytes instanceof Uint8Array)) throw new OptionError('secret', 'is neither a string nor a Uint8Array. Give at least 16 random bytes.')
  if (bytes.length < 16) throw new OptionError('secret', `has ${bytes.length} bytes, which can be guessed. Give at least 16 random ones.`)
  return bytes.slice()
}

function checkStorage(storage: Storage): void {
  for (const verb of ['get', 'set', 'delete'] as const) {
    if (typeof storage?.[verb] !== 'function') {
      throw new OptionError('storage', `${show(storage)} has no function ${verb}(). A storage has get, set and delete; \`storage: false\` means memory only.`)
    }
  }
}
