/** What all calls of one function have in common, read out of its options once. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import { parseOptions } from '../../js/options.js'
import { around, Planner, within } from '../../js/plan.js'

const planner = (options = {}): Planner => new Planner(null, parseOptions(options))

test('An entry depends on its scope and all around it, on its function, and on its tags', () => {
  const { tags } = new Planner(['acme', 'team'], parseOptions()).ofFunction('load', { tags: ['a', 'b'] })
  assert.deepEqual(tags, [
    { scope: null, kind: 'scope', value: null }, { scope: 'acme', kind: 'scope', value: null }, { scope: ['acme', 'team'], kind: 'scope', value: null },
    { scope: ['acme', 'team'], kind: 'name', value: 'load' }, { scope: ['acme', 'team'], kind: 'tag', value: 'a' }, { scope: ['acme', 'team'], kind: 'tag', value: 'b' },
  ])
  assert.deepEqual(around(null), [null])
  assert.deepEqual([within(null, ['a']), within('a', ['b']), within(['a', 'b'], ['c']), within(null, [])], ['a', ['a', 'b'], ['a', 'b', 'c'], null])
})

test('Tags are given, or told by the arguments', () => {
  const plan = planner().ofFunction('load', { tags: ((id: number) => [`user:${id}`]) as never })
  assert.deepEqual(plan.tagsOf?.([7]), [{ scope: null, kind: 'tag', value: 'user:7' }])
  assert.equal(plan.tags.length, 2)
  assert.throws(() => planner().ofFunction('load', { tags: (() => 'user:1') as never }).tagsOf?.([]), /tags: "user:1" is not a list of tags/)
  for (const wrong of ['a', [''], [5], {}, null]) assert.throws(() => planner().ofFunction('load', { tags: wrong as never }), (error: Error) => error instanceof OptionError && /^tags: /.test(error.message))
})

test('Functions are numbered as they come, one number for each name: tenants without end need no more', () => {
  const root = planner()
  const numbers = [root.ofFunction('a', {}), root.ofFunction('b', {}), root.ofFunction('a', { version: 2 }), root.within('s').ofFunction('a', {}), root.within('s').ofFunction('a', {})].map(({ group }) => group)
  assert.deepEqual(numbers, [1, 2, 1, 1, 1])
  assert.equal(root.userPlan.group, 0)
})

test('Keys of users share one prefix per scope, whatever options come with them', () => {
  const root = planner()
  assert.equal(root.ofKey('getOrSet', { ttl: '1m', tags: ['a'] }).prefix, root.userPlan.prefix)
  assert.equal(root.ofKey('set', undefined), root.userPlan)
  assert.notDeepEqual(root.within('s').userPlan.prefix, root.userPlan.prefix)
})

test('A wrong option is refused when the function is wrapped, by name', () => {
  const wrong: [object, RegExp][] = [
    [{ version: 1.5 }, /^version: 1\.5 is not a version/], [{ version: null }, /^version: /], [{ key: 5 }, /^key: 5 is not a function/], [{ ttl: 'x' }, /^ttl: /], [{ freeze: 1 }, /^freeze: /], [{ keepAlive: 'yes' }, /^keepAlive: /],
    [{ cacheErrors: { ttl: 'x' } }, /^cacheErrors\.ttl: /], [{ cacheErrors: {} }, /^cacheErrors\.ttl: /], [{ cacheErrors: { ttl: 1, when: 5 } }, /^cacheErrors\.when: 5 is not a function/], [{ cacheErrors: { ttl: 1, wenn: 1 } }, /^cacheErrors: wenn: /], [{ cacheErrors: null }, /^cacheErrors: /],
    [{ migrate: { from: 1, to: () => 1 } }, /^migrate\.from: 1 is not a list/], [{ migrate: { from: [1] } }, /^migrate\.to: /], [{ migrate: { from: [{}], to: () => 1 } }, /^migrate\.from: /], [{ migrate: { from: [], too: 1 } }, /^migrate: too: /],
    [{ profile: 'x' }, /^profile: "x" is not among the cache's profiles \(it has none/], [{ validate: 5 }, /^validate: /], [{ ignore: 5 }, /^ignore/],
  ]
  for (const [options, message] of wrong) assert.throws(() => planner().ofFunction('load', options as never), (error: Error) => error instanceof OptionError && message.test(error.message), JSON.stringify(options))
  assert.throws(() => planner().ofKey('set', { refreshAt: 0.5 } as never), /set: refreshAt: there is no such option/)
  assert.throws(() => planner().ofKey('getOrSet', { name: 'x' } as never), /getOrSet: name: there is no such option/)
})

test('What is not given is as the profile says, else as the cache does', () => {
  const root = planner({ ttl: '1h', swr: '1m', freeze: true, profiles: { p: { ttl: '1d' } } })
  const plan = root.ofFunction('a', { profile: 'p', swr: '2m', freeze: false })
  assert.deepEqual([plan.ttlMs, plan.swrMs, plan.freeze, plan.early], [86_400_000, 120_000, false, false])
  assert.deepEqual([root.userPlan.ttlMs, root.userPlan.freeze], [3_600_000, true])
  assert.equal(root.ofFunction('b', { refreshAt: 0.5 }).early, true)
})
