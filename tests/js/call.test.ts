import assert from 'node:assert/strict'
import test from 'node:test'
import type { CallContext } from '../../js/context.js'
import { KeyError, ValueError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { bench, changeCores, countedStorage, entriesIn, wasmOnly } from './harness.js'

test('The first call runs the function, the second comes from memory', async () => {
  const { cache, transcript } = await bench()
  let runs = 0
  const ask = cache.wrap(async (prompt: string) => `${prompt} ${++runs}`, { name: 'ask' })
  assert.equal(await ask('hello'), 'hello 1')
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'stored'])
  assert.equal(await ask('hello'), 'hello 1')
  assert.deepEqual(transcript(), ['hit:memory'])
  assert.equal(await ask('other'), 'other 2')
})

test('A memory hit is one crossing into the core and no storage call', wasmOnly('there is nothing to cross'), async t => {
  const crossings: string[] = []
  changeCores(t, exports =>
    Object.fromEntries(
      Object.entries(exports)
        .filter(([, item]) => typeof item === 'function')
        .map(([name, call]) => [name, (...args: unknown[]) => { crossings.push(name); return (call as (...args: unknown[]) => unknown)(...args) }]),
    ),
  )
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  const ask = cache.wrap(async (request: object) => ({ answer: 42, request }), { name: 'ask' })
  const request = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(500) }] }
  await ask(request)
  await cache.settled()
  crossings.length = storage.calls.length = 0
  await ask(request)
  assert.deepEqual(crossings, ['look_up_key'], 'as the request is known')
  assert.deepEqual(storage.calls, [])
})

test('Callers of one key at one time share one run, and each gets a copy of its own', async () => {
  const { cache, transcript } = await bench()
  let runs = 0
  const load = cache.wrap(async (id: number) => ({ id, runs: ++runs, list: [1] }), { name: 'load' })
  const results = await Promise.all([load(1), load(1), load(1)])
  assert.equal(runs, 1)
  results[0].list.push(2)
  assert.deepEqual(results[1].list, [1])
  results[1].list.push(3)
  assert.deepEqual(results[2].list, [1])
  assert.deepEqual((await load(1)).list, [1])
  assert.deepEqual(transcript(), ['miss:absent', 'miss:absent', 'joined', 'miss:absent', 'joined', 'computed', 'stored', 'hit:memory'])
})

test('undefined, null, false, 0, empty text and NaN are results like any other', async () => {
  const { cache } = await bench()
  for (const result of [undefined, null, false, 0, '', NaN, -0]) {
    let runs = 0
    const load = cache.wrap(async () => { runs++; return result }, { name: `load ${String(result)} ${Object.is(result, -0)}` })
    await load()
    assert.ok(Object.is(await load(), result))
    assert.equal(runs, 1)
  }
})

test('A function that throws is not cached, and every waiting caller gets its error', async () => {
  const { cache } = await bench()
  let runs = 0
  const fail = cache.wrap(async () => { throw new Error(`failure ${++runs}`) }, { name: 'fail' })
  const wave = await Promise.allSettled([fail(), fail()])
  for (const end of wave) assert.match(String((end as PromiseRejectedResult).reason), /failure 1/)
  await assert.rejects(fail(), /failure 2/)
  const throws = cache.wrap(() => { throw new Error('at once') }, { name: 'throws' })
  await assert.rejects(throws(), /at once/)
})

test('A result is fresh until its ttl has passed, and not at that very moment', async () => {
  const { cache, clock, transcript } = await bench()
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load', ttl: '1m' })
  await load()
  clock.now += 59_999
  assert.equal(await load(), 1)
  clock.now += 1
  transcript()
  assert.equal(await load(), 2)
  assert.deepEqual(transcript(), ['miss:expired', 'computed', 'stored'])
})

test('A ttl of ten years works, and one of 0 stores nothing', async () => {
  const { cache, clock, transcript } = await bench()
  let runs = 0
  const long = cache.wrap(async () => ++runs, { name: 'long', ttl: '3650d' })
  await long()
  clock.now += 3649 * 86_400_000
  assert.equal(await long(), 1)
  transcript()
  const never = cache.wrap(async () => ++runs, { name: 'never', ttl: 0 })
  await never()
  await never()
  assert.equal(runs, 3)
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'not-stored:no-lifetime', 'miss:absent', 'computed', 'not-stored:no-lifetime'])
})

test('Arguments without identity reject with KeyError, and the function does not run', async () => {
  const { cache } = await bench()
  let runs = 0
  const ask = cache.wrap(async (_: unknown) => ++runs, { name: 'ask' })
  await assert.rejects(ask({ tools: [{ run: () => 1 }] }), (error: Error) => error instanceof KeyError && /^args\[0\]\.tools\[0\]\.run is a function/.test(error.message))
  assert.equal(runs, 0)
  assert.equal(await ask(1), 1, 'the next call is served')
})

test('Arguments longer than the inbox are digested in pieces: a difference anywhere is another key', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  let runs = 0
  const ask = cache.wrap(async (_: unknown) => ++runs, { name: 'ask' })
  const image = Buffer.alloc(300_000, 'A').toString('latin1')
  const list = Array.from({ length: 20_000 }, (_, i) => `item ${i}`)
  assert.equal(await ask({ image, list }), 1)
  assert.equal(await ask({ list, image }), 1)
  assert.equal(await ask({ image: `B${image.slice(1)}`, list }), 2)
  assert.equal(await ask({ image: `${image.slice(1)}B`, list }), 3)
  assert.equal(await ask({ image, list: [...list.slice(1), list[0]] }), 4)
  assert.equal(await ask({ image: '水'.repeat(100_000) }), 5)
  assert.equal(await ask({ image: '水'.repeat(100_000) }), 5)
  await cache.settled()
  const later = await bench({ storage })
  const askLater = later.cache.wrap(async (_: unknown) => assert.fail('it ran'), { name: 'ask' })
  assert.equal(await askLater({ image, list }), 1, 'storage knows it by the same bytes')
})

test('What cannot be stored still goes to its caller, with one event', async () => {
  const { cache, transcript, events } = await bench()
  let runs = 0
  const load = cache.wrap(async () => ({ run: ++runs, fn: () => 1 }), { name: 'load' })
  assert.equal((await load()).run, 1)
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'not-stored:value'])
  assert.match(String((events.at(-1) as { error: Error }).error), /ValueError: value\.fn is a function/)
  assert.equal((await load()).run, 2)
})

test('A result above maxEntryBytes goes to its caller and is not kept', async () => {
  const { cache, transcript } = await bench({ memory: { maxEntryBytes: 1000 } })
  const load = cache.wrap(async () => new Uint8Array(1001), { name: 'load' })
  assert.equal((await load()).length, 1001)
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'not-stored:too-large'])
})

test('Large results live in the same budget, and leave when others come', async () => {
  const { cache } = await bench({ memory: { maxBytes: '2MB' } })
  const load = cache.wrap(async (n: number) => new Uint8Array(300_000).fill(n), { name: 'load' })
  for (let n = 0; n < 10; n++) assert.equal((await load(n))[299_999], n)
  const { entries, bytes, core } = cache.stats()
  assert.ok(entries >= 4 && entries <= 6, `${entries}`)
  assert.ok(bytes > 1_200_000, `${bytes}`)
  assert.ok(core!.memory <= 2_000_000, `${core!.memory}`)
  assert.equal(core!.evicted + core!.notAdmitted, 10 - entries, 'each of the others has left, or was not worth that another leaves')
  // Which they are is the policy's business; the one that was asked for again and again is among them at the end.
  for (let again = 0; again < 5; again++) assert.equal((await load(9))[5], 9)
  assert.ok(cache.stats().hits > 0)
})

test('What memory has better uses for goes to its caller and is not kept, and an event says so', async () => {
  const { cache, events } = await bench({ memory: { maxBytes: '2MB' } })
  const load = cache.wrap(async (n: number) => new Uint8Array(n === 99 ? 1_100_000 : 9_000).fill(n), { name: 'load' })
  for (let round = 0; round < 4; round++) for (let n = 0; n < 90; n++) await load(n)
  assert.equal((await load(99)).length, 1_100_000)
  assert.equal(cache.stats().core?.notAdmitted, 1)
  assert.deepEqual(events.at(-1), { type: 'not-stored', name: 'load', reason: 'not-admitted' })
})

test('A listener that throws harms nobody', async () => {
  const { cache } = await bench({ onEvent: () => { throw new Error('broken listener') } })
  const load = cache.wrap(async () => 1, { name: 'load' })
  assert.equal(await load(), 1)
  assert.equal(await load(), 1)
})

test('If WebAssembly cannot start, calls run their functions, and one event says why', async () => {
  const { cache, transcript, events } = await bench({}, { compile: () => Promise.reject(new Error('refused by the page')) })
  let runs = 0
  const load = cache.wrap(async (n: number) => ++runs + n, { name: 'load' })
  assert.equal(await load(10), 11)
  assert.equal(await load(10), 12)
  assert.deepEqual(transcript(), ['uncached', 'bypass', 'bypass'])
  assert.match(String((events[0] as { error: Error }).error), /refused by the page/)
  assert.equal(cache.stats().bypasses, 2)
  await cache.set('k', 1)
  assert.equal(await cache.get('k'), undefined)
  await cache.invalidate('all')
})

test('A trap in the core costs a computation: the core is built anew and calls go on', async t => {
  let trap = false
  changeCores(t, ({ look_up_key }) => ({ look_up_key: (...args) => { if (trap) throw new WebAssembly.RuntimeError('unreachable'); return look_up_key(...args) } }))
  const { cache, transcript } = await bench()
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  await load()
  transcript()
  trap = true
  assert.equal(await load(), 2)
  assert.deepEqual(transcript(), ['uncached', 'bypass'])
  trap = false
  for (let i = 0; i < 100 && cache.stats().core === undefined; i++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await load(), 3)
  assert.equal(await load(), 3)
  const { calls, hits, misses, bypasses } = cache.stats()
  assert.deepEqual({ calls, hits, misses, bypasses }, { calls: 4, hits: 1, misses: 2, bypasses: 1 }, 'what the lost core had counted still counts')
})

test('A storage that throws costs a computation and an event, never the call', async () => {
  const storage = countedStorage()
  storage.failing = true
  const { cache, transcript } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  assert.equal(await load(), 1)
  assert.equal(await load(), 1, 'memory has it')
  await cache.settled()
  const lines = transcript()
  assert.ok(lines.includes('storage-error:get'))
  assert.equal(lines.filter(line => line === 'computed').length, 1)
  assert.equal(cache.stats().storageErrors, lines.filter(line => line.startsWith('storage-error')).length)
})

test('An entry that was damaged, cut short, swapped or is none of ours is a counted miss and is deleted', async () => {
  const storage = countedStorage()
  const make = async (): Promise<{ load: (n: number) => Promise<string>; transcript(): string[]; stats: () => number; close(): Promise<void>; runs: () => number }> => {
    const { cache, transcript } = await bench({ storage })
    let runs = 0
    const load = cache.wrap(async (n: number) => { runs++; return `value ${n}` }, { name: 'load' })
    return { load, transcript, stats: () => cache.stats().core!.refusedDamaged, close: () => cache.settled(), runs: () => runs }
  }
  const first = await make()
  await first.load(1)
  await first.load(2)
  await first.close()
  const [[nameOne, one], [nameTwo, two]] = entriesIn(storage) as [[string, Uint8Array], [string, Uint8Array]]
  const damages: [string, Uint8Array, string][] = [
    ['damaged', one.map((byte, i) => (i === one.length - 20 ? byte ^ 1 : byte)), 'bad-seal'],
    ['truncated', one.slice(0, -1), 'truncated'],
    ['emptied', new Uint8Array(0), 'truncated'],
    ['swapped', two, 'other-key'],
    ['foreign', new TextEncoder().encode('{"not": "ours"}'.repeat(10)), 'not-an-entry'],
    ['of another format', one.map((byte, i) => (i === 4 ? 9 : byte)), 'other-format'],
  ]
  for (const [how, bytes, reason] of damages) {
    storage.entries.set(nameOne, bytes)
    storage.entries.set(nameTwo, two)
    const again = await make()
    assert.equal(await again.load(1), 'value 1', how)
    assert.deepEqual([again.runs(), again.stats()], [1, 1], how)
    assert.deepEqual(again.transcript(), ['miss:absent', `refused:${reason}`, 'computed', 'stored'], how)
    await again.close()
    assert.notDeepEqual(storage.entries.get(nameOne), bytes, how)
  }
})

test('What another process stored is found, verified and kept in memory', async () => {
  const storage = countedStorage()
  const one = await bench({ storage })
  await one.cache.wrap(async (n: number) => ({ n, big: new Uint8Array(100_000).fill(n) }), { name: 'load' })(7)
  await one.cache.settled()
  const two = await bench({ storage })
  const load = two.cache.wrap(async (_: number): Promise<{ n: number; big: Uint8Array }> => assert.fail('it ran'), { name: 'load' })
  assert.equal((await load(7)).big[99_999], 7)
  assert.equal((await load(7)).n, 7)
  assert.deepEqual(two.transcript(), ['miss:absent', 'hit:storage', 'hit:memory'])
  const { hits, misses } = two.cache.stats()
  assert.deepEqual([hits, misses], [2, 0])
})

test('Two functions, two versions and two scopes never share an entry', async () => {
  const storage = countedStorage()
  const a = await bench({ storage, scope: 'a:b' })
  const b = await bench({ storage, scope: 'a' })
  const run = (cache: typeof a.cache, name: string, version: number, result: string): Promise<string> => cache.wrap(async (_: number) => result, { name, version })(1)
  assert.equal(await run(a.cache, 'c', 1, 'one'), 'one')
  assert.equal(await run(b.cache, 'b:c', 1, 'two'), 'two')
  assert.equal(await run(a.cache, 'd', 1, 'three'), 'three')
  assert.equal(await run(a.cache, 'c', 2, 'four'), 'four')
  assert.equal(await run(b.cache, 'c', 1, 'five'), 'five')
  assert.equal(await run(a.cache, 'c', 1, 'six'), 'one')
})

test('A prompt that comes again and again has one key, in memory and in storage, however it is found', async () => {
  const storage = countedStorage()
  const { cache, clock } = await bench({ storage })
  let runs = 0
  const ask = cache.wrap(async (_: string) => ++runs, { name: 'ask', ttl: '1m' })
  const other = cache.wrap(async (_: string) => --runs, { name: 'other', ttl: '1m' })
  const prompt = 'a prompt that is long enough to be remembered'
  for (let round = 1; round <= 5; round++) {
    assert.equal(await ask(prompt), round)
    assert.equal(await ask(`${prompt.slice(0, 10)}${prompt.slice(10)}`), round)
    assert.equal(await other(prompt), round - 1, 'another function, another key')
    runs++
    await cache.settled()
    assert.equal(entriesIn(storage).length, 2)
    clock.now += 60_000
  }
  await ask.invalidate(prompt)
  await cache.settled()
  assert.equal(entriesIn(storage).length, 1)
})

test('Where no SHA-256 can be had, storage is not used and calls are answered from memory', async () => {
  const storage = countedStorage()
  const { cache, transcript } = await bench({ storage }, { digest: () => () => Promise.reject(new Error('no crypto today')) })
  let runs = 0
  const load = cache.wrap(async () => ++runs, { name: 'load' })
  assert.deepEqual([await load(), await load()], [1, 1])
  assert.ok(transcript().includes('storage-error:get'))
  assert.deepEqual(storage.calls, [])
})

test('A result whose getters or proxies throw goes to its caller, and an event says why it was not kept', async () => {
  const { cache, events, transcript } = await bench()
  const results: Record<string, object> = {
    getter: { get a(): never { throw new Error('not today') } },
    proxy: new Proxy({}, { ownKeys: () => { throw new Error('not today') } }),
    large: { text: 'x'.repeat(9_000_000) },
  }
  const f = cache.wrap(async (which: string) => results[which]!, { name: 'f' })
  for (const which of Object.keys(results)) {
    // (A promise that resolves to a proxy asks it for `then`.)
    assert.equal(await f(which), results[which])
    assert.deepEqual(transcript(), ['miss:absent', 'computed', which === 'large' ? 'not-stored:too-large' : 'not-stored:value'])
    const { error } = events.at(-1) as { error?: unknown }
    assert.ok(error instanceof ValueError, String(error))
  }
  assert.equal(cache.stats().entries, 0)
  assert.equal(cache.stats().notStored, 3)
})

test('A deadline and a signal end a wait where there is no cache to wait for, too', async () => {
  const { cache, time } = await bench()
  const signals: AbortSignal[] = []
  const hangs = cache.wrap(async (context: CallContext) => (signals.push(context.signal), new Promise<never>(() => {})), { name: 'hangs', context: true })
  cache.disable()
  const late = hangs.with({ deadline: '1s' })().catch((error: Error) => error.name)
  const leaver = new AbortController()
  const left = hangs.with({ signal: leaver.signal })().catch((error: Error) => error.message)
  await time.advance('1s')
  assert.equal(await late, 'DeadlineError')
  leaver.abort(new Error('gone'))
  assert.equal(await left, 'gone')
  assert.deepEqual(signals.map(signal => signal.aborted), [true, true], 'and the function hears of it')
  await assert.rejects(hangs.with({ signal: AbortSignal.abort(new Error('before')) })(), /before/)
  assert.equal(signals.length, 2)
})

test('A deadline counts while the storage is asked what was invalidated', async () => {
  const storage = memory()
  let hangs = false
  const slow: Storage = { ...storage, get: key => (hangs ? new Promise(() => {}) : storage.get(key)) }
  const { cache, time } = await bench({ storage: slow, invalidationLag: 0, storageDeadline: '1h' })
  const ask = cache.wrap(async () => 'answer', { name: 'ask' })
  await ask()
  hangs = true
  const late = ask.with({ deadline: '1s' })().catch((error: Error) => error.name)
  await time.advance('1s')
  assert.equal(await late, 'DeadlineError')
})

test('What cannot be copied is one caller\'s alone: who asked for it meanwhile has the function run, as without a cache', async () => {
  const { cache } = await bench()
  let runs = 0
  const stream = cache.wrap(async function* (name: string) {
    runs++
    yield `${name} a`
    yield `${name} b`
  } as unknown as (name: string) => Promise<AsyncIterable<string>>, { name: 'stream' })
  const all = async (answer: Promise<AsyncIterable<string>>): Promise<string[]> => {
    const items: string[] = []
    for await (const item of await answer) items.push(item)
    return items
  }
  assert.deepEqual(await Promise.all([all(stream('x')), all(stream('x')), all(stream('x'))]), Array(3).fill(['x a', 'x b']))
  assert.equal(runs, 3)
  const get = cache.wrap(async (_: string) => new Response('body'), { name: 'get' })
  assert.deepEqual(await Promise.all([get('x'), get('x')].map(async answer => (await answer).text())), ['body', 'body'])
})
