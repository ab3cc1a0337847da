/**
 * What `wrap`, `cached` and `getOrSet` make of the types of functions, one signature after the other. This file is never run: it
 * compiles against the types of the built package (types.test.ts), or the types are wrong.
 */
import type { Cache, CacheOptions, CallContext, CallInfo, CheckReport, ForgetReport, ReadOptions, Storage, Wrapped, WrapOptions } from 'reprise'
import { keyv, keyvStore } from 'reprise/keyv'
import { redis } from 'reprise/redis'
import { repriseDriver, unstorage } from 'reprise/unstorage'

interface User {
  readonly id: string
  name: string
}

/** Are the two the same type? Only `same<A, B>(true)` compiles then. `any` is the same as `any` alone. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(_: Same<A, B>): void

declare const cache: Cache
declare const user: User

// 1. A plain async function keeps its type, names of parameters and all.
export const plain = cache.wrap(async (id: string, page: number) => ({ id, page }), { name: 'plain' })
same<ReturnType<typeof plain>, Promise<{ id: string; page: number }>>(true)
same<Parameters<typeof plain>, [id: string, page: number]>(true)
same<typeof plain, Wrapped<(id: string, page: number) => Promise<{ id: string; page: number }>>>(true)
export const goesWhereTheFunctionWent: (id: string, page: number) => Promise<{ id: string }> = plain

// 2. A synchronous one returns a promise.
export const sync = cache.wrap((n: number) => n + 1, { name: 'sync' })
same<ReturnType<typeof sync>, Promise<number>>(true)
same<Parameters<typeof sync>, [n: number]>(true)

// 3. Overloads, of which each keeps its result.
declare function overloaded(id: number): Promise<'number'>
declare function overloaded(id: string, strict?: boolean): Promise<'string'>
export const either = cache.wrap(overloaded)
same<typeof either, Wrapped<typeof overloaded>>(true)
export const [fromNumber, fromString]: ['number', 'string'] = [await either(1), await either('x', true)]
// What hangs on it takes the arguments of any of them.
export const names = [await either.key(1), await either.key('x', true)]
same<Parameters<typeof either.invalidate>, [id: number] | [id: string, strict?: boolean | undefined]>(true)

// 4. Overloads that are synchronous, some of them or all: each becomes a promise.
declare function mixed(id: number): 'number'
declare function mixed(id: string): Promise<'string'>
declare function mixed(id: boolean): 'boolean'
export const asynchronous = cache.wrap(mixed)
const [fromMixed, fromMixedString, fromMixedBoolean] = [asynchronous(1), asynchronous('x'), asynchronous(true)]
same<[typeof fromMixed, typeof fromMixedString, typeof fromMixedBoolean], [Promise<'number'>, Promise<'string'>, Promise<'boolean'>]>(true)

// 5. Generics.
export const generic = cache.wrap(async <T>(value: T): Promise<T[]> => [value], { name: 'generic' })
export const numbers: number[] = await generic(1)
same<Awaited<ReturnType<typeof generic<'a'>>>, 'a'[]>(true)

// 6. Generics with constraints that depend on each other.
export const pluck = cache.wrap(async <T extends object, K extends keyof T>(from: T, key: K): Promise<T[K]> => from[key], { name: 'pluck' })
const plucked = await pluck({ name: 'x', age: 5 }, 'age')
same<typeof plucked, number>(true)

// 7. `this`.
export const withThis = cache.wrap(async function (this: { base: number }, n: number) { return this.base + n }, { name: 'with this' })
same<ThisParameterType<typeof withThis>, { base: number }>(true)
export const called: Promise<number> = withThis.call({ base: 1 }, 2)
export const syncWithThis = cache.wrap(function (this: User, shout: boolean) { return shout ? this.name.toUpperCase() : this.name }, { name: 'sync with this' })
same<ThisParameterType<typeof syncWithThis>, User>(true)

// 8. Optional parameters and defaults.
export const optional = cache.wrap(async (id: string, page?: number, size = 20) => [id, page, size].length, { name: 'optional' })
same<Parameters<typeof optional>, [id: string, page?: number | undefined, size?: number | undefined]>(true)
export const left = [optional('a'), optional('a', 1), optional('a', undefined, 5)]

// 9. Rest parameters.
export const rest = cache.wrap((first: string, ...more: number[]) => first.length + more.length, { name: 'rest' })
same<Parameters<typeof rest>, [first: string, ...more: number[]]>(true)
export const many = [rest('a'), rest('a', 1, 2, 3)]

// 10. Readonly tuples.
export const tuples = cache.wrap(async (...pair: readonly [from: string, to: string]): Promise<readonly [User, User]> => [user, { ...user, name: pair[1] }], { name: 'tuples' })
const tuple = await tuples('a', 'b')
same<typeof tuple, readonly [User, User]>(true)
export const tupleName: Promise<string | undefined> = tuples.key('a', 'b')

// 11. A union as the result, of promises and plain values too.
export const union = cache.wrap((id: string): User | null | Promise<User> => (id === '' ? null : user), { name: 'union' })
same<ReturnType<typeof union>, Promise<User | null>>(true)

// 12. void, and undefined.
export const nothing = cache.wrap(async (_: string): Promise<void> => {}, { name: 'nothing' })
same<ReturnType<typeof nothing>, Promise<void>>(true)
export const nothingSync = cache.wrap((_: string): void => {}, { name: 'nothing at once' })
same<ReturnType<typeof nothingSync>, Promise<void>>(true)

// 13. Functions that never return, and those that nobody knows anything of.
export const never = cache.wrap((why: string): never => { throw new Error(why) }, { name: 'never' })
same<ReturnType<typeof never>, Promise<never>>(true)
export const unknowing = cache.wrap((...all: unknown[]): unknown => all[0], { name: 'unknowing' })
same<ReturnType<typeof unknowing>, Promise<unknown>>(true)
same<Parameters<typeof unknowing.key>, unknown[]>(true)

// 14. Methods, by the decorator.
export class Painter {
  @cache.cached({ ttl: '2h', tags: (prompt: string) => [prompt], key: (prompt: string) => prompt })
  async paint(prompt: string, size?: number): Promise<Uint8Array> {
    return new Uint8Array(prompt.length * (size ?? 1))
  }

  @cache.cached()
  async draw<Shape extends { sides: number }>(shape: Shape): Promise<Shape[]> {
    return [shape]
  }

  @cache.cached()
  static async mix(this: typeof Painter, ...colours: string[]): Promise<number> {
    return colours.length
  }
}
same<Painter['paint'], (prompt: string, size?: number) => Promise<Uint8Array>>(true)

// 15. cached(options)(function).
export const load = cache.cached({ name: 'load', key: (id: number) => id, ttl: '1h' })(async (id: number): Promise<User> => ({ ...user, id: String(id) }))
same<typeof load, Wrapped<(id: number) => Promise<User>>>(true)
export const loadSync = cache.cached({ name: 'load at once' })((id: number) => id)
same<ReturnType<typeof loadSync>, Promise<number>>(true)

// 16. A context, which vanishes: nobody has to say what it is.
export const withContext = cache.wrap(async (ctx, id: number) => {
  same<typeof ctx, CallContext>(true)
  same<typeof ctx.signal, AbortSignal>(true)
  ctx.ttl('2h')
  ctx.tags('user', `user:${id}`)
  ctx.cost(0.02)
  if (id < 0) return ctx.skip(user)
  // Says nothing of the result.
  if (ctx.stale !== undefined) return ctx.notModified()
  return user
}, { context: true, name: 'with context' })
same<typeof withContext, Wrapped<(id: number) => Promise<User>>>(true)
same<Parameters<typeof withContext.peek>, [id: number]>(true)

// 17. A context that says of what it is: so do `stale` and `notModified`.
export const refreshed = cache.wrap(async (ctx: CallContext<User>, id: string, ...more: string[]) => {
  same<typeof ctx.stale, User | undefined>(true)
  const same_ = ctx.notModified()
  same<typeof same_, User>(true)
  return id === ctx.stale?.id ? ctx.notModified() : { ...user, name: more.join() }
}, { context: true, name: 'refreshed', tags: (id, ...more) => [id, ...more] })
same<typeof refreshed, Wrapped<(id: string, ...more: string[]) => Promise<User>>>(true)

// 18. A synchronous function with a context, `this`, and nothing else.
export const terse = cache.wrap(ctx => ctx.skip(5), { context: true, name: 'terse' })
same<typeof terse, Wrapped<() => number>>(true)
export const contextAndThis = cache.wrap(async function (this: User, ctx: CallContext, n?: number) { return ctx.signal.aborted ? n : this.name }, { context: true, name: 'context and this' })
same<typeof contextAndThis, Wrapped<(this: User, n?: number) => Promise<string | number | undefined>>>(true)

// 19. Without `context: true`, a first parameter is a parameter; also one that is called ctx.
export const noContext = cache.wrap(async (ctx: { locale: string }, id: number) => `${ctx.locale}${id}`, { name: 'no context', context: false })
same<Parameters<typeof noContext>, [ctx: { locale: string }, id: number]>(true)

// 20. What hangs on a wrapped function.
export const ask = cache.wrap(async (id: string): Promise<User> => ({ ...user, id }), { name: 'ask' })
const [key, peeked, gone, old, { value, info }] = await Promise.all([ask.key('a'), ask.peek('a'), ask.invalidate('a'), ask.expire('a'), ask.withInfo('a')])
same<[typeof key, typeof peeked, typeof gone, typeof old], [string | undefined, User | undefined, void, void]>(true)
same<[typeof value, typeof info], [User, CallInfo]>(true)
same<typeof ask.fresh, (id: string) => Promise<User>>(true)
const patient = ask.with({ deadline: '2s', signal: AbortSignal.timeout(5), forceFresh: true })
same<typeof patient, (id: string) => Promise<User>>(true)
same<typeof generic.fresh, <T>(value: T) => Promise<T[]>>(true)
same<ReturnType<typeof sync.with>, (n: number) => Promise<number>>(true)

// 21. getOrSet takes its type from `load`, be it synchronous or not, with or without a context.
const fromAsync = await cache.getOrSet('a', async () => user, { ttl: '5m' })
const fromSync = await cache.getOrSet(['a', 5], () => user)
const fromEither = await cache.getOrSet('a', (): User | Promise<User> | undefined => user)
const fromContext = await cache.getOrSet('a', async ctx => {
  ctx.tags('user')
  return ctx.stale === undefined ? user : ctx.notModified()
})
same<[typeof fromAsync, typeof fromSync, typeof fromEither, typeof fromContext], [User, User, User | undefined, User]>(true)
const text = await cache.getOrSet('a', () => 'text')
same<typeof text, string>(true)
declare const loadUser: () => Promise<User>
const byName = await cache.getOrSet(['user', 5], loadUser)
same<typeof byName, User>(true)

// 22. … from the context, or from who asks.
const fromTypedContext = await cache.getOrSet('a', async (ctx: CallContext<User>) => ctx.stale ?? user)
const asked = await cache.getOrSet<User>('a', async ctx => {
  same<typeof ctx.stale, User | undefined>(true)
  return ctx.stale === undefined ? JSON.parse('{}') as User : ctx.notModified()
})
const askedSync = await cache.getOrSet<User | null>('a', () => null)
same<[typeof fromTypedContext, typeof asked, typeof askedSync], [User, User, User | null]>(true)

// 23. `key` and `tags` get the parameters, `migrate.to` makes results.
export const optioned = cache.wrap(async (id: number, { page }: { page: number }): Promise<User> => ({ ...user, name: `${id} ${page}` }), {
  name: 'optioned',
  version: 3,
  key: (id, options) => {
    same<[typeof id, typeof options], [number, { page: number }]>(true)
    return [id, options.page]
  },
  tags: id => [`user:${id.toFixed()}`],
  migrate: { from: [1, 2], to: (old, version) => ({ id: String(version), name: String(old) }) },
  validate: result => {
    same<typeof result, User>(true)
    return result.name !== ''
  },
})
export const migratedLater = cache.wrap(async (id: string): Promise<User | null> => (id ? user : null), { name: 'later', migrate: { from: ['a'], to: async old => old as User } })
export const tagsOfOverloads = cache.wrap(overloaded, { tags: (...[id]) => [typeof id === 'number' ? id.toFixed() : id.trim()] })

// 24. What is valid: a Standard Schema of whatever maker, a predicate, or a guard.
const schema = {
  '~standard': {
    version: 1,
    vendor: 'this test',
    validate: (given: unknown): { value: User } | { issues: readonly { message: string }[] } => (given === null ? { issues: [{ message: 'is null' }] } : { value: given as User }),
    types: undefined as { input: unknown; output: User } | undefined,
  },
} as const
declare const isUser: (value: unknown) => value is User
declare const isOlder: (value: User | { first: string; last: string }) => Promise<boolean>
export const valid = [
  cache.wrap(ask, { name: 'a', validate: schema }),
  cache.wrap(ask, { name: 'b', validate: isUser }),
  cache.wrap(ask, { name: 'c', validate: isOlder }),
  cache.wrap(async (ctx, id: string) => (ctx.signal.aborted ? user : { ...user, id }), { name: 'd', context: true, validate: ({ name }) => name !== '' }),
  cache.cached({ name: 'e', validate: (one: User) => one.name !== '' })(ask),
]
export const validHere = [
  await cache.getOrSet('a', loadUser, { validate: schema }),
  await cache.getOrSet('a', loadUser, { validate: ({ id }) => id !== '' }),
]

// 25. Options that several functions share.
const shared: WrapOptions = { ttl: '1h', swr: '1d', tags: ['users'], cacheErrors: { ttl: '1s' } }
const read: ReadOptions = { ttl: '1h', freeze: true }
export const sharing = [cache.wrap(loadUser, { ...shared, name: 'x' }), cache.wrap(async (n: number) => n, shared), cache.cached(shared)(async (id: string) => id)]
export const reading = [cache.wrap(loadUser, read), await cache.getOrSet('a', loadUser, read)]

// 26. Functions about caches: the type parameters go through `Wrapped`, and are known once there is a function.
export function remembered<Args extends readonly string[], Result>(fn: (...args: Args) => Result): Wrapped<(...args: Args) => Result> {
  return cache.wrap(fn, { name: 'remembered' })
}
const rememberedUser = remembered((id: string, name: string): User => ({ id, name }))
same<ReturnType<typeof rememberedUser>, Promise<User>>(true)
same<Parameters<typeof rememberedUser>, [id: string, name: string]>(true)

// 27. A storage of one's own, and the verbs on keys.
export const storage: Storage = { get: async () => undefined, set: async () => {}, delete: async () => {} }
const [got, has, several] = [await cache.get('a'), await cache.has(['a', { b: 1 }]), await cache.getMany(['a', ['b']])]
same<[typeof got, typeof has, typeof several], [unknown, boolean, unknown[]]>(true)
await cache.setMany(new Map([['a', 1], ['b', 2]]))
await cache.set('a', user, { ttl: '5m', tags: ['users'] })
await using closing = cache.scope('tenant')
const progress = await closing.invalidate({ match: 'user:*', onProgress: ({ scanned }) => scanned })
const done = await closing.invalidate({ tag: 'users' })
same<[typeof progress.scanned, typeof done], [number, void]>(true)

// 28. Redis, by a URL or by a client, whose own types need not be there.
export const fleet: Storage[] = [redis('rediss://localhost'), redis({ url: 'redis://localhost', prefix: 'mine:' }), redis({ sendCommand: async (args: readonly unknown[]) => args })]

// 29. A secret, keys of encryption, and who goes through a storage.
export const trusted: CacheOptions[] = [{ secret: 'text' }, { secret: new Uint8Array(32), encrypt: true }, { secret: 'text', encrypt: { keys: ['new', new Uint8Array(32)] } }]
export const ofAServer: Storage = { ...storage, shared: true }
const checked: CheckReport = await cache.check({ repair: false, signal: AbortSignal.timeout(1), onProgress: ({ damaged }) => damaged })
const forgotten: ForgetReport = await cache.forget('tenant', { onProgress: ({ scanned }) => scanned })
same<[typeof checked.removed, typeof forgotten.forgotten], [number, number]>(true)

// 30. Stores of Keyv and drivers of unstorage, by their shapes: neither package need be installed.
export const byOthers: Storage[] = [
  keyv(new Map()),
  keyv({ store: new Map(), prefix: 'mine:' }),
  unstorage({ storage: repriseDriver(cache, { ttl: 5 }), base: 'mine', encoding: 'base64' }),
]
export const fromKeyvStore: Promise<string | undefined> = keyvStore(cache.scope('keyv')).get<string>('a')
export const keysOfUsers: Promise<string[]> = cache.keys({ match: 'user:*' })
