/** What all calls of one function have in common, read out of its options once. */
import { keyPrefix, type Scope } from './encode.js'
import { OptionError, show } from './errors.js'
import { type Freshness, freshnessNames, type FreshnessOptions, parseFreshness } from './freshness.js'
import { parseIgnore } from './ignore.js'
import { type FunctionOptions, type GetOrSetOptions, parseFunction, type ParsedOptions, type ReadOptions, type SetOptions } from './options.js'
import type { Tag } from './tokens.js'
import { checkNames, parseDuration, parseSwitch } from './units.js'
import { type Check, parseValidator } from './validate.js'
import type { AnyFunction } from './wrapped.js'

export interface Plan extends Freshness {
  /** Of the function; null for keys that users make. */
  readonly name: string | null
  /** The bytes of a key before its arguments. */
  readonly prefix: Uint8Array
  /** The number of the function among those of its cache; of keys that users make, 0. */
  readonly group: number
  /** What every entry depends on: the scope and those around it, the function's name, the tags given. */
  readonly tags: readonly Tag[]
  /** Tags that the arguments tell. */
  readonly tagsOf: ((args: readonly unknown[]) => readonly Tag[]) | undefined
  /** Fresh results may be made anew: refreshAt, earlyExpiry. */
  readonly early: boolean
  /** Hits share one frozen value. */
  readonly freeze: boolean
  readonly validate: Check | undefined
  readonly cacheErrors: { readonly ttlMs: number; readonly when: (error: unknown) => boolean } | undefined
  readonly keepAlive: boolean
  readonly migrate: Migration | undefined
  /** What counts of a call's arguments. Absent: all of them. */
  readonly identify: ((this: unknown, args: readonly unknown[]) => readonly unknown[]) | undefined
}

export interface Migration {
  readonly from: readonly { readonly version: string | number; readonly prefix: Uint8Array }[]
  to(old: unknown, version: string | number): unknown
}

const readNames = [...freshnessNames, 'profile', 'freeze', 'validate', 'cacheErrors', 'keepAlive', 'tags'] as const
/** Of wrap(). */
export const functionNames: readonly string[] = ['name', 'version', 'key', 'ignore', 'migrate', 'context', ...readNames]
/** Tokens that an entry has room for (`maxTokens`), less that of the function's name. */
const mostTags = 63
const setNames = ['ttl', 'idle', 'swr', 'staleIfError', 'jitter', 'profile', 'tags'] as const

/** Makes plans for one scope of a cache. */
export class Planner {
  /** Of the keys that users make, where a call says nothing else. */
  readonly userPlan: Plan
  /** The tags of this scope, and of those around it. */
  readonly scopeTags: readonly Tag[]

  constructor(
    readonly scope: Scope,
    private readonly options: ParsedOptions,
    /** Wrapped functions by name, numbered as they came: from 1, as 0 are the keys that users make. What a function returns is alike in all scopes. */
    private readonly groups: Map<string, number> = new Map(),
  ) {
    this.scopeTags = around(scope).map(scope => ({ scope, kind: 'scope', value: null }))
    this.userPlan = this.plan({}, null, null, this.scopeTags)
  }

  /** Throws OptionError. Whether there are such options is seen by who takes them (`functionNames`). */
  ofFunction(name: string, options: FunctionOptions<never[], never>): Plan {
    const { version, key, tags } = options
    checkVersion('version', version)
    parseFunction('key', key as AnyFunction | undefined, '(...args) => what identifies the call')
    const given = typeof tags === 'function' ? [] : this.tagsOf(tags)
    const prune = parseIgnore(options.ignore)
    if (key !== undefined && prune !== undefined) throw new OptionError('ignore', 'has nothing to do beside `key`: what the key leaves out does not count. Give one of them.')
    let group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, (group = this.groups.size + 1))
    return {
      ...this.plan(options, name, version ?? null, [...this.scopeTags, { scope: this.scope, kind: 'name', value: name }, ...given]),
      group,
      tagsOf: typeof tags === 'function' ? args => this.tagsOf((tags as (...args: unknown[]) => readonly string[])(...args)) : undefined,
      migrate: this.migration(name, options.migrate),
      identify: key === undefined ? prune : function (args) { return [(key as (...args: unknown[]) => unknown).apply(this, [...args])] },
    }
  }

  /** The plan of a key that a user makes. Throws OptionError. */
  ofKey(verb: 'getOrSet' | 'set', options: GetOrSetOptions | SetOptions | undefined): Plan {
    if (options === undefined) return this.userPlan
    checkNames(verb, options, verb === 'set' ? setNames : [...readNames, 'signal', 'deadline', 'forceFresh'])
    return this.plan(options, null, null, [...this.scopeTags, ...this.tagsOf(options.tags)])
  }

  /** Plans for the scope of this name inside of this one. */
  within(name: string): Planner {
    return new Planner(within(this.scope, [name]), this.options, this.groups)
  }

  /** Tags of this scope. Throws OptionError where they are not a list of texts. */
  tagsOf(values: unknown, option = 'tags'): Tag[] {
    if (values === undefined) return []
    if (!Array.isArray(values)) throw new OptionError(option, `${show(values)} is not a list of tags. Give an array of strings, such as ['user:1'].`)
    const most = mostTags - this.scopeTags.length
    if (values.length > most) throw new OptionError(option, `${values.length} tags are more than an entry can have. Give at most ${most}.`)
    return [...new Set<unknown>(values)].map(value => {
      if (typeof value !== 'string' || value === '') throw new OptionError(option, `${show(value)} is not a tag. Give strings that are not empty.`)
      return { scope: this.scope, kind: 'tag', value }
    })
  }

  private plan(options: ReadOptions, name: string | null, version: string | number | null, tags: readonly Tag[]): Plan {
    const { freeze, keepAlive } = options
    const freshness = this.freshness(options)
    return {
      ...freshness,
      early: freshness.refreshAt !== undefined || freshness.earlyExpiry !== undefined,
      name,
      prefix: name === null && this.userPlan !== undefined ? this.userPlan.prefix : keyPrefix(this.scope, name, version),
      group: 0,
      tags,
      tagsOf: undefined,
      freeze: freeze === undefined ? this.options.freeze : parseSwitch('freeze', freeze),
      validate: parseValidator(options.validate),
      cacheErrors: parseCacheErrors(options.cacheErrors),
      keepAlive: keepAlive !== undefined && parseSwitch('keepAlive', keepAlive),
      migrate: undefined,
      identify: undefined,
    }
  }

  private freshness(options: FreshnessOptions & { profile?: string }): Freshness {
    const { profile } = options
    const { freshness, profiles } = this.options
    const base = profile === undefined ? freshness : profiles.get(profile)
    if (base === undefined) {
      const known = [...profiles.keys()]
      throw new OptionError('profile', `${show(profile)} is not among the cache's profiles (${known.length === 0 ? 'it has none; give createCache({ profiles: … })' : known.join(', ')}).`)
    }
    return parseFreshness(options, base)
  }

  private migration(name: string, migrate: FunctionOptions<never[], never>['migrate']): Migration | undefined {
    if (migrate === undefined) return undefined
    checkNames('migrate', migrate, ['from', 'to'])
    if (!Array.isArray(migrate.from)) throw new OptionError('migrate.from', `${show(migrate.from)} is not a list of versions. Give an array, such as [1].`)
    if (typeof migrate.to !== 'function') throw new OptionError('migrate.to', `${show(migrate.to)} is not a function. Give (old, version) => the result as it is now.`)
    return {
      from: migrate.from.map((version: string | number) => ({ version: checkVersion('migrate.from', version)!, prefix: keyPrefix(this.scope, name, version) })),
      to: migrate.to,
    }
  }
}

/** This scope and those around it, from the outermost: entries of `a` within `acme` depend on both. */
export function around(scope: Scope): Scope[] {
  const path = typeof scope === 'string' ? [scope] : (scope ?? [])
  return [null, ...path.map((_, i) => within(null, path.slice(0, i + 1)))]
}

/** The scope that is called `names` inside of another. */
export function within(scope: Scope, names: readonly string[]): Scope {
  const path = [...(typeof scope === 'string' ? [scope] : (scope ?? [])), ...names]
  return path.length === 0 ? null : path.length === 1 ? path[0]! : path
}

/** The text of a key that a user made as one: what `match` finds it by. */
export function labelOfKey(plan: Plan, args: readonly unknown[]): string | undefined {
  return plan.name === null && args.length === 1 && typeof args[0] === 'string' ? args[0] : undefined
}

function checkVersion(option: string, version: unknown): string | number | undefined {
  if (version === undefined || typeof version === 'string' || Number.isSafeInteger(version)) return version as string | number | undefined
  throw new OptionError(option, `${show(version)} is not a version. Give a whole number or a string.`)
}

function parseCacheErrors(given: ReadOptions['cacheErrors']): Plan['cacheErrors'] {
  if (given === undefined) return undefined
  checkNames('cacheErrors', given, ['ttl', 'when'])
  const when = parseFunction('cacheErrors.when', given.when, '(error) => true or false')
  return {
    ttlMs: parseDuration('cacheErrors.ttl', given.ttl),
    when(error) {
      try {
        return when === undefined || when(error)
      } catch {
        return false // The caller is to hear of the function's error, not of this one.
      }
    },
  }
}
