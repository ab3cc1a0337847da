/** Options are read once, when a cache or a wrapped function is made. What is wrong is said there, by name. */
import { OptionError, show } from './errors.js'
import type { EventListener } from './events.js'
import { always, type Freshness, freshnessNames, type FreshnessOptions, parseFreshness, parseProfiles } from './freshness.js'
import type { Storage } from './storage/storage.js'
import { type ByteSize, checkNames, type Duration, parseBytes, parseDuration, parseSwitch } from './units.js'
import type { Validator } from './validate.js'

/** How entries lie in memory. */
export type Compression = 'none' | 'lz4'

/** How a value is kept. What is not given is as `profile` says, else as the cache does. */
export interface SetOptions extends Pick<FreshnessOptions, 'ttl' | 'idle' | 'swr' | 'staleIfError' | 'jitter'> {
  /** One of the cache's `profiles`. */
  profile?: string
  /** What the value depends on: `cache.invalidate({ tag })` forgets all values of a tag at once. An entry has room for 62 (its scope is one, too), and each tag that is in use takes some 100 bytes. */
  tags?: readonly string[]
}

/** How one call waits. None of it is part of its key. */
export interface CallOptions {
  /** Ends this caller's wait; the call rejects with the signal's reason. The function goes on as long as anybody else waits for it. */
  signal?: AbortSignal
  /** How long this caller waits: then the call rejects with DeadlineError. Likewise nobody else is touched. Default `'forever'`. */
  deadline?: Duration
  /** The function runs even if there is a result. Should it fail, a result within `staleIfError` answers. */
  forceFresh?: boolean
}

export interface ReadOptions<Result = unknown> extends FreshnessOptions {
  /** One of the cache's `profiles`; what is given beside it counts more. */
  profile?: string
  /**
   * Answers are frozen, deep down, and all callers share one, the first of them too: a hit makes no copy. Who changes an answer
   * gets a TypeError (in strict code), and changes nobody's. A value that holds more than plain objects, arrays and
   * primitives (a Date, Map, Set, typed array …) cannot be frozen: it is copied for each caller as without this option. What
   * counts in `memory.maxBytes` is the entry; the shared object comes on top for as long as somebody holds it, or until the
   * garbage collector takes it. Default: the cache's `freeze`.
   */
  freeze?: boolean
  /**
   * What a result must be like: a function that says true, or a Standard Schema (Zod, Valibot, ArkType …). One that is not is returned but
   * not stored, and one in the cache is dropped and made anew. The result itself is judged, never changed.
   */
  validate?: Validator<NoInfer<Result>>
  /** Errors are results, too, for `ttl`, if `when` says so: the next calls reject with a copy of the error, and the function rests. Default: no error is stored. */
  cacheErrors?: { ttl: Duration; when?: (error: unknown) => boolean }
  /** The function runs to its end, and its result is stored, even if no caller waits for it any more. Default: its `ctx.signal` aborts. */
  keepAlive?: boolean
}

export interface GetOrSetOptions<Result = unknown> extends ReadOptions<Result>, CallOptions {
  /** What the value depends on: `cache.invalidate({ tag })` forgets all values of a tag at once. `ctx.tags()` adds some that the value tells. */
  tags?: readonly string[]
}

/** What all wrapped functions may be told. */
export interface FunctionOptions<Args extends readonly unknown[], Result> extends ReadOptions<Result> {
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
  /** What results depend on, or a function of the arguments that says it; 62 at most. `ctx.tags()` adds tags that only the result tells. A result with more tags than that in all is not stored. */
  tags?: readonly string[] | ((...args: Args) => readonly string[])
  /** Where there is no result of this `version`, those of older versions are looked for in this order, and changed by `to`. One that it throws for is not used. */
  migrate?: { from: readonly (string | number)[]; to: (old: unknown, version: string | number) => Result | Promise<Result> }
}

export interface WrapOptions<Args extends readonly unknown[] = readonly unknown[], Result = never> extends FunctionOptions<Args, Result> {
  /** `true`: the function's first argument is a `CallContext`, which its callers do not give. Default `false`. */
  context?: false
}

/** `Args`: the arguments that callers give. */
export interface ContextOptions<Args extends readonly unknown[] = readonly unknown[], Result = never> extends FunctionOptions<Args, Result> {
  /** The function's first argument is a `CallContext`, which its callers do not give. */
  context: true
}

export interface CacheOptions extends FreshnessOptions {
  /** Where entries outlive the process. Default: the runtime's own (see `createCache`); `false` for memory only. */
  storage?: Storage | false
  /**
   * Whose entries these are; another scope never sees them. Required with a storage that is shared by nature (`Storage.shared`: Redis, say), so that sharing is somebody's
   * decision; `'public'` is what to call a scope that is everyone's, and is a scope like any other. Default: none.
   */
  scope?: string
  /**
   * With a secret (at least 16 bytes, random), entries are named in storage by HMAC-SHA-256 under it instead of SHA-256: who sees the
   * storage cannot tell what was asked, even by guessing. And they are authenticated, tokens too: what was not written by somebody with the secret, or
   * not for its place, is refused (`bad-mac`). All who share the entries need the same one. With another one a cache begins empty. Default: none.
   */
  secret?: string | Uint8Array | undefined
  /**
   * What goes to storage is encrypted by AES-256-GCM: `true` under a key that is derived from the secret, `{ keys: [newest, …older] }` under keys of your own (at least 16
   * bytes each, random), of which the first writes and all read. Needs a `secret`. A key is good for 2^32 writes, those of all processes together. Memory is not encrypted. Default `false`.
   */
  encrypt?: boolean | { keys: readonly (string | Uint8Array)[] }
  memory?: {
    /**
     * All memory that the cache takes: its WebAssembly memory with entries, keys, index and the core itself (0.4 MB), a 32nd
     * (at most 2 MB) for values that are asked for again and again, and a 64th (at most 1 MB) for requests that are. Never more. Default `'64MB'`; at least 1 MB.
     */
    maxBytes?: ByteSize
    /** A larger result is not stored. Default `'8MiB'`. */
    maxEntryBytes?: ByteSize
    /**
     * `'lz4'`: entries in memory are compressed, each against a dictionary made of the first results of its function. Results of a
     * kilobyte then take some 40 % of their size, so that the same `maxBytes` hold twice as many. Up to 1.7 MB of `maxBytes`, but
     * never more than a quarter, are for the dictionaries: below 3 MB nothing is compressed. Storage is not affected. Default `'none'`.
     */
    compression?: Compression
  }
  /** Options of freshness by name, for `{ profile: 'name' }`. */
  profiles?: Readonly<Record<string, FreshnessOptions>>
  /** Answers are frozen and shared where a call does not say; see `ReadOptions`. Default `false`. */
  freeze?: boolean
  /**
   * How soon an invalidation by another process or tab is obeyed at the latest, where they share the storage: calls ask the storage that often
   * whether there was one, one read each time. (An entry that is read from storage is always judged by what this process knows.) `'forever'`: never asked. Default `'5s'`.
   */
  invalidationLag?: Duration
  /** How long a call waits for the storage, and who deletes or invalidates; then it goes on without. Default 250 ms, at the edge 50 ms; `'forever'`: no limit. */
  storageDeadline?: Duration
  /**
   * Of all who share a storage that can tell (files, Redis, IndexedDB), one computes a key while the others wait for that. It is let go of when the result is there;
   * a process that has died, or was too busy to say otherwise, is not waited for any longer than this. At least `'1s'`; 0: every process computes for itself. Default `'10s'`.
   */
  lease?: Duration
  /** Where work goes that outlasts its call (writes to storage, refreshes): at the edge, `waitUntil` of `cloudflare:workers`, or of `@vercel/functions`. The promises never reject. */
  waitUntil?: (work: Promise<unknown>) => void
  /** Told of everything that happens. */
  onEvent?: EventListener
  /**
   * Events of calls say the call's name in storage (`key`), as `withInfo` does. It takes a digest (SHA-256) for each call, of memory's hits too: 2 to 4 us in Node; in browsers and at the edge, where
   * digests are asynchronous, events come as much later, in their order. Default `false`.
   */
  eventKeys?: boolean
  /** Time and chance, for tests: `virtualClock()` of `reprise/testing`. Default: the runtime's own. */
  clock?: Clock
}

/** All that a cache knows of time and chance. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number
  /** Milliseconds from some fixed point; never goes back. */
  stopwatch(): number
  /** Calls `run` once, after so many milliseconds; what it returns takes that back. `idly`: a process that has nothing else to do need not wait for it. */
  after(ms: number, run: () => void, idly?: boolean): () => void
  /** At least 0, below 1. */
  random(): number
}

export interface ParsedOptions {
  readonly storage: Storage | false | undefined
  readonly scope: string | null
  /** As they were given: js/trust.ts reads them. */
  readonly secret: unknown
  readonly encrypt: unknown
  readonly maxBytes: number
  readonly maxEntryBytes: number
  readonly compress: boolean
  readonly freshness: Freshness
  readonly profiles: ReadonlyMap<string, Freshness>
  readonly freeze: boolean
  readonly invalidationLagMs: number
  readonly storageDeadlineMs: number | undefined
  readonly leaseMs: number
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  readonly onEvent: EventListener | undefined
  readonly eventKeys: boolean
  readonly clock: Clock | undefined
}

export function parseOptions(options: CacheOptions = {}): ParsedOptions {
  checkNames('createCache', options, ['storage', 'scope', 'secret', 'encrypt', 'memory', ...freshnessNames, 'profiles', 'freeze', 'invalidationLag', 'storageDeadline', 'lease', 'waitUntil', 'onEvent', 'eventKeys', 'clock'])
  const memory = options.memory ?? {}
  checkNames('memory', memory, ['maxBytes', 'maxEntryBytes', 'compression'])
  const { storage } = options
  if (storage !== undefined && storage !== false) checkStorage(storage, options.scope)
  const freshness = parseFreshness(options, always)
  return {
    storage,
    scope: options.scope === undefined ? null : parseScope('scope', options.scope),
    secret: options.secret,
    encrypt: options.encrypt === false ? undefined : options.encrypt,
    maxBytes: parseBytes('memory.maxBytes', memory.maxBytes ?? '64MB', 1_000_000, 2 ** 31, ', of which the core itself takes 0.4 MB'),
    maxEntryBytes: parseBytes('memory.maxEntryBytes', memory.maxEntryBytes ?? '8MiB', 1, 2 ** 31),
    compress: parseCompression(memory.compression),
    freshness,
    profiles: parseProfiles(options.profiles, freshness),
    freeze: parseSwitch('freeze', options.freeze ?? false),
    invalidationLagMs: parseDuration('invalidationLag', options.invalidationLag === undefined ? '5s' : options.invalidationLag),
    storageDeadlineMs: options.storageDeadline === undefined ? undefined : parseDuration('storageDeadline', options.storageDeadline),
    leaseMs: parseLease(options.lease ?? '10s'),
    waitUntil: parseFunction('waitUntil', options.waitUntil, '(promise) => ctx.waitUntil(promise)'),
    onEvent: parseFunction('onEvent', options.onEvent, '(event) => { … }'),
    eventKeys: parseSwitch('eventKeys', options.eventKeys ?? false),
    clock: parseClock(options.clock),
  }
}

function parseClock(clock: Clock | undefined): Clock | undefined {
  if (clock === undefined) return undefined
  for (const verb of ['now', 'stopwatch', 'after', 'random'] as const) {
    if (typeof (clock as Partial<Clock> | null)?.[verb] !== 'function') throw new OptionError('clock', `${show(clock)} has no function ${verb}(). A clock has now, stopwatch, after and random; reprise/testing makes one.`)
  }
  return clock
}

function parseLease(lease: unknown): number {
  const ms = parseDuration('lease', lease)
  if (ms > 0 && !(ms >= 1_000 && ms <= 3_600_000)) throw new OptionError('lease', `${show(lease)} is not between 1 second and 1 hour. Leave it out for '10s', or give 0, and every process computes for itself.`)
  // Servers take whole milliseconds.
  return Math.ceil(ms)
}

/** A scope's name. */
export function parseScope(option: string, scope: unknown): string {
  if (typeof scope === 'string' && scope !== '') return scope
  throw new OptionError(option, `${show(scope)} is not a name. Give a string that is not empty, such as a tenant's id.`)
}

/** A function, or undefined where there is none. */
export function parseFunction<F extends (...args: never[]) => unknown>(option: string, value: F | undefined, like: string): F | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw new OptionError(option, `${show(value)} is not a function. Give ${like}.`)
}

function parseCompression(value: unknown): boolean {
  if (value === undefined || value === 'none' || value === 'lz4') return value === 'lz4'
  throw new OptionError('memory.compression', `${show(value)} is no way to compress. Give 'lz4' or 'none'.`)
}

function checkStorage(storage: Storage, scope: unknown): void {
  for (const verb of ['get', 'set', 'delete'] as const) {
    if (typeof storage?.[verb] !== 'function') {
      throw new OptionError('storage', `${show(storage)} has no function ${verb}(). A storage has get, set and delete; \`storage: false\` means memory only.`)
    }
  }
  if (storage.shared === true && scope === undefined) {
    throw new OptionError('scope', "is required where others share the storage. Give scope: 'tenant', or scope: 'public' to share with everyone.")
  }
}
