/** createCache() for one runtime, and what becomes of the cache: on, off, closed. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CacheEvent } from '../../js/events.js'
import { fallback } from '../../js/fallback/index.js'
import { createCache } from '../../js/runtimes/node.js'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, entriesIn, gate, turns, until } from './harness.js'

test('disable() lets calls run their functions; enable() finds what was there; invalidations in between hold', async () => {
  const { cache, transcript } = await bench({ storage: memory() })
  let runs = 0
  const load = cache.wrap(async (_: string) => ++runs, { name: 'load' })
  await load('a')
  await load('b')
  await cache.set('k', 'old')
  cache.disable()
  transcript()
  assert.deepEqual([await load('a'), await load('a'), await cache.get('k'), await load.peek('a')], [3, 4, undefined, undefined])
  assert.deepEqual(transcript(), ['bypass', 'bypass'])
  await load.invalidate('b')
  await cache.set('k', 'new')
  cache.enable()
  assert.deepEqual([await load('a'), await load('b')], [1, 5])
  assert.notEqual(await cache.get('k'), 'old', 'what was set meanwhile was not kept, and what it would have replaced is gone')
})

test('What is being computed when the cache is disabled goes to its callers and is not kept', async () => {
  const { cache } = await bench()
  const answer = gate<number>()
  const load = cache.wrap(() => answer.promise, { name: 'load' })
  const asked = load()
  await turns()
  cache.disable()
  answer.open(1)
  assert.equal(await asked, 1)
  cache.enable()
  assert.equal(await load.peek(), undefined)
})

test('REPRISE_DISABLE=1 starts it disabled, and enable() enables it', async () => {
  const { cache } = await bench({}, { disabled: () => true })
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  assert.deepEqual([await load(), await load()], [1, 2])
  cache.enable()
  assert.deepEqual([await load(), await load()], [3, 3])
  process.env['REPRISE_DISABLE'] = '1'
  try {
    const real = await createCache({ storage: false })
    const again = real.wrap(async () => ++runs, { name: 'load' })
    assert.deepEqual([await again(), await again()], [4, 5])
    await real.close()
  } finally {
    delete process.env['REPRISE_DISABLE']
  }
})

test('Where WebAssembly is refused the core in JavaScript stands in, compressing or not, and each cache is told once', async () => {
  for (const refusal of [new WebAssembly.CompileError("violates the Content Security policy: 'unsafe-eval'"), new EvalError('refused')]) {
    for (const limits of [{}, { compression: 'lz4' as const }]) {
      let loads = 0
      const { cache, events, transcript } = await bench({ memory: limits, storage: memory() }, { compile: () => Promise.reject(refusal), fallback: async () => (loads++, fallback) })
      assert.equal(loads, 1)
      const [event] = events as [CacheEvent & { type: 'fallback' }]
      assert.equal(event.type, 'fallback')
      assert.equal(event.error, refusal)
      assert.equal(event.why.endsWith("Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy."), refusal instanceof WebAssembly.CompileError)
      let runs = 0
      const load = cache.wrap(async () => ++runs, { name: 'load' })
      assert.deepEqual([await load(), await load()], [1, 1])
      await cache.settled()
      assert.equal((await cache.check()).entries, 1, 'by a core of its own')
      assert.deepEqual(transcript(), ['fallback', 'miss:absent', 'computed', 'stored', 'hit:memory'])
    }
  }
})

test('Where there is no WebAssembly at all the core in JavaScript stands in', async t => {
  const { WebAssembly } = globalThis
  t.after(() => Object.assign(globalThis, { WebAssembly }))
  delete (globalThis as { WebAssembly?: unknown }).WebAssembly
  const { cache, transcript } = await bench({}, { compile: () => Promise.reject(new ReferenceError('WebAssembly is not defined')), fallback: async () => fallback })
  await cache.set('a', 1)
  assert.equal(await cache.get('a'), 1)
  assert.deepEqual(transcript(), ['fallback', 'stored', 'hit:memory'])
})

test('Where the core cannot be had for another reason, as a network that failed, no slower one takes its place; nor where that cannot be had', async () => {
  let loads = 0
  const { transcript } = await bench({}, { compile: () => Promise.reject(new TypeError('Failed to fetch dynamically imported module')), fallback: async () => (loads++, fallback) })
  assert.deepEqual([transcript(), loads], [['uncached'], 0])
  const refused = await bench({}, { compile: () => Promise.reject(new WebAssembly.CompileError('no')), fallback: () => Promise.reject(new TypeError('Failed to fetch')) })
  assert.deepEqual(refused.transcript(), ['uncached'])
})

test('close() waits for writes, ends refreshes, and lets go of the storage once', async () => {
  const storage = countedStorage()
  const written = gate()
  let closes = 0
  const { cache, time } = await bench({ storage: { ...storage, close: async () => { closes++ }, set: async (key, entry) => { if (key.length === 64) await written.promise; return storage.set(key, entry, {}) }, get: key => storage.get(key), delete: key => storage.delete(key) } })
  let refreshing: AbortSignal | undefined
  const load = cache.wrap(async ctx => { if (ctx.stale === undefined) return 1; refreshing = ctx.signal; return new Promise<number>(() => {}) }, { name: 'load', context: true, ttl: '1m', swr: '1h' })
  await load()
  await time.advance('2m')
  const stale = load()
  written.open()
  assert.equal(await stale, 1)
  await until(() => refreshing !== undefined)
  await Promise.all([cache.close(), cache.close(), cache.scope('x').close()])
  assert.equal(closes, 1)
  assert.equal(refreshing!.aborted, true)
  assert.equal(entriesIn(storage).length, 1)
  assert.equal(await Promise.race([cache.settled().then(() => 'settled'), turns(20).then(() => 'waits')]), 'settled', 'nothing waits for what was ended')
})

test('await using closes it', async () => {
  const storage = countedStorage()
  let closed = false
  const { cache } = await bench({ storage: { ...storage, close: async () => { closed = true }, set: (key, entry) => storage.set(key, entry, {}), get: key => storage.get(key), delete: key => storage.delete(key) } })
  {
    await using held = cache
    await held.set('a', 1)
    assert.equal(closed, false)
  }
  assert.equal(closed, true)
  assert.equal((await cache.wrap(async () => 1, { name: 'load' }).withInfo()).info.status, 'bypass')
})

test('settled() resolves when refreshes and writes have ended, those that they gave rise to, too', async () => {
  const storage = countedStorage()
  const { cache, time } = await bench({ storage })
  const refreshed = gate()
  let runs = 0
  const load = cache.wrap(async () => { if (++runs > 1) await refreshed.promise; return runs }, { name: 'load', ttl: '1m', swr: '1h' })
  await load()
  await cache.settled()
  await time.advance('2m')
  await load()
  let settled = false
  const all = cache.settled().then(() => { settled = true })
  await turns()
  assert.equal(settled, false)
  storage.calls.length = 0
  refreshed.open()
  await all
  assert.ok(storage.calls.includes('set'))
  await cache.settled()
})

test('A host that refuses work in the background fails no call', async () => {
  const { cache, time } = await bench({ storage: memory(), waitUntil: () => { throw new Error('the request is over') } })
  const load = cache.wrap(async () => 1, { name: 'load', ttl: '1m', swr: '1h' })
  await load()
  await time.advance('2m')
  assert.equal(await load(), 1)
  await cache.settled()
})

test('A storage that throws when it is closed is an event', async () => {
  const { cache, transcript } = await bench({ storage: { ...memory(), close: () => { throw new Error('no') } } })
  await cache.close()
  assert.deepEqual(transcript(), ['storage-error:close'])
})

test('close() waits until others can learn of an invalidation that nobody waited for', async () => {
  const storage = memory()
  const slow = { ...storage, set: async (...what: Parameters<typeof storage.set>) => { await turns(2); await storage.set(...what) } }
  const reader = await bench({ storage, invalidationLag: 0 })
  await reader.cache.getOrSet('a', () => 1)
  const { cache } = await bench({ storage: slow })
  await cache.getOrSet('a', () => 2)
  void cache.invalidate('all')
  await cache.close()
  assert.equal(await reader.cache.getOrSet('a', () => 3), 3)
})
