/// <reference lib="esnext.disposable" preserve="true" />
/** The cache that users hold: verbs on functions, on keys, and on everything at once, of one scope. What a call does is in call.ts. */
import { verdict } from './boundary.js'
import { call, upToDate } from './call.js'
import type { CheckOptions, CheckReport } from './check.js'
import type { CallContext } from './context.js'
import type { Core, Key } from './core.js'
import { firstItems } from './encode.js'
import { OptionError, show } from './errors.js'
import type { NotStoredReason } from './events.js'
import { Failure } from './failure.js'
import type { Doomable } from './flights.js'
import type { ForgetOptions, ForgetReport } from './forget.js'
import type { Job } from './journey.js'
import { type ContextOptions, type FunctionOptions, type GetOrSetOptions, parseFunction, parseScope, type ParsedOptions, type SetOptions, type WrapOptions } from './options.js'
import type { Parts, StorageName } from './parts.js'
import { functionNames, labelOfKey, type Plan, type Planner, within } from './plan.js'
import { disown, fromMemory, hitFacts, keep, type Kept, landingOf, missed, missReasons, reportHit, type Result } from './results.js'
import type { Match, ScanProgress } from './scan.js'
import { parseSignal } from './signals.js'
import { type CacheStats, statsOf } from './stats.js'
import type { Snapshot, Tag } from './tokens.js'
import { checkNames, parseSwitch } from './units.js'
import { discard, type Payload } from './value.js'
import { expire, forget, lookedUp, surviving, unlessFailure } from './verbs.js'
import { readHow, wrapped } from './wrap.js'
import type { AnyFunction, ArgumentsOf, ResultOf, WithoutContext, Wrapped } from './wrapped.js'

/** A key that the user makes: a text, or an array of whatever identifies the value. */
export type UserKey = string | readonly unknown[]

/** What to forget: all results of a function, all values with a tag, all of a scope within this one, or everything of this scope. */
export type Group = 'all' | { name: string } | { tag: string } | { scope: string }

/** A function that options with `key`, `tags` or `migrate` for these arguments and results are right for. */
type Fitting<F extends AnyFunction, Args extends readonly unknown[], Result> = [(...args: Args) => Result] extends [(...args: ArgumentsOf<F>) => ResultOf<F>] ? unknown : (...args: Args) => Result

export class Cache {
  private readonly names = new Map<string, AnyFunction>()

  /** Use createCache(). */
  constructor(
    private readonly parts: Parts,
    private readonly options: ParsedOptions,
    private readonly planner: Planner,
    private readonly letGo: () => Promise<void>,
    private readonly turn: (on: boolean) => void,
  ) {}

  // Where no overload fits, compilers say what is wrong with the last.
  /** wrap() of a function whose first argument is a `CallContext`, which its callers do not give: `wrap(async (ctx, id: string) => …, { context: true })`. */
  wrap<F extends (context: CallContext, ...args: never[]) => unknown>(fn: F, options: ContextOptions<ArgumentsOf<WithoutContext<F>>, ResultOf<F>>): Wrapped<WithoutContext<F>>
  /** wrap() where the context says what it is of, which is the type of `ctx.stale`: `(ctx: CallContext<User>, id: string) => …`. */
  wrap<F extends (context: CallContext<ResultOf<F>>, ...args: never[]) => unknown>(fn: F, options: ContextOptions<ArgumentsOf<WithoutContext<F>>, ResultOf<F>>): Wrapped<WithoutContext<F>>
  /**
   * The function, asking the cache first. The arguments are the key; the result is kept for `ttl`.
   * Throws OptionError for bad options, and where two functions would share a name. A call whose arguments
   * cannot be a key rejects with KeyError; a function that throws is not cached, and each waiting caller gets the error.
   */
  wrap<F extends AnyFunction>(fn: F, options?: WrapOptions<ArgumentsOf<F>, ResultOf<F>>): Wrapped<F>
  wrap(fn: AnyFunction, given: object = {}): unknown {
    if (typeof fn !== 'function') throw new OptionError('wrap: fn', `${show(fn)} is not a function.`)
    checkNames('wrap', given, functionNames)
    const options = given as FunctionOptions<never[], never> & { context?: boolean }
    const { name, context } = options
    if (name !== undefined && (typeof name !== 'string' || name === '')) throw new OptionError('name', `${show(name)} is not a name. Give a string that is not empty.`)
    const plan = this.planner.ofFunction(name ?? this.claim(fn.name, fn), options)
    return wrapped(this.parts, this.planner, plan, fn as (...args: unknown[]) => unknown, context !== undefined && parseSwitch('context', context))
  }

  /**
   * wrap() as a decorator of methods (`@cache.cached({ ttl: '2h' })`, TC39) and as a function of functions
   * (`cache.cached({ ttl: '2h' })(fn)`). `this` is no part of the key: name what the result depends on as an argument.
   */
  cached<Args extends readonly unknown[] = readonly unknown[], Result = never>(options?: WrapOptions<Args, Result>): <F extends AnyFunction>(fn: F & Fitting<F, Args, Result>, context?: ClassMethodDecoratorContext<never>) => Wrapped<F>
  cached(options: object = {}): unknown {
    if (typeof options === 'function') throw new OptionError('cached', 'was used without parentheses. Write @cache.cached() or @cache.cached({ ttl: … }).')
    checkNames('cached', options, functionNames)
    return <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext<never>): Wrapped<F> => {
      if (typeof context === 'string') throw new OptionError('cached', 'is a decorator of the standard (TC39), and was called as one of TypeScript\'s older kind. Turn `experimentalDecorators` off, or use cache.wrap(fn).')
      if (context !== undefined && context.kind !== 'method') {
        throw new OptionError('cached', `cannot decorate a ${(context as { kind: string }).kind}. It decorates methods; wrap other functions with cache.wrap(fn).`)
      }
      const given = options as WrapOptions<ArgumentsOf<F>, ResultOf<F>>
      if (given.name !== undefined || typeof context?.name !== 'string') return this.wrap<F>(fn, given)
      return this.wrap<F>(fn, { ...given, name: this.claim(context.name, fn) })
    }
  }

  /** The value under a key, or what `load` returns, which is then kept. One `load` runs for all who ask meanwhile. */
  getOrSet<Load extends (context: CallContext) => unknown>(key: UserKey, load: Load, options?: GetOrSetOptions<Awaited<ReturnType<Load>>>): Promise<Awaited<ReturnType<Load>>>
  /** The same where the type is given: `getOrSet<User>('me', ctx => …)`, or `(ctx: CallContext<User>) => …`. */
  getOrSet<T>(key: UserKey, load: (context: CallContext<T>) => T | PromiseLike<T>, options?: GetOrSetOptions<T>): Promise<T>
  getOrSet(key: UserKey, load: unknown, options?: GetOrSetOptions<never>): Promise<unknown> {
    if (typeof load !== 'function') throw new OptionError('getOrSet: load', `${show(load)} is not a function. Give () => the value.`)
    const { planner } = this
    const plan = planner.ofKey('getOrSet', options)
    const args = argsOf(key)
    const job: Job = { run: load as unknown as Job['run'], args: [], tagsOf: values => planner.tagsOf(values, 'ctx.tags') }
    return call(this.parts, plan, args, job, options && readHow(options))
  }

  /** The value under a key; undefined where there is none (has() tells it from a stored undefined). Rejects with an error that was kept (`cacheErrors`). */
  get(key: UserKey): Promise<unknown> {
    return this.find(key, unlessFailure, undefined)
  }

  /** Whether there is a value; an error that was kept (`cacheErrors`) is none. */
  has(key: UserKey): Promise<boolean> {
    return this.find(key, value => !(value instanceof Failure), false)
  }

  /** get() of several keys, in their order. */
  getMany(keys: Iterable<UserKey>): Promise<unknown[]> {
    return Promise.all(Array.from(keys, key => this.get(key)))
  }

  /** Keeps a value under a key; resolves when memory has it and the storage was told. Without a storage memory has it at once. */
  set(key: UserKey, value: unknown, options?: SetOptions): Promise<void> {
    try {
      return this.put(key, value, options) ?? done
    } catch (error) {
      return surviving(this.parts, error, () => this.put(key, value, options) ?? done)
    }
  }

  /** Undefined: it is done. (It holds no function, which would cost all of its variables a place on the heap.) */
  private put(key: UserKey, value: unknown, options: SetOptions | undefined): Promise<void> | undefined {
    const { parts } = this
    const plan = this.planner.ofKey('set', options)
    const args = argsOf(key)
    const { core, storage } = parts
    if (core === undefined) return forget(parts, plan, args)
    core.digest(plan.prefix, args)
    const digest = parts.keyOf(core)
    const write = new Write(core, digest, args, value, plan)
    const canonical = storage && core.canonicalBytes()
    parts.flights.doom(digest.id, 'superseded')
    // Where there is nothing to wait for, nothing can come in between.
    const tokens = storage === undefined ? parts.tokens.known(plan.tags) : undefined
    const kept = tokens && keep(parts, plan, write.with(tokens))
    if (kept === undefined || kept instanceof Promise) return this.putLater(write, plan, canonical, kept)
    this.isGone(write, kept)
    discard(kept.payload)
    return undefined
  }

  private putLater(write: Write, plan: Plan, canonical: Uint8Array | undefined, kept: Promise<Kept> | undefined): Promise<void> {
    const { parts } = this
    // The value is what it is now, whatever its owner does with it while this waits.
    if (kept === undefined) write.encoded = encodedNow(parts, write.value)
    return parts.flights.carry(write, async () => {
      const name = (write.name = canonical && (await parts.storageName(canonical)))
      const gone = this.isGone(write, await (kept ?? keep(parts, plan, write.with(await parts.tokens.snapshot(plan.tags)))))
      if (name === undefined) return
      if (gone) await parts.storage?.delete(name.text)
      await parts.storage?.written(name.text)
      parts.news?.keyChanged(plan.prefix, canonical!)
    })
  }

  /** A value that was set, and could not be kept, takes the older one with it all the same: says whether it did. */
  private isGone(write: Write, { anywhere }: Kept): boolean {
    if (anywhere === true || write.overtaken) return false
    const { parts } = this
    // (Another core than that has nothing under the key.)
    if (write.core === parts.core || write.core === parts.standby) write.core.invalidate(write.key)
    // Who took it out before is not to go back to it.
    parts.flights.overtake(write.id, write)
    return true
  }

  /** set() of several keys and values (a Map is such a list), all with the same options. */
  async setMany(entries: Iterable<readonly [UserKey, unknown]>, options?: SetOptions): Promise<void> {
    await Promise.all(Array.from(entries, ([key, value]) => this.set(key, value, options)))
  }

  /** Forgets a key, in memory and in storage. */
  async delete(key: UserKey): Promise<void> {
    return forget(this.parts, this.planner.userPlan, argsOf(key))
  }

  /**
   * Forgets all results of one function (`{ name }`), all values with a tag (`{ tag }`), all of a scope within this one (`{ scope }`), or `'all'` of this scope and
   * those within. Takes one write however many entries there are: other processes obey within `invalidationLag`. What is being computed meanwhile is not kept.
   *
   * `{ match: 'user:*' }` forgets the keys that users made which match, one by one, and says how many: see `Match`.
   */
  invalidate(what: Match): Promise<ScanProgress>
  invalidate(what: Group): Promise<void>
  async invalidate(what: Group | Match): Promise<ScanProgress | void> {
    const { parts, planner } = this
    if (isMatch(what)) return this.scan(what, key => forget(parts, planner.userPlan, [key]))
    return this.renew(what, 'invalidated')
  }

  /** The same, but what is forgotten may still answer as stale (`swr`, `staleIfError`), where it was to be kept for that. */
  expire(what: Match): Promise<ScanProgress>
  expire(what: Group): Promise<void>
  async expire(what: Group | Match): Promise<ScanProgress | void> {
    const { parts, planner } = this
    if (isMatch(what)) return this.scan(what, key => expire(parts, planner.userPlan, [key]))
    return this.renew(what, 'expired')
  }

  /**
   * Forgets a scope within this one, a tenant, for good: invalidates it, as `invalidate({ scope })` does, and then deletes its entries from storage one by one; those of scopes within
   * it, too. Entries that are damaged may have been its, and are deleted as well. `{ all: true }`: all of this scope. docs/security.md says what is left.
   *
   * Rejects with OptionError, and nothing is done, where the storage cannot list what it holds; with StorageError where it fails: then call it again.
   */
  async forget(scope: string | { all: true }, options: ForgetOptions = {}): Promise<ForgetReport> {
    // (Not 'all', which a tenant may be called.)
    const isAll = (scope as { all?: true } | undefined)?.all === true
    if (!isAll && (typeof scope !== 'string' || scope === '')) throw new OptionError('forget', `${show(scope)} is no scope. Give its name, such as 'acme', or { all: true } for all of this scope.`)
    const what = isAll ? 'all' : { scope: scope as string }
    const tag = this.tagOf('forget', what)
    return (await import('./forget.js')).forget(this.parts, options, OptionError, firstItems(4, [tag.scope, tag.kind, tag.value]), () => this.renew(what, 'invalidated'))
  }

  /**
   * Verifies all that the storage holds, of all scopes, as calls would, and removes what can answer none: what is damaged, over or invalidated (`repair: false` only counts it). Goes in
   * small steps; nothing of it gets into memory. Rejects with OptionError where the storage cannot list what it holds, with StorageError where it fails.
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return (await import('./check.js')).check(this.parts, options, OptionError)
  }

  /**
   * The keys of this scope that users made, where they are texts: all, or those that match, each once, in any order. Some of them may be over by now. Looks at everything that
   * memory and the storage hold, as `invalidate({ match })` does. Throws OptionError where the cache has a `secret`, or its storage no `keys()`.
   */
  async keys(what: Partial<Match> = {}): Promise<string[]> {
    const keys = new Set<string>()
    await this.scan({ ...what, match: what.match ?? '*' }, async key => void keys.add(key), true)
    return [...keys]
  }

  /**
   * The same cache for another scope within this one, a tenant's, say: it shares memory, storage and options, and no entry. Costs next to nothing, so
   * it may be made anew for each request.
   */
  scope(name: string): Cache {
    return new Cache(this.parts, this.options, this.planner.within(parseScope('scope', name)), this.letGo, this.turn)
  }

  /** Calls run their functions from now on, as if there were no cache; until enable(). Invalidations still work. For debugging; the environment variable REPRISE_DISABLE=1 does it from the start. */
  disable(): void {
    this.turn(false)
  }

  enable(): void {
    this.turn(true)
  }

  stats(): CacheStats {
    return statsOf(this.parts)
  }

  /** Resolves when everything that goes on behind the callers' backs has ended: refreshes, writes to storage. */
  async settled(): Promise<void> {
    await this.parts.flights.settled()
    await this.parts.storage?.settled()
  }

  /**
   * Waits for what is being written, then lets go of the storage. From now on calls run their functions; results of those that are running
   * go to their callers and are not kept, and refreshes in the background are aborted.
   */
  close(): Promise<void> {
    return this.letGo()
  }

  /** close(), for `await using cache = await createCache()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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

  private async renew(what: Group, type: 'invalidated' | 'expired'): Promise<void> {
    const tag = this.tagOf(type === 'invalidated' ? 'invalidate' : 'expire', what)
    this.parts.flights.doomTagged(tag, type)
    await this.parts.tokens.renew(tag, type === 'expired')
    this.parts.emit?.({ type, what: what === 'all' ? 'all' : Object.entries(what)[0]!.join(' ') })
  }

  private async scan(what: Match, act: (key: string) => Promise<void>, lists = false): Promise<ScanProgress> {
    const { parts, planner } = this
    checkNames(lists ? 'keys' : 'match', what, ['match', 'signal', 'onProgress'])
    const { match, signal, onProgress } = what
    const { storage } = parts
    parseSignal(signal)
    parseFunction('onProgress', onProgress, '({ scanned, matched }) => { … }')
    if (typeof match !== 'string' || match === '') throw new OptionError('match', `${show(match)} is not a pattern. Give a text such as 'user:*'.`)
    const refuse = (why: string): never => {
      throw lists ? new OptionError('keys', why) : new OptionError('match', `${why} Give the values tags, and invalidate those.`)
    }
    if (!parts.labels) refuse('a cache with a secret does not write down what its keys are.')
    if (storage !== undefined && !storage.lists) refuse('the storage cannot say what it holds: it has no function keys().')
    const { scan } = await import('./scan.js')
    const now = (): Promise<ScanProgress> => scan(parts, planner.userPlan, what, act, lists)
    return now().catch(error => surviving(parts, error, now))
  }

  private tagOf(verb: string, what: Group): Tag {
    const { scope } = this.planner
    if (what === 'all') return { scope, kind: 'scope', value: null }
    if (typeof what === 'string') throw new OptionError(verb, `${show(what)} names nothing. For one key use cache.delete(key); else give 'all', { name: 'of the function' }, { tag: '…' }, { scope: '…' } or { match: 'user:*' }.`)
    checkNames(verb, what, ['name', 'tag', 'scope', 'match'])
    const [[kind, value] = [], ...more] = Object.entries(what as object) as [string, unknown][]
    if (typeof value === 'string' && value !== '' && more.length === 0) {
      return kind === 'scope' ? { scope: within(scope, [value]), kind, value: null } : { scope, kind: kind as 'name' | 'tag', value }
    }
    throw new OptionError(verb, `${more.length > 0 ? `${show(what)} names more than one thing` : `${value === undefined ? show(what) : show(value)} names nothing`}. Give 'all', { name: 'of the function' }, { tag: '…' }, { scope: '…' } or { match: 'user:*' }.`)
  }

  /** What `of` makes of the value under a key, or `none`. What memory has costs one look-up. */
  private find<T>(key: UserKey, of: (value: unknown) => T, none: T): Promise<T> {
    const now = this.parts.now()
    const asking = upToDate(this.parts, now)
    if (asking === undefined) return this.found(key, of, none, now)
    // The key is what it is now.
    const own = Array.isArray(key) ? [...(key as unknown[])] : key
    return asking.then(() => this.found(own, of, none, now))
  }

  private found<T>(key: UserKey, of: (value: unknown) => T, none: T, now: number): Promise<T> {
    const { parts, planner: { userPlan } } = this
    try {
      const { core } = parts
      const args = argsOf(key)
      const value = core && fromMemory(parts, userPlan, args, now)
      if (core === undefined || parts.core === undefined) {
        parts.bypasses++
        return Promise.resolve(none)
      }
      if (value !== missed) {
        if (parts.emit !== undefined) reportHit(parts, parts.keyOf(core), hitFacts(userPlan, core.facts(), 'memory', now), parts.verdict === verdict.stale ? 'swr' : undefined)
        return Promise.resolve(of(value))
      }
      const digest = parts.storage === undefined && parts.emit === undefined ? undefined : parts.keyOf(core)
      const stored = digest === undefined || parts.storage === undefined ? undefined : this.stored(digest, args)
      parts.emit?.({ type: 'miss', name: null, reason: missReasons[parts.verdict]! }, digest)
      return stored === undefined ? Promise.resolve(none) : stored.then(found => (found === undefined ? none : of(found.value)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The value that storage has under the core's current key. */
  private async stored(key: Key, args: readonly unknown[]): Promise<{ value: unknown } | undefined> {
    const { parts, planner: { userPlan } } = this
    const found = await lookedUp(parts, userPlan, key, args, parts.core!.canonicalBytes())
    if (found?.answers !== true) return undefined
    const landing = await landingOf(parts, userPlan, key, found, found.fresh ? 'hit' : 'stale').catch((error: unknown) => ({ value: new Failure(error) }))
    if (landing === undefined) disown(parts, found.facts)
    return landing
  }
}

function isMatch(what: unknown): what is Match {
  return typeof what === 'object' && what !== null && 'match' in what
}

/** A value that is being set: all there is to keep of it, and what may doom that. One object, as each set() makes one. */
class Write implements Doomable, Result {
  doomed: NotStoredReason | undefined = undefined
  overtaken = false
  tokens: Snapshot = nothing
  name: StorageName | undefined = undefined
  encoded: Promise<Payload> | Payload | undefined = undefined
  readonly tags: readonly Tag[]
  readonly label: string | undefined
  readonly ttlMs: number

  constructor(readonly core: Core, readonly key: Key, args: readonly unknown[], readonly value: unknown, plan: Plan) {
    this.tags = plan.tags
    this.label = labelOfKey(plan, args)
    this.ttlMs = plan.ttlMs
  }

  with(tokens: Snapshot): this {
    this.tokens = tokens
    return this
  }

  get id(): string {
    return this.key.id
  }
  get departure(): this {
    return this
  }
  get freight(): this {
    return this
  }
  get moreTags(): readonly Tag[] {
    return none
  }
  get costMs(): number {
    return 0
  }
  get insists(): true {
    return true
  }
}

const none: readonly Tag[] = []
const nothing: Snapshot = { pairs: new Uint8Array(0), shared: false, changes: 0 }

/** Rejects where it cannot be encoded, for whoever asks. */
function encodedNow(parts: Parts, value: unknown): Payload | Promise<Payload> {
  try {
    return parts.encodeValue(value, parts.maxEntryBytes)
  } catch (error) {
    const failed = Promise.reject<Payload>(error)
    failed.catch(() => {})
    return failed
  }
}

const done = Promise.resolve()

function argsOf(key: UserKey): readonly unknown[] {
  if (typeof key === 'string') return [key]
  if (Array.isArray(key)) return key as readonly unknown[]
  throw new OptionError('key', `${show(key)} is not a key. Give a string, or an array such as ['user', id].`)
}
