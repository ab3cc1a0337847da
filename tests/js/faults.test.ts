/** Bad input, bad days, bad neighbours: functions, callbacks, clocks and storages that do what they should not. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DeadlineError, KeyError, OptionError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import { faultyStorage } from '../../js/testing/index.js'
import { bench, countedStorage, entriesIn, gate, turns } from './harness.js'

const hour = 3_600_000
const year = 365 * 24 * hour

test('A function that throws, rejects, or throws what is no error is retried by the next call, and all who waited are told the same', async () => {
  for (const fault of [new Error('crash'), 'a text', undefined, null, 0, { code: 7 }, Symbol('odd')]) {
    for (const fail of [() => { throw fault }, async () => { throw fault }, () => Promise.reject(fault)]) {
      const { cache } = await bench()
      let runs = 0
      const load = cache.wrap(() => (++runs === 1 ? fail() : Promise.resolve('well')), { name: 'load' })
      const wave = await Promise.allSettled([load(), load(), load()])
      assert.deepEqual(wave, [1, 2, 3].map(() => ({ status: 'rejected', reason: fault })))
      assert.deepEqual([await load(), await load(), runs], ['well', 'well', 2])
    }
  }
})

test('A function that never settles holds nobody who has a way out, and the next call after a timeout runs it anew', async () => {
  const { cache, time } = await bench()
  let runs = 0
  const hangs = cache.wrap(async () => ++runs < 3 ? new Promise<string>(() => {}) : 'at last', { name: 'hangs', timeout: '1m' })
  const leaver = new AbortController()
  const asks = [hangs(), hangs.with({ deadline: '1s' })(), hangs.with({ signal: leaver.signal })()].map(ask => ask.catch((error: Error) => error.name))
  await turns()
  leaver.abort()
  assert.equal(await asks[2], 'AbortError')
  await time.advance('1s')
  assert.equal(await asks[1], 'DeadlineError')
  await time.advance('1m')
  assert.equal(await asks[0], 'DeadlineError')
  const second = hangs().catch((error: Error) => error.name)
  await time.advance('1m')
  assert.equal(await second, 'DeadlineError')
  assert.deepEqual([await hangs(), time.timers], ['at last', 0])
})

test('A function that returns its own argument, or keeps what it returned, cannot reach into the cache', async () => {
  const { cache } = await bench()
  const echo = cache.wrap(async (request: { list: number[] }) => request, { name: 'echo' })
  const request = { list: [1] }
  assert.equal(await echo(request), request, 'the first caller has the very object, as without a cache')
  request.list.push(2)
  assert.deepEqual(await echo({ list: [1] }), { list: [1] })
  const answer = await echo({ list: [1] })
  answer.list.push(3)
  assert.deepEqual(await echo({ list: [1] }), { list: [1] })
})

test('Arguments that change between the call and the run are not kept under the old key', async () => {
  const storage = countedStorage()
  const { cache, transcript } = await bench({ storage })
  const ask = cache.wrap(async (request: { prompt: string }) => `about ${request.prompt}`, { name: 'ask' })
  const request = { prompt: 'cats' }
  const asked = ask(request)
  request.prompt = 'dogs'
  assert.equal(await asked, 'about dogs', 'as without a cache')
  assert.ok(transcript().includes('not-stored:arguments-changed'))
  assert.equal(await ask({ prompt: 'cats' }), 'about cats')
  assert.equal(await ask({ prompt: 'dogs' }), 'about dogs')
  await cache.settled()
  assert.equal(entriesIn(storage).length, 2)
})

test('Arguments that call the cache while their key is made are refused: their key would be part of another', async () => {
  const { cache } = await bench({ storage: memory() })
  const inner = cache.wrap(async (n: number) => n, { name: 'inner' })
  const outer = cache.wrap(async (request: { name: string }) => request.name, { name: 'outer' })
  const calls: Promise<unknown>[] = []
  const sly = (name: string): { name: string } => ({ name, get zone() { calls.push(inner(5)); return 1 } }) as { name: string }
  const viaJson = (name: string): { name: string } => new (class { name = name; toJSON(): object { calls.push(cache.get('x')); return { name } } })()
  for (const make of [sly, viaJson]) {
    // (Were it not refused, 'two' would be answered with 'one'.)
    await assert.rejects(outer(make('one')), KeyError)
    await assert.rejects(outer(make('two')), KeyError)
  }
  await Promise.all(calls)
  assert.deepEqual([await outer({ name: 'one' }), await inner(5)], ['one', 5])
})

test('Callbacks that call the cache, from within a call, mix up no keys', async () => {
  const storage = memory()
  const seen: Promise<unknown>[] = []
  let within = false
  const { cache } = await bench({
    storage,
    onEvent: () => {
      if (within || seen.length > 5_000) return
      within = true
      const n = seen.length % 7
      seen.push(other(n).then(found => assert.equal(found, n)), cache.get('x'), cache.has(['y', 1]))
      within = false
    },
  })
  const other = cache.wrap(async (n: number) => n, { name: 'other', ttl: '1m' })
  const load = cache.wrap(async (n: number) => `of ${n}`, {
    name: 'load', ttl: '1h', swr: '1h', staleIfError: '1h', refreshAt: 0.5,
    tags: n => { seen.push(other(n)); return [`t:${n}`] },
    validate: value => { seen.push(other(1)); return typeof value === 'string' },
  })
  for (let round = 0; round < 3; round++) for (let n = 0; n < 10; n++) assert.equal(await load(n), `of ${n}`)
  for (let n = 0; n < 7; n++) assert.equal(await other(n), n)
  await Promise.all(seen.slice())
  await cache.settled()
  const later = await bench({ storage })
  const again = later.cache.wrap(async (n: number) => `anew ${n}`, { name: 'load', tags: n => [`t:${n}`] })
  for (let n = 0; n < 10; n++) assert.equal(await again(n), `of ${n}`, 'storage has it under its own name')
})

test('Callbacks of the user that throw never break an answer', async () => {
  const broken = (): never => { throw new Error('a broken callback') }
  const { cache, time, transcript } = await bench({ onEvent: broken, waitUntil: broken, storage: memory() })
  assert.equal(await cache.wrap(async () => 1, { name: 'validate', validate: broken })(), 1)
  assert.equal(await cache.wrap(async () => 1, { name: 'schema', validate: { '~standard': { version: 1, vendor: 'x', validate: broken } } })(), 1)
  const failing = cache.wrap(async () => { throw new Error('its own') }, { name: 'when', cacheErrors: { ttl: '1h', when: broken } })
  await assert.rejects(failing(), /its own/)
  await assert.rejects(failing(), /its own/)
  const stale = cache.wrap(async () => 1, { name: 'stale', ttl: '1m', swr: '1h' })
  await stale()
  await time.advance('2m')
  assert.equal(await stale(), 1)
  await cache.settled()
  assert.deepEqual(transcript(), [])
  // What says which call is meant has to answer: its error is the caller's.
  await assert.rejects(cache.wrap(async () => 1, { name: 'key', key: broken })(), /a broken callback/)
  await assert.rejects(cache.wrap(async () => 1, { name: 'tags', tags: broken })(), /a broken callback/)
  await assert.rejects(cache.invalidate({ match: '*', onProgress: broken }), /a broken callback/)
  assert.equal(await cache.wrap(async () => 2, { name: 'key' })(), 2, 'and the cache is well')
})

test('A write that never ends, or a process that ends before it, costs a miss the next time and nothing else', async () => {
  const entries = new Map<string, Uint8Array>()
  const handed: Promise<unknown>[] = []
  const { cache } = await bench({ storage: { ...memory(entries), set: () => new Promise(() => {}) }, waitUntil: work => handed.push(work) })
  // (The tokens are written first, and wait as long: so they are put there by another.)
  const healthy = await bench({ storage: memory(entries) })
  await healthy.cache.wrap(async () => 1, { name: 'load' })()
  await healthy.cache.wrap(async () => 1, { name: 'load' }).invalidate()
  const load = cache.wrap(async () => 'value', { name: 'load' })
  assert.equal(await load(), 'value')
  assert.equal(await load(), 'value')
  assert.equal(handed.length, 1, 'the host was handed the write')
  const next = await bench({ storage: memory(entries) })
  assert.equal((await next.cache.wrap(async () => 'again', { name: 'load' }).withInfo()).info.status, 'miss')
})

test('A storage that fails, forgets and damages at random never costs an answer, and never gives a wrong one', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const storage = faultyStorage({ seed, fail: 0.2, lose: 0.2, damage: 0.2 })
    for (let process = 0; process < 4; process++) {
      const { cache } = await bench({ storage, invalidationLag: 0 })
      const load = cache.wrap(async (n: number) => ({ n, text: 'x'.repeat(n) }), { name: 'load', tags: n => [`t:${n % 3}`] })
      for (let n = 0; n < 30; n++) assert.deepEqual(await load(n), { n, text: 'x'.repeat(n) }, `seed ${seed}`)
      await cache.invalidate({ tag: 't:1' })
      await cache.settled()
    }
    assert.ok(storage.faultCount > 20)
  }
})

test('A ttl is a duration and nothing else, however large', async () => {
  for (const wrong of [NaN, -1, '10 seconds', -Infinity] as never[]) await assert.rejects(bench({ ttl: wrong }), OptionError)
  const good: [ttl: never, ms: number][] = [[2 ** 31 as never, 2 ** 31], ['3650d' as never, 3650 * 24 * hour], [1 as never, 1], [0.5 as never, 0.5], [Number.MAX_SAFE_INTEGER as never, Number.MAX_SAFE_INTEGER], [Number.MAX_VALUE as never, Infinity]]
  for (const [ttl, ms] of good) {
    for (const storage of [undefined, memory()]) {
      const { cache, time } = await bench({ ttl, ...(storage && { storage }) })
      const begun = time.now()
      let runs = 0
      const load = cache.wrap(async () => ++runs, { name: 'load' })
      await load()
      time.set(begun + Math.min(ms - 1, 2 ** 50))
      if (ms >= 1) assert.equal(await load(), 1, `${ttl}`)
      if (ms > 2 ** 50) continue
      time.set(begun + Math.ceil(ms))
      assert.equal(await load(), 2, `${ttl}`)
    }
  }
})

test('A clock that steps back an hour makes nothing immortal, and one that steps forward a year ends what is over', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    let runs = 0
    const load = cache.wrap(async () => ++runs, { name: 'load', ttl: '10m', swr: '10m' })
    time.set(10 * year)
    assert.equal(await load(), 1)
    time.set(10 * year - 300_000)
    assert.equal(await load(), 1, 'made in the future, as far as the clock knows, but clocks may be five minutes apart')
    const { info } = await load.withInfo()
    assert.equal(info.ageMs, 0, 'no age is below 0')
    time.set(10 * year + 600_000)
    assert.equal(await load(), 1, 'stale, and made anew')
    await cache.settled()
    assert.equal(await load(), 2)
    time.set(10 * year - hour)
    assert.equal(await load(), 3, 'nobody can tell how old it is')
    time.set(11 * year)
    assert.equal(await load(), 4)
    time.set(10 * year - hour)
    await cache.invalidate({ name: 'load' })
    assert.equal(await load(), 5, 'an invalidation needs no clock')
    await cache.invalidate('all')
    time.set(12 * year)
    assert.equal(await load(), 6)
  }
})

test('Invalidations of others are seen after a step of the clock, too', async () => {
  const storage = memory()
  const one = await bench({ storage })
  const two = await bench({ storage })
  const ask = ({ cache }: typeof one, value: string): Promise<string> => cache.wrap(async () => value, { name: 'ask' })()
  assert.deepEqual([await ask(one, 'old'), await ask(two, '')], ['old', 'old'])
  for (const step of [-hour, year, -year]) {
    await one.cache.invalidate({ name: 'ask' })
    two.clock.now += step
    assert.equal(await ask(two, `after ${step}`), `after ${step}`)
    await two.cache.settled()
  }
})

const runs = promisify(execFile)
const faketime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/faketime/libfaketime.so.1', '/usr/local/lib/faketime/libfaketime.so.1'].find(existsSync)

test('In a real process whose clock is turned, a year forward and an hour back, entries end and invalidations hold', { skip: faketime === undefined && 'libfaketime is not installed (Debian package: faketime)' }, async () => {
  const { stdout } = await runs(process.execPath, ['--import', createRequire(import.meta.url).resolve('tsx'), fileURLToPath(new URL('turned-clock.ts', import.meta.url)), faketime!], { timeout: 120_000 })
  assert.deepEqual(JSON.parse(stdout), {
    now: ['computed', 'hit'],
    forward: ['computed', 'hit'],
    back: ['computed', 'hit', 'invalidated', 'computed'],
    offsets: [0, year, -hour],
  })
})

test('Results that come after close() go to their callers, are not kept, and nothing is rejected behind their backs', async () => {
  const storage = countedStorage()
  const { cache, time, transcript } = await bench({ storage })
  const answer = gate<string>()
  const load = cache.wrap((_: number) => answer.promise, { name: 'load', ttl: '1m', swr: '1h' })
  const early = cache.wrap(async () => 'early', { name: 'early', ttl: '1m', swr: '1h' })
  await early()
  await time.advance('2m')
  const waiting = [load(1), load(1), cache.getOrSet('a', () => answer.promise), cache.set('b', 1), cache.delete('c'), early.expire(), cache.invalidate({ match: 'x' }).catch(() => {}), early.peek()]
  await turns()
  await cache.close()
  answer.open('late')
  assert.deepEqual((await Promise.all(waiting)).slice(0, 3), ['late', 'late', 'late'])
  assert.equal(transcript().filter(line => line === 'not-stored:closed').length, 2)
  assert.equal(await load(1), 'late')
  assert.deepEqual([await cache.get('a'), await cache.has('b'), await load.peek(1)], [undefined, false, undefined])
  await cache.set('late', 1)
  await cache.close()
  assert.equal(cache.stats().bypasses, 3)
})

test('A listener that hears of an abort and throws, or a signal that aborts twice, harms nobody', async () => {
  const { cache } = await bench()
  const answer = gate<string>()
  const ask = cache.wrap((_: number, { signal }: { signal: AbortSignal }) => { signal.addEventListener('abort', () => answer.fail(signal.reason)); return answer.promise }, { name: 'ask' })
  const leaver = new AbortController()
  const asked = ask(1, { signal: leaver.signal })
  await turns()
  leaver.abort(new Error('gone'))
  leaver.abort(new Error('gone again'))
  await assert.rejects(asked, /^Error: gone$/)
  await turns()
  assert.equal(cache.stats().entries, 0)
})

test('A deadline is a deadline while the storage is asked for invalidations, or for the entry', async () => {
  const storage = faultyStorage({ seed: 1 })
  const { cache, time } = await bench({ storage, storageDeadline: 'forever' })
  const load = cache.wrap(async (n: number) => n, { name: 'load' })
  await load(1)
  storage.faults.hang = 1
  const entry = load.with({ deadline: '1s' })(2).catch((error: Error) => error)
  await time.advance('1s')
  assert.ok((await entry) instanceof DeadlineError)
})

test('Who joined a call whose arguments change before its function runs is answered for what they asked, at once', async () => {
  const { cache } = await bench()
  const runs: string[] = []
  const slow = gate()
  const ask = cache.wrap(async (request: { prompt: string }) => {
    const { prompt } = request
    runs.push(prompt)
    if (prompt === 'dogs') {
      await slow.promise
      throw new Error('no dogs')
    }
    return `about ${prompt}`
  }, { name: 'ask' })
  const request = { prompt: 'cats' }
  const owner = ask(request)
  owner.catch(() => {})
  const joined = [ask({ prompt: 'cats' }), ask.with({ deadline: '1m' })({ prompt: 'cats' })]
  request.prompt = 'dogs'
  assert.deepEqual(await Promise.all(joined), ['about cats', 'about cats'])
  assert.equal(await ask({ prompt: 'cats' }), 'about cats')
  slow.open()
  await assert.rejects(owner, /no dogs/)
  assert.deepEqual(runs, ['dogs', 'cats'])
})

test('Arguments that change are noticed where only a part of them counts, too', async () => {
  for (const options of [{ ignore: ['user'] }, { key: (request: { page: number }) => request.page }]) {
    const { cache, transcript } = await bench()
    const ask = cache.wrap(async (request: { page: number; user?: string }) => `page ${request.page}`, { name: 'ask', ...options })
    const request = { page: 1, user: 'me' }
    const asked = ask(request)
    request.page = 2
    assert.equal(await asked, 'page 2')
    assert.ok(transcript().includes('not-stored:arguments-changed'))
    assert.equal(await ask({ page: 1 }), 'page 1')
  }
})
