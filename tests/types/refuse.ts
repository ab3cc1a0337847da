/**
 * What the types refuse, each for the reason that stands beside it. This file is never run: types.test.ts compiles it, and once more
 * without its `@ts-expect-error` lines, to see that every line is refused and for what.
 */
import type { Cache, CallContext, Wrapped } from 'reprise'

interface User {
  readonly id: string
  name: string
}

declare const cache: Cache
declare const user: User

// ---- calls ------------------------------------------------------------------------------------

const plain = cache.wrap(async (id: string, page?: number) => [id, page], { name: 'plain' })
// @ts-expect-error 2554: Expected 1-2 arguments, but got 0
await plain()
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
await plain(5)
// @ts-expect-error 2554: Expected 1-2 arguments, but got 3
await plain('a', 1, 2)

const sync = cache.wrap((n: number) => n + 1, { name: 'sync' })
// @ts-expect-error 2322: 'Promise<number>' is not assignable to type 'number'
export const notYet: number = sync(1)

declare function overloaded(id: number): Promise<'number'>
declare function overloaded(id: string): Promise<'string'>
const either = cache.wrap(overloaded)
// @ts-expect-error 2769: 'boolean' is not assignable to parameter of type 'string'
await either(true)
// @ts-expect-error 2322: '"number"' is not assignable to type '"string"'
export const other: 'string' = await either(1)
// @ts-expect-error 2345: '[true]' is not assignable to parameter of type '[id: string] | [id: number]'
await either.key(true)

const generic = cache.wrap(async <T extends object>(value: T): Promise<T[]> => [value], { name: 'generic' })
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'object'
await generic(5)
// @ts-expect-error 2322: is not assignable to type 'string[]'
export const strings: string[] = await generic({ a: 1 })

const withThis = cache.wrap(async function (this: User, n: number) { return this.name.repeat(n) }, { name: 'with this' })
// @ts-expect-error 2684: The 'this' context of type 'void' is not assignable
await withThis(2)

const tuples = cache.wrap(async (...pair: readonly [from: string, to: string]) => pair, { name: 'tuples' })
// @ts-expect-error 2554: Expected 2 arguments, but got 1
await tuples('a')
// @ts-expect-error 4104: is 'readonly' and cannot be assigned to the mutable type
export const mutable: [string, string] = await tuples('a', 'b')

// @ts-expect-error 2345: 'string' is not assignable to parameter of type 'AnyFunction'
cache.wrap('a')

// ---- what hangs on a function -----------------------------------------------------------------

const ask = cache.wrap(async (id: string): Promise<User> => ({ ...user, id }), { name: 'ask' })
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
await ask.invalidate(5)
// @ts-expect-error 2554: Expected 1 arguments, but got 0
await ask.expire()
// @ts-expect-error 18048: 'peeked' is possibly 'undefined'
ask.peek('a').then(peeked => peeked.name)
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
await ask.fresh(5)
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
await ask.with({ deadline: '2s' })(5)
// @ts-expect-error 2561: 'dealine' does not exist in type 'CallOptions'
ask.with({ dealine: '2s' })
// @ts-expect-error 2322: '"2 fortnights"' is not assignable to type
ask.with({ deadline: '2 fortnights' })
// @ts-expect-error 2339: Property 'user' does not exist
export const { user: misnamed } = await ask.withInfo('a')
// @ts-expect-error 2540: Cannot assign to 'status' because it is a read-only property
;(await ask.withInfo('a')).info.status = 'hit'

// ---- decorators -------------------------------------------------------------------------------

export class Painter {
  // @ts-expect-error 1270: Decorator function return type
  @cache.cached()
  sync(prompt: string): string {
    return prompt
  }

  // @ts-expect-error 1241: Unable to resolve signature of method decorator
  @cache.cached()
  get colour(): string {
    return 'red'
  }

  // @ts-expect-error 1241: Unable to resolve signature of method decorator
  @cache.cached({ key: (prompt: number) => prompt })
  async paint(prompt: string): Promise<string> {
    return prompt
  }
}
// @ts-expect-error 2345: is not assignable to parameter of type
cache.cached({ tags: (id: number) => [id.toFixed()] })(async (id: string) => id)
// @ts-expect-error 2345: is not assignable to parameter of type
cache.cached({ migrate: { from: [1], to: () => 5 } })(async (id: string) => id)
// @ts-expect-error 18046: 'id' is of type 'unknown'
cache.cached({ tags: id => [id.name] })

// ---- contexts ---------------------------------------------------------------------------------

const withContext = cache.wrap(async (ctx, id: number) => ctx.skip(id), { context: true, name: 'with context' })
// @ts-expect-error 2345: 'string' is not assignable to parameter of type 'number'
await withContext('a')
// @ts-expect-error 2554: Expected 1 arguments, but got 2
await withContext({} as CallContext, 5)
// @ts-expect-error 2345: 'string' is not assignable to parameter of type 'number'
await withContext.key('a')
cache.wrap(async (ctx, id: number) => {
  // @ts-expect-error 2345: '"a while"' is not assignable to parameter of type 'Duration'
  ctx.ttl('a while')
  // @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
  ctx.tags(id)
  // @ts-expect-error 18046: 'ctx.stale' is of type 'unknown'
  return ctx.stale.id
}, { context: true, name: 'details' })
cache.wrap(async (ctx: CallContext<User>) => {
  // @ts-expect-error 18048: 'ctx.stale' is possibly 'undefined'
  return { ...user, id: ctx.stale.id }
}, { context: true, name: 'stale' })
// @ts-expect-error 2769: No overload matches this call
cache.wrap(async (ctx: CallContext<User>, id: string) => `${id} ${ctx.stale?.name}`, { context: true, name: 'says User, returns string' })
// @ts-expect-error 2769: No overload matches this call
cache.wrap(async (id: string) => id, { context: true, name: 'takes none' })
// @ts-expect-error 2554: Expected 2 arguments, but got 1
await cache.wrap(async (ctx: CallContext<User>, id: string) => ctx.stale ?? { ...user, id }, { name: 'is not told' })('a')
// @ts-expect-error 2769: No overload matches this call
cache.wrap(async (ctx, id: number) => ctx.skip(id), { context: true, name: 'x', tlt: '1h' })

// ---- options ----------------------------------------------------------------------------------

const load = async (id: number, page: { page: number }): Promise<User> => ({ ...user, name: `${id} ${page.page}` })
// @ts-expect-error 2769: 'ttll' does not exist in type
cache.wrap(load, { ttll: '1h' })
// @ts-expect-error 2769: '"1 hour and a bit"' is not assignable to type
cache.wrap(load, { ttl: '1 hour and a bit' })
// @ts-expect-error 2339: Property 'trim' does not exist on type 'number'
cache.wrap(load, { key: id => id.trim() })
// @ts-expect-error 2769: 'number[]' is not assignable to type
cache.wrap(load, { tags: id => [id] })
// @ts-expect-error 2769: is not assignable to type '(id: number, page: { page: number; }) => unknown'
cache.wrap(load, { key: (id: string) => id })
// @ts-expect-error 2769: 'unknown' is not assignable to type 'Promise<User> | User'
cache.wrap(load, { migrate: { from: [1], to: old => old } })
// @ts-expect-error 2769: 'number' is not assignable to type 'string'
cache.wrap(load, { migrate: { from: [1], to: () => ({ id: 5 }) } })
// @ts-expect-error 2339: Property 'age' does not exist on type 'User'
cache.wrap(load, { validate: result => result.age > 5 })
// @ts-expect-error 2769: is not assignable to type 'Validator<
cache.wrap(load, { validate: (result: number) => result > 5 })
// @ts-expect-error 2769: 'parse' does not exist in type 'Validator<
cache.wrap(load, { validate: { parse: (given: unknown) => given } })
// @ts-expect-error 2769: 'string' is not assignable to type 'boolean | Promise<boolean>'
cache.wrap(load, { validate: ({ name }) => name })
// @ts-expect-error 2769: 'number' is not assignable to type 'string'
cache.wrap(load, { ignore: [5] })
// @ts-expect-error 2769: 'deadline' does not exist in type
cache.wrap(load, { deadline: '1s' })

// ---- keys -------------------------------------------------------------------------------------

// @ts-expect-error 2322: 'string' is not assignable to type 'number'
export const number: number = await cache.getOrSet('a', () => 'text')
// @ts-expect-error 2322: 'string' is not assignable to type 'number'
export const numberLater: number = await cache.getOrSet('a', async ctx => ctx.skip('text'))
// @ts-expect-error 2322: 'Promise<string>' is not assignable to type 'PromiseLike<User> | User'
await cache.getOrSet<User>('a', async () => 'text')
// @ts-expect-error 2769: 'Promise<string>' is not assignable to type 'PromiseLike<User> | User'
await cache.getOrSet('a', async (ctx: CallContext<User>) => String(ctx.stale?.name))
// @ts-expect-error 2769: 'number' is not assignable to parameter of type 'UserKey'
await cache.getOrSet(5, () => 'text')
// @ts-expect-error 2769: 'name' does not exist in type
await cache.getOrSet('a', () => 'text', { name: 'a' })
// @ts-expect-error 18046: 'got' is of type 'unknown'
cache.get('a').then(got => got.name)
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'UserKey'
await cache.set(5, 5)
// @ts-expect-error 2353: 'freeze' does not exist in type 'SetOptions'
await cache.set('a', 5, { freeze: true })
// @ts-expect-error 2769: 'tags' does not exist in type
await cache.invalidate({ tags: 'a' })
// @ts-expect-error 2769: '"everything"' is not assignable to
await cache.invalidate('everything')
// @ts-expect-error 2345: 'number' is not assignable to parameter of type 'string'
cache.scope(5)
// @ts-expect-error 2554: Expected 1-2 arguments, but got 0
await cache.forget()
// @ts-expect-error 2353: 'match' does not exist in type 'CheckOptions'
await cache.check({ match: '*' })

// What is written by hand is held against what is.
// @ts-expect-error 2322: 'Wrapped<(id: string) => Promise<User>>' is not assignable to type 'Wrapped<(id: number) => Promise<User>>'
export const wrong: Wrapped<(id: number) => Promise<User>> = ask
