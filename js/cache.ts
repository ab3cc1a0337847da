/** The cache that users hold: it puts the parts together and hands them to the flow (call.ts). */
import { call } from './call.js'
import { Core, type CoreStats, type Key } from './core.js'
import { keyPrefix } from './encode.js'
import { OptionError, show, StorageError } from './errors.js'
import { safely } from './events.js'
import { Flights } from './flights.js'
import { parseIgnore } from './ignore.js'
import { type CacheOptions, type CallOptions, checkNames, parseDuration, type ParsedOptions, parseOptions, parseSwitch, type ReadOptions, type WrapOptions } from './options.js'
import { fromMemory, fromStorage, keep, type Landing, missed, type Parts, type Plan, type StorageName, type Totals } from './results.js'
import type { Runtime } from './runtimes/runtime.js'
import { StorageGuard } from './storage/guard.js'
import { hex, type Tag, Tokens } from './tokens.js'
import { decodeValue, encodeValue } from './value.js'
import type { AnyFunction, Wrapped } from './wrapped.js'

interface Place {
  readonly key: Key
  readonly name: StorageName | undefined
}

/** A key that the user makes: a text, or an array of whatever identifies the value. */
export type UserKey = string | readonly unknown[]

export interface CacheStats {
  /** Calls that were answered, get() and has() among them: always hits + misses + bypasses. (A call whose arguments cannot be a key is none.) */
  calls: number
  /** Calls that a stored value answered, from memory or from storage. */
  hits: number
  /** Calls that had to compute or to wait for a computation. */
  misses: number
  /** Calls that ran their function, or found nothing, because the cache could not work. */
  bypasses: number
  /** Misses that waited for a computation which another call had started. */
  joined: number
  /** Results that went to their callers but were not kept, for the reasons that `not-stored` events give. */
  notStored: number
  /** Milliseconds of computing that hits saved. */
  savedMs: number
  /** Operations of the storage that failed. */
  storageErrors: number
  /** Entries in memory now, and the bytes they take with their keys. `core.memory` is what the whole cache takes: never above `maxBytes`. */
  entries: number
  bytes: number
  /** The counters of the core, one by one; src/stats.h says when each is bumped. */
  core: CoreStats | undefined
}

export class Cache {
  private readonly names = new Map<string, AnyFunction>()
  /** Wrapped functions by name, numbered as they came: from 1, as 0 are the keys that users make. */
  private readonly groups = new Map<string, number>()
  /** Of the keys that users make, where a call says nothing else. */
  private readonly userPlan: Plan

  /** Use createCache(). */
  constructor(
    private readonly parts: Parts,
    private readonly options: ParsedOptions,
  ) {
    const { scope, ttlMs, freeze } = options
    this.userPlan = { name: null, prefix: keyPrefix(scope, null, null), ttlMs, group: 0, tags: [{ kind: 'scope', value: null }], freeze }
  }

  /**
   * The function, asking the cache first. The arguments are the key; the result is kept for `ttl`.
   * Throws OptionError for bad options, and where two functions would share a name. A call whose arguments
   * cannot be a key rejects with KeyError; a function that throws is not cached, and each waiting caller gets the error.
   */
  wrap<F extends AnyFunction>(fn: F, options: WrapOptions<Parameters<F>> = {}): Wrapped<F> {
    const plan = this.planOf(fn, options as WrapOptions)
    const { parts } = this
    const run = fn as unknown as (...args: unknown[]) => unknown
    const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      try {
        const identity = plan.identify === undefined ? args : plan.identify.call(this, args)
        return call(parts, plan, identity, () => run.apply(this, args))
      } catch (error) {
        return Promise.reject(error)
      }
    }
    Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true })
    Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
    return Object.assign(wrapped, { invalidate: async (...args: unknown[]) => this.forget(plan, plan.identify?.call(undefined, args) ?? args) }) as unknown as Wrapped<F>
  }

  /**
   * wrap() as a decorator of methods (`@cache.cached({ ttl: '2h' })`, TC39) and as a function of functions
   * (`cache.cached({ ttl: '2h' })(fn)`). `this` is no part of the key: name what the result depends on as an argument.
   */
  cached<Args extends readonly unknown[] = never[]>(options: WrapOptions<Args> = {}): <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext) => Wrapped<F> {
    return <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext) => {
      if (context !== undefined && context.kind !== 'method') {
        throw new OptionError('cached', `cannot decorate a ${(context as { kind: string }).kind}. It decorates methods; wrap other functions with cache.wrap(fn).`)
      }
      const given = options as unknown as WrapOptions<Parameters<F>>
      if (given.name !== undefined || typeof context?.name !== 'string') return this.wrap(fn, given)
      return this.wrap(fn, { ...given, name: this.claim(context.name, fn) })
    }
  }

  /** The value under a key, or what `load` returns, which is then kept. One `load` runs for all who ask meanwhile. */
  getOrSet<T>(key: UserKey, load: () => T, options?: ReadOptions): Promise<Awaited<T>> {
    if (typeof load !== 'function') throw new OptionError('getOrSet: load', `${show(load)} is not a function. Give () => the value.`)
    return call(this.parts, this.planOfKey('getOrSet', options), argsOf(key), load) as Promise<Awaited<T>>
  }

  /** The value under a key; undefined where there is none (has() tells it from a stored undefined). */
  get(key: UserKey): Promise<unknown> {
    return this.find(key, value => value, undefined)
  }

  has(key: UserKey): Promise<boolean> {
    return this.find(key, () => true, false)
  }

  /** Keeps a value under a key; resolves when memory has it and the storage was told. */
  async set(key: UserKey, value: unknown, options?: CallOptions): Promise<void> {
    const { parts } = this
    const plan = this.planOfKey('set', options)
    const { core } = parts
    if (core === undefined) return
    const place = await this.place(plan, argsOf(key))
    parts.flights.doom(place.key.id)
    const tokens = await parts.tokens.snapshot(plan.tags)
    const { key: digest, name } = place
    keep(parts, plan, { key: digest, name, tokens, value, costMs: 0, doomed: () => false })
    if (name !== undefined) await parts.storage?.written(name.text)
  }

  /** Forgets a key, in memory and in storage. */
  delete(key: UserKey): Promise<void> {
    return this.forget(this.userPlan, argsOf(key))
  }

  /**
   * Forgets all results of one function, or everything of this cache's scope. Takes one write however many entries
   * there are. What is being computed meanwhile is not kept.
   */
  async invalidate(what: 'all' | { name: string }): Promise<void> {
    const tag = this.tagOf(what)
    this.parts.flights.doomTagged(tag)
    await this.parts.tokens.renew(tag)
    this.parts.emit?.({ type: 'invalidated', what: tag.kind === 'name' ? `name ${tag.value}` : 'all' })
  }

  stats(): CacheStats {
    const { parts } = this
    const core = parts.core?.stats()
    const { hits, misses, notStored, savedMs } = totals(parts.before, core)
    return {
      calls: hits + misses + parts.bypasses,
      hits,
      misses,
      bypasses: parts.bypasses,
      joined: parts.joined,
      notStored: parts.unstorable + notStored,
      savedMs,
      storageErrors: parts.storage?.errors ?? 0,
      entries: core?.entries ?? 0,
      bytes: core?.bytes ?? 0,
      core,
    }
  }

  /** Waits for what is being written, then lets go of the storage. */
  async close(): Promise<void> {
    await this.parts.storage?.close()
  }

  private planOf(fn: AnyFunction, options: WrapOptions): Plan {
    if (typeof fn !== 'function') throw new OptionError('wrap: fn', `${show(fn)} is not a function.`)
    checkNames('wrap', options, ['name', 'version', 'key', 'ignore', 'ttl', 'freeze'])
    const { name: given, version, key } = options
    if (given !== undefined && (typeof given !== 'string' || given === '')) {
      throw new OptionError('name', `${show(given)} is not a name. Give a string that is not empty.`)
    }
    if (version !== undefined && typeof version !== 'string' && !Number.isSafeInteger(version)) {
      throw new OptionError('version', `${show(version)} is not a version. Give a whole number or a string.`)
    }
    if (key !== undefined && typeof key !== 'function') {
      throw new OptionError('key', `${show(key)} is not a function. Give (...args) => what identifies the call.`)
    }
    const prune = parseIgnore(options.ignore)
    if (key !== undefined && prune !== undefined) throw new OptionError('ignore', 'has nothing to do beside `key`: what the key leaves out does not count. Give one of them.')
    const name = given ?? this.claim(fn.name, fn)
    return {
      name,
      prefix: keyPrefix(this.options.scope, name, version ?? null),
      ttlMs: this.ttlOf(options),
      group: this.groupOf(name),
      tags: [{ kind: 'scope', value: null }, { kind: 'name', value: name }],
      freeze: this.freezes(options),
      identify: key === undefined ? prune : function (args) { return [(key as (...args: unknown[]) => unknown).apply(this, [...args])] },
    }
  }

  private groupOf(name: string): number {
    let group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, (group = this.groups.size + 1))
    return group
  }

  /** The name that a function takes without being given one: its own, if no other function has taken it. */
  private claim(name: string, fn: AnyFunction): string {
    if (name === '') throw new OptionError('name', 'the function has none of its own. Give { name: … }, so that no other function shares its entries.')
    const holder = this.names.get(name)
    if (holder !== undefined && holder !== fn) {
      throw new OptionError('name', `another function of this cache is called ${show(name)}, and the two would share entries. Give one of them a { name: … } of its own.`)
    }
    this.names.set(name, fn)
    return name
  }

  private ttlOf({ ttl }: CallOptions): number {
    return ttl === undefined ? this.options.ttlMs : parseDuration('ttl', ttl)
  }

  private freezes({ freeze }: ReadOptions): boolean {
    return freeze === undefined ? this.options.freeze : parseSwitch('freeze', freeze)
  }

  private planOfKey(verb: string, options: ReadOptions | undefined): Plan {
    const { userPlan } = this
    if (options === undefined) return userPlan
    checkNames(verb, options, verb === 'getOrSet' ? ['ttl', 'freeze'] : ['ttl'])
    return { ...userPlan, ttlMs: this.ttlOf(options), freeze: this.freezes(options) }
  }

  private tagOf(what: 'all' | { name: string }): Tag {
    if (what === 'all') return { kind: 'scope', value: null }
    const name: unknown = (what as { name?: unknown } | undefined)?.name
    if (typeof name === 'string') return { kind: 'name', value: name }
    throw new OptionError('invalidate', `${show(what)} names nothing. Give 'all' or { name: 'of the function' }.`)
  }

  /** What `of` makes of the value under a key, or `none`. What memory has costs one look-up. */
  private find<T>(key: UserKey, of: (value: unknown) => T, none: T): Promise<T> {
    const { parts, userPlan } = this
    try {
      const value = fromMemory(parts, userPlan, argsOf(key))
      if (value !== missed) return Promise.resolve(of(value))
    } catch (error) {
      return Promise.reject(error)
    }
    const { core, storage } = parts
    if (core === undefined) parts.bypasses++
    if (core === undefined || storage === undefined) return Promise.resolve(none)
    return this.findStored(core).then(landing => (landing === undefined ? none : of(landing.value)))
  }

  private async findStored(core: Core): Promise<Landing | undefined> {
    const { parts, userPlan } = this
    const place = await this.currentPlace(core)
    await parts.tokens.snapshot(userPlan.tags)
    return place.name && fromStorage(parts, userPlan, place.key, place.name)
  }

  private async forget(plan: Plan, args: readonly unknown[]): Promise<void> {
    const { parts } = this
    if (parts.core === undefined) return
    const { key, name } = await this.place(plan, args)
    parts.core?.invalidate(key)
    parts.flights.doom(key.id)
    if (name !== undefined) await parts.storage?.delete(name.text)
    parts.emit?.({ type: 'invalidated', what: plan.name === null ? 'a key' : `a key of ${plan.name}` })
  }

  /** Where the entry of these arguments lives, in memory and in storage. */
  private async place(plan: Plan, args: readonly unknown[]): Promise<Place> {
    const core = this.parts.core!
    core.digest(plan.prefix, args)
    return this.currentPlace(core)
  }

  /** The same of the key that the core was given last. */
  private async currentPlace(core: Core): Promise<Place> {
    const key = core.key()
    return { key, name: this.parts.storage && (await this.parts.storageName(core.canonicalBytes())) }
  }
}

/** What all cores have counted: those that were lost, and this one. */
function totals(before: Totals, core: CoreStats | undefined): Totals {
  if (core === undefined) return before
  const admitted = core.hitsAdmitted
  return {
    hits: before.hits + core.hitsFresh + core.hitsStale + admitted,
    misses: before.misses + core.missesAbsent + core.missesEvicted + core.missesExpired + core.missesInvalidated - admitted,
    notStored: before.notStored + core.notStored,
    savedMs: before.savedMs + core.savedMs,
  }
}

function argsOf(key: UserKey): readonly unknown[] {
  if (typeof key === 'string') return [key]
  if (Array.isArray(key)) return key as readonly unknown[]
  throw new OptionError('key', `${show(key)} is not a key. Give a string, or an array such as ['user', id].`)
}

function whyNoCore(error: unknown): string {
  const refused = typeof WebAssembly === 'object' && error instanceof WebAssembly.CompileError && /content security policy|unsafe-eval/i.test(error.message)
  return `WebAssembly could not be started here, so calls run their functions uncached. ${
    refused ? "Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy." : 'The error says what was refused.'
  }`
}

/** createCache() for one runtime. */
export function createCacheIn(runtime: Runtime): (options?: CacheOptions) => Promise<Cache> {
  // One module for all caches, and one for all that compress; each cache has an instance of its own.
  const compiled = new Map<boolean, Promise<WebAssembly.Module>>()
  const compile = (dense: boolean): Promise<WebAssembly.Module> => {
    let module = compiled.get(dense)
    if (module === undefined) {
      module = runtime.compile(dense).catch((error: unknown) => {
        compiled.delete(dense)
        throw error
      })
      compiled.set(dense, module)
    }
    return module
  }
  return async options => {
    const parsed = parseOptions(options)
    const emit = safely(parsed.onEvent)
    const chosen = parsed.storage ?? runtime.defaultStorage()
    const storage = chosen ? new StorageGuard(chosen, work => runtime.background(work), emit) : undefined
    const platformDigest = runtime.digest(parsed.secret)
    const digest = async (bytes: Uint8Array): Promise<Uint8Array | undefined> => {
      try {
        return await platformDigest(bytes)
      } catch (error) {
        emit?.({ type: 'storage-error', operation: 'get', error: new StorageError('no SHA-256 can be had here, so storage is not used.', { cause: error }) })
        return undefined
      }
    }
    const parts: Parts = {
      core: undefined,
      before: { hits: 0, misses: 0, notStored: 0, savedMs: 0 },
      bypasses: 0,
      joined: 0,
      unstorable: 0,
      flights: new Flights<Landing>(),
      tokens: new Tokens({
        scope: parsed.scope,
        storage,
        digest,
        randomBytes: count => runtime.randomBytes(count),
        setToken: pair => parts.core?.setToken(pair),
      }),
      storage,
      emit,
      maxEntryBytes: parsed.maxEntryBytes,
      now: () => runtime.now(),
      stopwatch: () => performance.now(),
      encodeValue,
      decodeValue,
      async storageName(canonical) {
        const bytes = await digest(canonical)
        return bytes && { bytes, text: hex(bytes) }
      },
      trapped(error) {
        // Its counters can still be read; that of a trap, if any, is the last of them.
        parts.before = totals(parts.before, parts.core?.stats())
        parts.core = undefined
        emit?.({ type: 'uncached', why: 'the core failed; it is being built anew, and until then calls run their functions.', error })
        void start()
      },
    }
    const start = async (): Promise<void> => {
      try {
        const secret = new Uint32Array(runtime.randomBytes(16).buffer)
        const core = await Core.create(await compile(parsed.compress), parsed, secret, storage !== undefined)
        parts.core = core
        await parts.tokens.retell()
      } catch (error) {
        parts.core = undefined
        emit?.({ type: 'uncached', why: whyNoCore(error), error })
      }
    }
    await start()
    return new Cache(parts, parsed)
  }
}
