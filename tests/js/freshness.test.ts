/** Each option of freshness, on a clock that stands still: what answers when, and what runs behind the caller's back. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import { always, isEarly, jittered, keptStaleMs, parseFreshness, parseProfiles } from '../../js/freshness.js'
import type { CacheOptions, WrapOptions } from '../../js/options.js'
import { memory } from '../../js/storage/memory.js'
import { virtualClock } from '../../js/testing/index.js'
import { bench, type Bench, countedStorage, entriesIn, gate, turns, until } from './harness.js'

const minute = 60_000

/** A function that counts its runs, fails where told, and takes as long as told. */
async function counting(options: Omit<WrapOptions, 'migrate' | 'tags' | 'key' | 'context'>, cacheOptions: CacheOptions = {}): Promise<Bench & { load: { (): Promise<number>; withInfo(): Promise<{ value: number; info: { status: string } }>; invalidate(): Promise<void> }; state: { runs: number; fails: boolean; takesMs: number } }> {
  const all = await bench(cacheOptions)
  const { after } = cacheOptions.clock ?? all.time
  const state = { runs: 0, fails: false, takesMs: 0 }
  const load = all.cache.wrap(async () => {
    const run = ++state.runs
    if (state.takesMs > 0) await new Promise<void>(resolve => after(state.takesMs, resolve))
    if (state.fails) throw new Error(`run ${run} fails`)
    return run
  }, { name: 'load', ...options, context: false })
  return { ...all, load, state }
}

test('swr: after its ttl a result answers at once and is made anew once, however many ask; then it is over', async () => {
  for (const storage of [undefined, memory()]) {
    const { load, state, time, cache, transcript } = await counting({ ttl: '1m', swr: '1h' }, storage && { storage })
    await load()
    await time.advance(minute)
    transcript()
    assert.deepEqual(await Promise.all([load(), load(), load()]), [1, 1, 1])
    await cache.settled()
    assert.deepEqual(transcript(), ['stale:swr', 'stale:swr', 'stale:swr', 'computed:background', 'stored'])
    assert.deepEqual([await load(), state.runs], [2, 2])
    await time.advance(minute + 60 * minute - 1)
    assert.equal(await load(), 2, 'a millisecond before the end')
    await cache.settled()
    await time.advance(minute + 60 * minute)
    assert.equal(await load(), 4, 'none is old enough for that')
  }
})

test('swr: a refresh is of the same key however large the old result is, also where it lies in parts in memory', async () => {
  for (const size of [0, 100, 8_000, 9_000, 60_000, 70_000, 300_000]) {
    const storage = countedStorage()
    const { cache, time, events } = await bench({ storage, eventKeys: true })
    const load = cache.wrap(async (question: object) => [JSON.stringify(question), '\u0001'.repeat(size)], { name: 'load', ttl: '1m', swr: '1h' })
    const question = { of: ['a', 2, { b: 'c'.repeat(70) }] }
    const first = await load(question)
    await cache.settled()
    const [[name]] = entriesIn(storage) as [[string, Uint8Array]]
    await time.advance(minute)
    for (const ask of [() => load(question), () => load(question)]) assert.deepEqual(await ask(), first)
    await cache.settled()
    assert.deepEqual(entriesIn(storage).map(([name]) => name), [name], `${size}`)
    assert.deepEqual([...new Set(events.flatMap(event => ('key' in event ? [event.key] : [])))], [name], `${size}`)
  }
})

test('swr: a refresh goes to waitUntil, and its promise never rejects', async () => {
  const handed: Promise<unknown>[] = []
  const { load, state, time, transcript } = await counting({ ttl: '1m', swr: '1h' }, { waitUntil: work => handed.push(work) })
  await load()
  await time.advance(minute)
  state.fails = true
  transcript()
  assert.equal(await load(), 1)
  assert.equal(handed.length, 1)
  await Promise.all(handed)
  assert.deepEqual(transcript(), ['stale:swr', 'computed:failed:background'])
  assert.equal(await load(), 1, 'it answers still, and is tried again')
  await Promise.all(handed)
  assert.deepEqual([handed.length, state.runs], [2, 3])
  state.fails = false
  await load()
  await Promise.all(handed)
  assert.equal(await load(), 4)
})

test('swr: what lies in storage answers, and is made anew behind the caller\'s back', async () => {
  const storage = memory()
  const one = await counting({ ttl: '1m', swr: '1h' }, { storage })
  await one.load()
  await one.cache.settled()
  const two = await counting({ ttl: '1m', swr: '1h' }, { storage, clock: one.time })
  two.state.runs = 10
  await one.time.advance(2 * minute)
  assert.deepEqual(await Promise.all([two.load(), two.load()]), [1, 1])
  await two.cache.settled()
  assert.deepEqual(two.transcript(), ['miss:absent', 'miss:absent', 'joined', 'stale:swr', 'computed:background', 'stored'])
  assert.equal(await two.load(), 11)
})

test('swr: a refresh takes what another process has made meanwhile, and runs nothing', async () => {
  const storage = memory()
  const one = await counting({ ttl: '1m', swr: '1h' }, { storage })
  const two = await counting({ ttl: '1m', swr: '1h' }, { storage, clock: one.time })
  two.state.runs = 10
  await one.load()
  await one.cache.settled()
  assert.equal(await two.load(), 1)
  await one.time.advance(minute)
  await one.load()
  await one.cache.settled()
  assert.equal(await one.load(), 2)
  await one.time.advance(1)
  assert.equal(await two.load(), 1)
  await two.cache.settled()
  assert.deepEqual([await two.load(), two.state.runs], [2, 10])
})

test('staleIfError: a failure is answered by what is not older than that, to the millisecond, and with the error in its event', async () => {
  for (const storage of [undefined, memory()]) {
    const { load, state, time, events, transcript } = await counting({ ttl: '1m', staleIfError: '10m' }, storage && { storage })
    await load()
    state.fails = true
    await time.advance(minute - 1)
    assert.equal(await load(), 1)
    await time.advance(1)
    transcript()
    assert.equal(await load(), 1)
    assert.deepEqual(transcript(), ['miss:expired', 'computed:failed', 'stale:error'])
    assert.match(String((events.at(-2) as { error: unknown }).error), /run 2 fails/)
    await time.advance(10 * minute - 1)
    assert.equal(await load(), 1)
    await time.advance(1)
    await assert.rejects(load(), /run 4 fails/)
    state.fails = false
    assert.equal(await load(), 5)
  }
})

test('staleIfError: without a failure nothing stale answers, and a result of storage alone will do', async () => {
  const storage = memory()
  const one = await counting({ ttl: '1m', staleIfError: '10m' }, { storage })
  await one.load()
  await one.cache.settled()
  await one.time.advance(2 * minute)
  const two = await counting({ ttl: '1m', staleIfError: '10m' }, { storage, clock: one.time })
  two.state.fails = true
  assert.equal(await two.load(), 1)
  two.state.fails = false
  assert.equal(await two.load(), 2)
  assert.deepEqual([await one.load()], [2], 'which the other finds')
})

test('swr and staleIfError: the longer one says how long a result is kept, each what for', async () => {
  const { load, state, time, cache } = await counting({ ttl: '1m', swr: '1m', staleIfError: '10m' })
  await load()
  state.fails = true
  await time.advance(1.5 * minute)
  assert.equal((await load.withInfo()).info.status, 'stale')
  await cache.settled()
  await time.advance(minute)
  assert.equal((await load.withInfo()).info.status, 'error-stale')
  await time.advance(9 * minute)
  await assert.rejects(load())
  assert.equal(keptStaleMs({ ...always, swrMs: 5, staleIfErrorMs: 3 }), 5)
})

test('swr: a refresh that fails is no answer, so it is no event of one, whatever staleIfError says', async () => {
  const { load, state, time, cache, transcript } = await counting({ ttl: '1m', swr: '1h', staleIfError: '1h', softTimeout: '1s' })
  await load()
  await time.advance(minute)
  state.fails = true
  state.takesMs = 5_000
  transcript()
  assert.equal(await load(), 1)
  await time.advance('5s')
  await cache.settled()
  assert.deepEqual(transcript(), ['stale:swr', 'computed:failed:background'])
})

test('refreshAt: a hit late in its ttl has the result made anew, once', async () => {
  const { load, state, time, cache, transcript } = await counting({ ttl: '10m', refreshAt: 0.9 })
  await load()
  await time.advance(9 * minute - 1)
  await load()
  transcript()
  await time.advance(1)
  assert.deepEqual(await Promise.all([load(), load()]), [1, 1])
  await cache.settled()
  assert.deepEqual(transcript(), ['hit:memory', 'hit:memory', 'computed:background', 'stored'])
  assert.deepEqual([await load(), state.runs], [2, 2])
  await time.advance(9 * minute - 1)
  await load()
  await cache.settled()
  assert.equal(state.runs, 2, 'the new one has a ttl of its own')
})

test('refreshAt: what is fresh for ever is never early, and a refresh that fails leaves the result', async () => {
  const forever = await counting({ refreshAt: 0 })
  await forever.load()
  await forever.time.advance('3650d')
  await forever.load()
  await forever.cache.settled()
  assert.equal(forever.state.runs, 1)
  const failing = await counting({ ttl: '10m', refreshAt: 0.5 })
  await failing.load()
  failing.state.fails = true
  await failing.time.advance('6m')
  assert.equal(await failing.load(), 1)
  await failing.cache.settled()
  assert.deepEqual([await failing.load(), failing.transcript().includes('computed:failed:background')], [1, true])
})

test('earlyExpiry: by chance, the likelier the longer the function takes and the nearer the end is', async () => {
  const time = virtualClock()
  const { load, state, cache } = await counting({ ttl: '10m', earlyExpiry: 1 }, { clock: { ...time, random: () => 0.5 } })
  const ask = async (): Promise<number> => { const asked = load(); await time.advance(minute); await cache.settled(); return asked }
  state.takesMs = minute
  await ask()
  // 60 s x ln 2 = 41.6 s before the end.
  await time.advance(600_000 - 41_700)
  await ask()
  assert.equal(state.runs, 1)
  await load.invalidate()
  await ask()
  await time.advance(600_000 - 41_500)
  assert.deepEqual([await ask(), state.runs, await load()], [2, 3, 3])
  const entry = { created: 0, freshUntil: 600_000, costMs: minute }
  const early = (now: number, random: number, beta = 1): boolean => isEarly({ ...always, earlyExpiry: beta }, entry, now, () => random)
  assert.deepEqual([early(558_300, 0.5), early(558_500, 0.5)], [false, true])
  assert.deepEqual([early(558_300, 0.5, 2), early(0, 0), early(599_999, 0), early(0, 0.99)], [true, false, false, false])
})

test('jitter: results live for the share of their ttl that chance says', async () => {
  for (const [chance, ms] of [[0, 600_000], [0.5, 570_000], [1 - 2 ** -32, 540_000]] as const) {
    const time = virtualClock()
    const { load, state } = await counting({ ttl: '10m', jitter: 0.1 }, { clock: { ...time, random: () => chance } })
    await load()
    await time.advance(ms - 1)
    await load()
    assert.equal(state.runs, 1)
    await time.advance(1)
    await load()
    assert.equal(state.runs, 2, `${chance}`)
  }
  assert.deepEqual([jittered(Infinity, 1, 0.5), jittered(100, 0, 0.5), jittered(100, 1, 0.5)], [Infinity, 100, 50])
})

test('idle: what nobody asks for is over in memory; each answer begins it anew, and the ttl stays what it is', async () => {
  const { load, state, time } = await counting({ ttl: '1h', idle: '10m' })
  await load()
  for (let i = 0; i < 5; i++) {
    await time.advance(10 * minute - 1)
    assert.equal(await load(), 1)
  }
  await time.advance(10 * minute)
  assert.equal(await load(), 2, 'idle')
  for (let i = 0; i < 6; i++) {
    await time.advance(9.99 * minute)
    await load()
  }
  await time.advance(minute)
  assert.deepEqual([await load(), state.runs], [3, 3], 'its ttl is over')
})

test('idle: storage is told when nobody will want the entry: after the idle time, or the ttl, and what may be stale then', async () => {
  const told: (number | undefined)[] = []
  const entries = memory()
  const storage = { ...entries, set: async (key: string, entry: Uint8Array, hint: { expiresAt?: number }) => { if (key.length === 64) told.push(hint.expiresAt); return entries.set(key, entry, hint) } }
  const { cache, time } = await bench({ storage })
  const now = time.now()
  for (const [i, options] of [{ idle: '10m' }, { ttl: '1h', idle: '10m' }, { ttl: '1m', idle: '10m', swr: '2m' }, { ttl: '1m', staleIfError: '3m', swr: '2m' }, {}].entries()) await cache.set(`${i}`, 1, options as never)
  assert.deepEqual(told, [now + 10 * minute, now + 10 * minute, now + 3 * minute, now + 4 * minute, undefined])
})

test('softTimeout: who has waited that long gets the stale result, the function goes on, and its result is kept', async () => {
  const handed: Promise<unknown>[] = []
  const { load, state, time, cache, transcript } = await counting({ ttl: '1m', staleIfError: '1h', softTimeout: '1s' }, { waitUntil: work => handed.push(work) })
  await load()
  await time.advance(minute)
  state.takesMs = 5_000
  transcript()
  let answer: number | undefined
  const asked = load().then(value => { answer = value })
  await time.advance(999)
  assert.equal(answer, undefined)
  await time.advance(1)
  await asked
  assert.deepEqual([answer, transcript()], [1, ['miss:expired', 'stale:timeout']])
  assert.ok(handed.length > 0, 'the host is told of what goes on')
  let settled = false
  const all = cache.settled().then(() => { settled = true })
  await turns()
  assert.equal(settled, false, 'settled() waits for what goes on')
  await time.advance('4s')
  await all
  await Promise.all(handed)
  assert.deepEqual([transcript(), await load(), state.runs, time.timers], [['computed', 'stored'], 2, 2, 0])
})

test('softTimeout: without a stale result it is nothing; a failure before it is answered at once', async () => {
  const { load, state, time } = await counting({ ttl: '1m', staleIfError: '1h', softTimeout: '1s' })
  state.takesMs = 5_000
  const slow = load()
  await time.advance('5s')
  assert.equal(await slow, 1)
  state.takesMs = 0
  state.fails = true
  await time.advance(minute)
  assert.deepEqual([await load(), time.timers], [1, 0])
})

test('timeout: a function that takes longer has failed, its signal aborts, and what it brings is not kept', async () => {
  const { cache, time, transcript } = await bench()
  const answer = gate<string>()
  let signal: AbortSignal | undefined
  const load = cache.wrap(ctx => { signal = ctx.signal; return answer.promise }, { name: 'load', context: true, timeout: '1s' })
  const asked = load()
  asked.catch(() => {})
  await time.advance('1s')
  await assert.rejects(asked, { name: 'DeadlineError', message: /"load" took longer than its timeout of 1000 ms/ })
  assert.deepEqual([signal?.aborted, (signal?.reason as Error).name], [true, 'DeadlineError'])
  answer.open('late')
  await turns()
  assert.deepEqual([cache.stats().entries, transcript()], [0, ['miss:absent', 'computed:failed']])
  assert.equal(await load(), 'late')
})

test('timeout with keepAlive: the callers are told, the function goes on undisturbed, and its result is kept', async () => {
  const handed: Promise<unknown>[] = []
  const { cache, time, transcript } = await bench({ waitUntil: work => handed.push(work) })
  const answer = gate<string>()
  let signal: AbortSignal | undefined
  let runs = 0
  const load = cache.wrap(ctx => { runs++; signal = ctx.signal; return answer.promise }, { name: 'load', context: true, timeout: '1s', keepAlive: true })
  const asked = load()
  asked.catch(() => {})
  await time.advance('1s')
  await assert.rejects(asked, { name: 'DeadlineError' })
  assert.equal(signal?.aborted, false)
  const settled = cache.settled()
  answer.open('late')
  await settled
  await Promise.all(handed)
  assert.deepEqual([await load(), runs, transcript()], ['late', 1, ['miss:absent', 'computed:failed', 'stored', 'hit:memory']])
})

test('timeout: a stale result within staleIfError answers for a function that was too slow', async () => {
  const { load, state, time } = await counting({ ttl: '1m', staleIfError: '1h', timeout: '1s' })
  await load()
  await time.advance(minute)
  state.takesMs = 5_000
  const asked = load.withInfo()
  await time.advance('1s')
  const { value, info } = await asked
  assert.deepEqual([value, info.status, time.timers], [1, 'error-stale', 1], 'only the function\'s own timer is left')
})

test('keepAlive: the function runs to its end and is kept even if all callers have left, and the host is told', async () => {
  for (const keepAlive of [true, false]) {
    const handed: Promise<unknown>[] = []
    const { cache, transcript } = await bench({ waitUntil: work => handed.push(work) })
    const answer = gate<string>()
    let signal: AbortSignal | undefined
    const load = cache.wrap(ctx => { signal = ctx.signal; return answer.promise }, { name: 'load', context: true, keepAlive })
    const leaver = new AbortController()
    const asked = load.with({ signal: leaver.signal })()
    await until(() => signal !== undefined)
    leaver.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    assert.equal(signal!.aborted, !keepAlive)
    assert.equal(handed.length > 0, keepAlive)
    answer.open('in the end')
    await (keepAlive ? cache.settled() : turns())
    assert.deepEqual(transcript().slice(1), keepAlive ? ['computed', 'stored'] : ['computed', 'not-stored:abandoned'])
    assert.equal(cache.stats().entries, Number(keepAlive))
  }
})

test('Profiles are freshness by name; what a function says beside its profile counts more, and the cache\'s own options count least', async () => {
  const { cache, time } = await bench({ ttl: '1m', profiles: { short: { ttl: '1s' }, long: { ttl: '1h', swr: '1h' } } })
  const status = async (options: { profile?: string; ttl?: '2h' }, afterMs: number): Promise<string> => {
    const load = cache.wrap(async () => 1, { name: JSON.stringify(options) + afterMs, ...options })
    await load()
    time.set(time.now() + afterMs)
    return (await load.withInfo()).info.status
  }
  assert.equal(await status({}, 59_999), 'hit')
  assert.equal(await status({}, 60_000), 'miss')
  assert.equal(await status({ profile: 'short' }, 1_000), 'miss')
  assert.equal(await status({ profile: 'long' }, 3_600_000), 'stale')
  assert.equal(await status({ profile: 'long', ttl: '2h' }, 3_600_000), 'hit')
  await cache.set('a', 1, { profile: 'short' })
  await cache.getOrSet('b', () => 1, { profile: 'long' })
  time.set(time.now() + 1_000)
  assert.deepEqual([await cache.has('a'), await cache.has('b')], [false, true])
  assert.throws(() => cache.wrap(async () => 1, { name: 'x', profile: 'huge' }), /profile: "huge" is not among the cache's profiles \(short, long\)/)
  assert.throws(() => parseProfiles({ p: { tll: 1 } }, always), /profiles\.p: tll: there is no such option/)
  assert.throws(() => parseProfiles({ p: { ttl: 'x' } }, always), /^OptionError: profiles\.p\.ttl: "x"/)
  assert.throws(() => parseProfiles(5, always), OptionError)
})

test('Shares are numbers in their range, and a softTimeout needs something to answer with', () => {
  for (const [option, wrong] of [['jitter', -0.1], ['jitter', 1.1], ['jitter', NaN], ['jitter', '0.1'], ['refreshAt', 2], ['earlyExpiry', -1], ['earlyExpiry', 1001], ['refreshAt', null]] as const) {
    assert.throws(() => parseFreshness({ [option]: wrong } as never, always), (error: Error) => error instanceof OptionError && error.message.startsWith(`${option}: `), `${option} ${wrong}`)
  }
  assert.throws(() => parseFreshness({ softTimeout: '1s' }, always), /^OptionError: softTimeout: there is nothing to answer with when it is over\. Give staleIfError/)
  assert.equal(parseFreshness({ softTimeout: '1s', staleIfError: '1h' }, always).softTimeoutMs, 1000)
  assert.equal(parseFreshness({ softTimeout: 'forever' }, always).softTimeoutMs, Infinity)
})

test('A refresh that fails leaves a result that answers where it is, although errors are kept', async () => {
  for (const [options, at] of [[{ refreshAt: 0.5 }, '60s'], [{ swr: '1d' }, '110s']] as const) {
    const { cache, time } = await bench()
    let fails = false
    const load = cache.wrap(async () => {
      if (fails) throw new Error('down')
      return 'good'
    }, { name: 'load', ttl: '100s', cacheErrors: { ttl: '10s' }, ...options })
    await load()
    fails = true
    await time.advance(at)
    for (let call = 0; call < 3; call++) {
      assert.equal(await load(), 'good')
      await cache.settled()
    }
    await assert.rejects(load.fresh(), /down/)
    assert.equal(await load(), 'good')
    await time.advance('2d')
    await assert.rejects(load(), /down/)
    fails = false
    await assert.rejects(load(), /down/, 'now there is nothing else, it is kept')
  }
})

test('That a function took longer than its timeout is an error that can be kept', async () => {
  const { cache, time } = await bench()
  let runs = 0
  const load = cache.wrap(async () => (runs++, new Promise(() => {})), { name: 'load', timeout: '1s', cacheErrors: { ttl: '1m' } })
  const first = load().catch((error: Error) => error.name)
  await time.advance('1s')
  assert.deepEqual([await first, await load().catch((error: Error) => error.name), runs], ['DeadlineError', 'DeadlineError', 1])
})

test('What lets grow stale while the function runs leaves what was to stand in where that fails', async () => {
  for (const how of ['key', 'tag', 'forgotten'] as const) {
    const { cache, time, transcript } = await bench()
    let answer: ReturnType<typeof gate<string>> | undefined
    const load = cache.wrap(async () => (answer === undefined ? 'old' : answer.promise), { name: 'load', ttl: '1m', staleIfError: '1d', tags: ['t'] })
    await load()
    answer = gate()
    await time.advance('2m')
    const asked = load().catch((error: Error) => error.message)
    await turns()
    if (how === 'key') await load.expire()
    else if (how === 'tag') await cache.expire({ tag: 't' })
    else await load.invalidate()
    answer.fail(new Error('down'))
    assert.equal(await asked, how === 'forgotten' ? 'down' : 'old', how)
    assert.ok(transcript())
  }
})
