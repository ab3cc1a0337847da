/** Where an answer came from: each status of withInfo(), and as a header. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CallContext } from '../../js/context.js'
import { type CallInfo, toCacheStatus } from '../../js/info.js'
import { memory } from '../../js/storage/memory.js'
import { bench, gate, until } from './harness.js'

test('miss, joined, hit in memory, hit in storage', async () => {
  const storage = memory()
  const { cache, time } = await bench({ storage })
  const running = gate()
  let runs = 0
  const load = cache.wrap(async (n: number) => { runs++; await running.promise; return n }, { name: 'load', ttl: '10m' })
  const asks = [load.withInfo(1), load.withInfo(1)]
  await until(() => runs === 1)
  void time.advance(50)
  await until(() => time.stopwatch() === 50)
  running.open()
  const [miss, joined] = (await Promise.all(asks)).map(({ value, info }) => { assert.equal(value, 1); return info })
  const key = await load.key(1)
  assert.match(key!, /^[0-9a-f]{64}$/)
  assert.deepEqual(miss, { status: 'miss', tier: undefined, ageMs: 0, ttlMs: 600_000, key, reason: 'absent', ms: 50, savedMs: 0, error: undefined })
  assert.deepEqual(joined, { ...miss, status: 'joined' })
  await time.advance('1m')
  assert.deepEqual((await load.withInfo(1)).info, { status: 'hit', tier: 'memory', ageMs: 60_000, ttlMs: 540_000, key, reason: undefined, ms: 0, savedMs: 50, error: undefined })
  await cache.settled()
  const elsewhere = await bench({ storage, clock: time })
  const found = await elsewhere.cache.wrap(async (n: number) => n, { name: 'load' }).withInfo(1)
  assert.deepEqual(found.info, { status: 'hit', tier: 'storage', ageMs: 60_000, ttlMs: 540_000, key, reason: 'absent', ms: 0, savedMs: 50, error: undefined })
})

test('stale, error-stale with its error, refreshed', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    let fails = false
    const load = cache.wrap(async () => { if (fails) throw new Error('no answer'); return 1 }, { name: 'load', ttl: '1m', swr: '1m', staleIfError: '10m' })
    await load()
    await time.advance('1m')
    fails = true
    const stale = (await load.withInfo()).info
    assert.deepEqual([stale.status, stale.tier, stale.ageMs, stale.ttlMs, stale.error], ['stale', 'memory', 60_000, 0, undefined])
    await cache.settled()
    await time.advance('1m')
    const stood = (await load.withInfo()).info
    assert.deepEqual([stood.status, stood.tier, stood.ttlMs, stood.reason, String(stood.error)], ['error-stale', 'memory', -60_000, 'expired', 'Error: no answer'])
    const both = await Promise.all([load.withInfo(), load.withInfo()])
    assert.deepEqual(both.map(({ info }) => info.status), ['error-stale', 'error-stale'], 'who joins is told of it, too')
    fails = false
    assert.deepEqual((await load.withInfo()).info.reason, 'expired')
    assert.equal((await load.withInfo()).info.status, 'hit')
  }
})

test('A miss says why: absent, expired, invalidated, evicted', async () => {
  const { cache, time } = await bench({ memory: { maxBytes: '1MB' } })
  const load = cache.wrap(async (ctx, n: number) => { ctx.cost(n); return new Uint8Array(2_000) }, { name: 'load', ttl: '1m', context: true })
  const reason = async (n: number): Promise<string | undefined> => (await load.withInfo(n)).info.reason
  assert.equal(await reason(1), 'absent')
  await time.advance('1m')
  assert.equal(await reason(1), 'expired')
  await cache.invalidate({ name: 'load' })
  assert.equal(await reason(1), 'invalidated')
  // The dearer come later, so the cheap have to leave.
  for (let n = 2; n < 600; n++) await load(n)
  assert.ok(cache.stats().core!.evicted > 0)
  const reasons = new Set<string | undefined>()
  for (let n = 2; n < 600; n++) reasons.add(await reason(n))
  assert.ok(reasons.has('evicted'), [...reasons].join())
})

test('bypass: while the cache is disabled, or closed', async () => {
  const { cache } = await bench()
  const load = cache.wrap(async () => 1, { name: 'load' })
  await load()
  cache.disable()
  const { status, tier, ttlMs, reason, key } = (await load.withInfo()).info
  assert.deepEqual([status, tier, ttlMs, reason, key], ['bypass', undefined, undefined, undefined, await load.key()])
  cache.enable()
  assert.equal((await load.withInfo()).info.status, 'hit')
  await cache.close()
  assert.equal((await load.withInfo()).info.status, 'bypass')
})

test('A call that fails has no info: it rejects as the call does', async () => {
  const { cache } = await bench()
  await assert.rejects(cache.wrap(async () => { throw new Error('crash') }, { name: 'load' }).withInfo(), /^Error: crash$/)
})

test('Where no digest can be had there is no key, and the rest is told', async () => {
  const { cache } = await bench({ storage: memory() }, { digest: () => () => Promise.reject(new Error('no crypto')) })
  const { info } = await cache.wrap(async () => 1, { name: 'load' }).withInfo()
  assert.deepEqual([info.key, info.status], [undefined, 'miss'])
})

test('toCacheStatus says it in a header of RFC 9211', () => {
  const info: CallInfo = { status: 'hit', tier: 'memory', ageMs: 5, ttlMs: 1_999, key: undefined, reason: undefined, ms: 1, savedMs: 2, error: undefined }
  const headers: [Partial<CallInfo>, string][] = [
    [{}, 'reprise; hit; ttl=1'],
    [{ ttlMs: Infinity, key: '3f' }, 'reprise; hit; key="3f"'],
    [{ status: 'stale', ttlMs: -1 }, 'reprise; hit; ttl=-1; detail=stale'],
    [{ status: 'error-stale', ttlMs: -5_000 }, 'reprise; hit; ttl=-5; detail=error-stale'],
    [{ status: 'miss', tier: undefined, reason: 'absent' }, 'reprise; fwd=uri-miss; ttl=1'],
    [{ status: 'miss', tier: undefined, reason: 'evicted' }, 'reprise; fwd=uri-miss; ttl=1'],
    [{ status: 'miss', tier: undefined, reason: 'expired' }, 'reprise; fwd=stale; ttl=1'],
    [{ status: 'miss', tier: undefined, reason: 'invalidated', ttlMs: 0 }, 'reprise; fwd=stale; ttl=0'],
    [{ status: 'joined', tier: undefined, reason: 'absent' }, 'reprise; fwd=uri-miss; collapsed; ttl=1'],
    [{ status: 'refreshed', tier: undefined, reason: 'forced' }, 'reprise; fwd=request; ttl=1; detail=refreshed'],
    [{ status: 'bypass', tier: undefined, ttlMs: undefined }, 'reprise; fwd=bypass'],
  ]
  for (const [changes, header] of headers) {
    assert.equal(toCacheStatus({ ...info, ...changes }), header)
    // An RFC 8941 list of one item: a token, then parameters, of which each is a token, a number or a string.
    assert.match(header, /^[A-Za-z*][\w.-]*(; [a-z-]+(=(-?\d+|"[^"\\]*"|[a-z-]+))?)*$/)
  }
  assert.equal(toCacheStatus(info, 'edge-1.example'), 'edge-1.example; hit; ttl=1')
  for (const wrong of ['', '1st', 'a b', 'a;b', 'a"', 'é']) assert.throws(() => toCacheStatus(info, wrong), /cannot name a cache in a header/)
})

test('A result that was not kept has no time left', async () => {
  const { cache } = await bench()
  const skipped = cache.wrap(async (context: CallContext) => context.skip('value'), { name: 'skipped', context: true, ttl: '1h' })
  const unstorable = cache.wrap(async () => () => 1, { name: 'unstorable', ttl: '1h' })
  for (const { info } of [await skipped.withInfo(), await unstorable.withInfo()]) {
    assert.equal(info.ttlMs, undefined)
    assert.doesNotMatch(toCacheStatus(info), /ttl/)
  }
})
