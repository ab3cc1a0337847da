/** forget(): all of a scope, gone from memory's answers and from storage, and nobody else's. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError, StorageError } from '../../js/errors.js'
import type { CacheOptions } from '../../js/options.js'
import { memory } from '../../js/storage/memory.js'
import { bench, gate, turns, until } from './harness.js'

const secret = 'a secret of 16 bytes or more'
const modes: [string, CacheOptions][] = [['without a secret', {}], ['authenticated', { secret }], ['encrypted', { secret, encrypt: true }]]
const isEntry = (name: string): boolean => name.length === 64

for (const [how, options] of modes) {
  test(`A tenant is forgotten, with the scopes within, and the others stay (${how})`, async () => {
    const entries = new Map<string, Uint8Array>()
    const storage = memory(entries)
    const { cache } = await bench({ storage, ...options })
    const [acme, globex] = [cache.scope('acme'), cache.scope('globex')]
    const names = async (act: () => Promise<unknown>): Promise<string[]> => {
      const before = new Set(entries.keys())
      await act()
      await cache.settled()
      return [...entries.keys()].filter(name => isEntry(name) && !before.has(name))
    }
    const theirs = await names(async () => {
      await acme.set('a', 1)
      await acme.wrap(async (n: number) => n, { name: 'load', tags: ['users'] })(7)
      await acme.scope('within').set('a', 1)
      await acme.scope('globex').set('a', 'acme\'s globex')
    })
    const others = await names(async () => {
      await globex.set('a', 2)
      await cache.set('a', 3, { tags: ['acme'] })
      await globex.scope('acme').set('a', 'globex\'s acme')
    })
    assert.deepEqual([theirs.length, others.length], [4, 3])
    const reader = await bench({ storage, ...options, invalidationLag: 0 })
    assert.equal(await reader.cache.scope('acme').get('a'), 1)

    const report = await reader.cache.forget('acme')
    assert.deepEqual({ ...report, bytes: 0 }, { scanned: 7, forgotten: 4, bytes: 0, damaged: 0, foreign: 0, owed: 0 })
    assert.ok(report.bytes > 4 * 96)
    assert.deepEqual([...entries.keys()].filter(isEntry).sort(), others.sort())
    assert.deepEqual([await reader.cache.scope('acme').get('a'), await reader.cache.scope('globex').get('a'), await reader.cache.get('a')], [undefined, 2, 3])
    assert.equal((await reader.cache.forget('acme')).forgotten, 0)
    // Of a scope within, by way of the outer one.
    assert.equal((await reader.cache.scope('globex').forget('acme')).forgotten, 1)
    assert.equal(await reader.cache.scope('globex').get('a'), 2)
  })

  test(`What is dead, over or damaged goes as well: it may be of the tenant (${how})`, async () => {
    const entries = new Map<string, Uint8Array>()
    const storage = memory(entries)
    const { cache, clock } = await bench({ storage, ...options })
    const acme = cache.scope('acme')
    await acme.set('dead', 1, { tags: ['t'] })
    await acme.set('over', 1, { ttl: '1s' })
    await acme.set('damaged', 1)
    await cache.settled()
    const damaged = [...entries.keys()].filter(isEntry).at(-1)!
    entries.set(damaged, entries.get(damaged)!.with(90, 1 ^ entries.get(damaged)![90]!))
    await acme.invalidate({ tag: 't' })
    clock.now += 5_000
    const { forgotten, damaged: broken } = await cache.forget('acme')
    assert.deepEqual([forgotten, broken], [2, 1])
    assert.deepEqual([...entries.keys()].filter(isEntry), [])
  })
}

test('What is being computed, or written, for the tenant meanwhile is not kept', async () => {
  const entries = new Map<string, Uint8Array>()
  const slow = gate()
  const inner = memory(entries)
  let writes = 0
  const storage: typeof inner = {
    ...inner,
    async set(key, entry, hint) {
      if (isEntry(key) && writes++ === 0) await slow.promise
      await inner.set(key, entry, hint)
    },
  }
  const { cache, events } = await bench({ storage, storageDeadline: 'forever' })
  const acme = cache.scope('acme')
  await acme.wrap(async () => 'written slowly', { name: 'one' })()
  const computing = gate<string>()
  const asked = acme.wrap(() => computing.promise, { name: 'two' })()
  await turns()
  const forgetting = cache.forget('acme')
  await until(() => events.some(({ type }) => type === 'invalidated'))
  slow.open()
  computing.open('computed slowly')
  assert.equal(await asked, 'computed slowly')
  assert.equal((await forgetting).forgotten, 1)
  await cache.settled()
  assert.deepEqual([...entries.keys()].filter(isEntry), [])
})

test('All of a cache\'s own scope can be forgotten, and a tenant that is called all is a tenant', async () => {
  const storage = memory()
  const all = async (): Promise<number> => (await (await bench({ storage })).cache.check()).entries
  const [one, two] = [(await bench({ storage, scope: 'one' })).cache, (await bench({ storage, scope: 'two' })).cache]
  for (const cache of [one, two, one.scope('all'), one.scope('other')]) await cache.set('a', 1)
  assert.equal(await all(), 4)
  assert.equal((await one.forget('all')).forgotten, 1)
  assert.equal((await one.forget({ all: true })).forgotten, 2)
  assert.equal(await one.get('a'), undefined)
  assert.equal(await two.get('a'), 1)
  assert.equal((await (await bench({ storage })).cache.forget({ all: true })).forgotten, 1)
  assert.equal(await all(), 0)
})

test('Memory only: the scope is invalidated', async () => {
  const { cache } = await bench()
  await cache.scope('acme').set('a', 1)
  assert.deepEqual(await cache.forget('acme'), { scanned: 0, forgotten: 0, bytes: 0, damaged: 0, foreign: 0, owed: 0 })
  assert.equal(await cache.scope('acme').get('a'), undefined)
})

test('What cannot be done is said: a storage that cannot list (and nothing is done), one that fails, what is no scope', async () => {
  const { keys: _, ...mute } = memory()
  const { cache } = await bench({ storage: mute })
  await cache.scope('acme').set('a', 1)
  await assert.rejects(cache.forget('acme'), (error: Error) => error instanceof OptionError && /forget: the storage cannot say what it holds/.test(error.message))
  assert.equal(await cache.scope('acme').get('a'), 1)
  for (const wrong of ['', undefined, null, 5, {}, { all: false }, { scope: 'acme' }]) await assert.rejects(cache.forget(wrong as never), OptionError)
  await assert.rejects(cache.forget('acme', { match: '*' } as never), /OptionError: forget: match: there is no such option/)
  const broken = await bench({ storage: { ...memory(), async *keys() { yield 'f'.repeat(64); throw new Error('half of it') } } })
  await assert.rejects(broken.cache.forget('acme'), StorageError)
})

test('It can be aborted; by then the scope answers nothing any more', async () => {
  const { cache } = await bench({ storage: memory() })
  await cache.scope('acme').set('a', 1)
  await assert.rejects(cache.forget('acme', { signal: AbortSignal.abort(new Error('never mind')) }), /never mind/)
  assert.equal(await cache.scope('acme').get('a'), 1, 'before it began nothing was done')
  const controller = new AbortController()
  const forgetting = cache.forget('acme', { signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(forgetting, /enough/)
})

test('A deletion that the storage did not confirm is counted, and made up for', async () => {
  const entries = new Map<string, Uint8Array>()
  const inner = memory(entries)
  let fails = true
  const storage: typeof inner = { ...inner, delete: async key => (fails ? Promise.reject(new Error('not now')) : inner.delete(key)) }
  const { cache, time } = await bench({ storage })
  await cache.scope('acme').set('a', 1)
  await cache.settled()
  const { forgotten, owed } = await cache.forget('acme')
  assert.deepEqual([forgotten, owed], [1, 1])
  fails = false
  await time.advance('5m')
  await turns(50)
  assert.deepEqual([...entries.keys()].filter(isEntry), [])
})
