/** Types only: this file compiles, or the types are wrong. `npm test` compiles it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { bench } from './harness.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>): void => {}

test('A wrapped function has the type of the function', async () => {
  const { cache } = await bench()

  const simple = cache.wrap(async (prompt: string, tokens?: number) => ({ prompt, tokens }), { name: 'simple' })
  same<Awaited<ReturnType<typeof simple>>, { prompt: string; tokens: number | undefined }>(true)
  same<Parameters<typeof simple>, [prompt: string, tokens?: number | undefined]>(true)
  // @ts-expect-error: the argument is missing
  await assert.doesNotReject(simple())
  // @ts-expect-error: the argument is of another type
  await simple(5)

  const generic = cache.wrap(async <T>(value: T): Promise<T[]> => [value], { name: 'generic' })
  same<Awaited<ReturnType<typeof generic<number>>>, number[]>(true)
  const numbers: number[] = await generic(1)
  assert.deepEqual(numbers, [1])

  function overloaded(id: number): Promise<'number'>
  function overloaded(id: string): Promise<'string'>
  async function overloaded(id: number | string): Promise<string> {
    return typeof id
  }
  const both = cache.wrap(overloaded)
  const a: 'number' = await both(1)
  const b: 'string' = await both('x')
  assert.deepEqual([a, b], ['number', 'string'])

  const sync = cache.wrap((n: number) => n + 1, { name: 'sync' })
  same<ReturnType<typeof sync>, Promise<number>>(true)
  assert.equal(await sync(1), 2)

  const withThis = cache.wrap(async function (this: { base: number }, n: number) { return this.base + n }, { name: 'with this' })
  same<ThisParameterType<typeof withThis>, { base: number }>(true)
  assert.equal(await withThis.call({ base: 1 }, 2), 3)

  same<Parameters<typeof simple.invalidate>, [prompt: string, tokens?: number | undefined]>(true)
  const user = await cache.getOrSet('user', async () => ({ name: 'x' }))
  same<typeof user, { name: string }>(true)
})
