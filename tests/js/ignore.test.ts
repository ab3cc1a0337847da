import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import { parseIgnore } from '../../js/ignore.js'
import { bench } from './harness.js'

test('Named members are left out at their paths, and nowhere else', () => {
  const prune = parseIgnore(['user', 'metadata.traceId', 'messages.id'])!
  assert.deepEqual(prune([{ user: 'u', model: 'm', metadata: { traceId: 1, kept: { user: 2, traceId: 3 } }, messages: [{ id: 1, text: 'a' }, { id: 2, text: 'b' }] }, 'user', { user: 1 }]), [
    { model: 'm', metadata: { kept: { user: 2, traceId: 3 } }, messages: [{ text: 'a' }, { text: 'b' }] },
    'user',
    {},
  ])
})

test('The objects of the caller are not touched', () => {
  const request = Object.freeze({ user: 'u', nested: Object.freeze({ a: 1 }) })
  const [pruned] = parseIgnore(['user', 'nested.a'])!([request])
  assert.deepEqual(pruned, { nested: {} })
  assert.deepEqual(request, { user: 'u', nested: { a: 1 } })
})

test('A shorter path takes what lies below it, whichever is named first', () => {
  for (const paths of [['a', 'a.b'], ['a.b', 'a']]) assert.deepEqual(parseIgnore(paths)!([{ a: { b: 1, c: 2 }, d: 3 }]), [{ d: 3 }], paths.join())
})

test('Only plain data is looked into; a member called __proto__ stays a member', () => {
  const map = new Map([['user', 1]])
  const [pruned] = parseIgnore(['user'])!([{ map, own: JSON.parse('{"__proto__": 1}') as unknown }])
  assert.equal((pruned as { map: unknown }).map, map)
  assert.deepEqual(Object.keys((pruned as { own: object }).own), ['__proto__'])
})

test('What is no list of paths is refused', () => {
  for (const wrong of ['user', 5, [5], [''], ['a..b'], ['.a'], null]) {
    assert.throws(() => parseIgnore(wrong), (error: Error) => error instanceof OptionError && /ignore: .* is not a list of paths/.test(error.message), String(wrong))
  }
  assert.equal(parseIgnore(undefined), undefined)
})

test('Calls that differ only in what is ignored share an entry; the function still gets all of it', async () => {
  const { cache } = await bench()
  const seen: unknown[] = []
  const ask = cache.wrap(async (request: { prompt: string; user: string }) => { seen.push(request.user); return request.prompt.length }, { name: 'ask', ignore: ['user'] })
  await ask({ prompt: 'p', user: 'one' })
  await ask({ prompt: 'p', user: 'two' })
  await ask({ prompt: 'q', user: 'two' })
  assert.deepEqual(seen, ['one', 'two'])
  await ask.invalidate({ prompt: 'p', user: 'whoever' })
  await ask({ prompt: 'p', user: 'three' })
  assert.deepEqual(seen, ['one', 'two', 'three'])
})

test('With `key`, only what it returns identifies a call', async () => {
  const { cache } = await bench()
  let runs = 0
  const load = cache.wrap(async (user: { id: number; done: () => void }) => { user.done(); return ++runs }, { name: 'load', key: user => user.id })
  const done = (): void => {}
  assert.deepEqual([await load({ id: 1, done }), await load({ id: 1, done }), await load({ id: 2, done })], [1, 1, 2])
  const broken = cache.wrap(async (_: number) => 1, { name: 'broken', key: () => { throw new Error('no key today') } })
  await assert.rejects(broken(1), /no key today/)
  assert.throws(() => cache.wrap(async (_: number) => 1, { name: 'x', key: 5 as never }), /key: 5 is not a function/)
  assert.throws(() => cache.wrap(async (_: number) => 1, { name: 'x', key: () => 1, ignore: ['a'] }), /ignore: has nothing to do beside `key`/)
})

test('Arguments that contain themselves, or are nested without end, are refused as they are without `ignore`', async () => {
  const { cache } = await bench()
  const ask = cache.wrap(async (_: unknown) => 1, { name: 'ask', ignore: ['user.name'] })
  const circle: unknown[] = []
  circle.push(circle, circle)
  let deep: unknown = 1
  for (let i = 0; i < 20_000; i++) deep = [deep]
  for (const argument of [circle, { user: circle }, deep]) await assert.rejects(ask(argument), { name: 'KeyError' })
})
