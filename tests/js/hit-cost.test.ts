/** "A memory hit adds no timer and no promise beyond the wrapped function's own": counted. In a file, so in a process, of its own. */
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import test from 'node:test'
import { createCache } from '../../js/runtimes/node.js'
import { memory } from '../../js/storage/memory.js'
import './harness.js'

/** What `work` sets going, itself and by what follows from it: promises, and calls of whatever lets something happen later. */
function counted(work: () => unknown, done: (counts: { promises: number; later: string[] }) => void): void {
  let promises = 0
  const later: string[] = []
  const own = setImmediate
  const names = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const
  const before = names.map(name => globalThis[name])
  names.forEach((name, i) => { (globalThis as Record<string, unknown>)[name] = (...args: never[]) => { later.push(name); return (before[i] as (...args: never[]) => unknown)(...args) } })
  const hook = createHook({ init: (_, type) => { if (type === 'PROMISE') promises++ } })
  // (The hook must not see the test's own.)
  own(() => {
    hook.enable()
    try {
      work()
    } finally {
      // Whatever it set going has its turn before this.
      own(() => {
        hook.disable()
        names.forEach((name, i) => { (globalThis as Record<string, unknown>)[name] = before[i] })
        done({ promises, later })
      })
    }
  })
}

const count = (work: () => unknown): Promise<{ promises: number; later: string[] }> => new Promise(resolve => counted(work, resolve))

test('The counting sees promises and timers, also those that follow from others', async () => {
  assert.deepEqual(await count(() => {}), { promises: 0, later: [] })
  assert.deepEqual(await count(() => Promise.resolve(1)), { promises: 1, later: [] })
  assert.ok((await count(async () => { await null; await null })).promises >= 3)
  assert.deepEqual((await count(() => { setTimeout(() => {}, 0); queueMicrotask(() => {}) })).later, ['setTimeout', 'queueMicrotask'])
})

for (const [which, options] of [['in memory only', { storage: false }], ['before a storage', { storage: memory() }], ['with a listener', { storage: false, onEvent: () => {} }], ['with frozen answers', { storage: false, freeze: true }]] as const) {
  test(`A memory hit makes one promise, the one it returns, and nothing that happens later (${which})`, async () => {
    const cache = await createCache(options)
    const values: unknown[] = [1, 'x'.repeat(20), undefined, { answer: [1, { two: 2 }] }, new Uint8Array(100), new Map([[1, 2]]), 'x'.repeat(100_000), { big: 'y'.repeat(200_000) }]
    let runs = 0
    const load = cache.wrap(async (i: number, _?: object) => { runs++; return values[i] }, { name: 'load', ttl: '30d', swr: '1d', staleIfError: '1d', idle: '1d', softTimeout: '1s', timeout: '1m', refreshAt: 0.99, jitter: 0.1, tags: ['t'], keepAlive: true })
    const ask = cache.wrap(async (_: string) => 'answer', { name: 'ask' })
    const prompt = 'a prompt that is long enough to be remembered'
    for (let i = 0; i < values.length; i++) {
      await load(i)
      await cache.set(`${i}`, values[i])
    }
    for (let i = 0; i < 3; i++) await ask(prompt)
    await cache.settled()
    runs = 0
    const { signal } = new AbortController()
    for (let i = 0; i < values.length; i++) {
      assert.deepEqual(await count(() => load(i)), { promises: 1, later: [] }, String(values[i]).slice(0, 20))
      assert.deepEqual(await count(() => cache.get(`${i}`)), { promises: 1, later: [] })
      assert.deepEqual(await count(() => cache.getOrSet(`${i}`, () => assert.fail('it ran'))), { promises: 1, later: [] })
    }
    assert.deepEqual(await count(() => ask(prompt)), { promises: 1, later: [] })
    const patient = load.with({ signal, deadline: '1h' })
    assert.deepEqual(await count(() => patient(3)), { promises: 1, later: [] }, 'a way out costs nothing where nobody waits')
    assert.equal(runs, 0)
    await cache.close()
  })
}

test('A hit of an error that is kept makes one promise, too', async () => {
  const cache = await createCache({ storage: false })
  const fails = cache.wrap(async () => { throw new Error('kept') }, { name: 'fails', cacheErrors: { ttl: '1h' } })
  await assert.rejects(fails())
  // Its rejection is heard of by catch(), which makes the second.
  assert.deepEqual(await count(() => fails().catch(() => {})), { promises: 2, later: [] })
  await cache.close()
})
