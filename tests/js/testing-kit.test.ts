/** `reprise/testing`: time, chance, faults and a record of what happened, as other people's tests use them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import test from 'node:test'
import { promisify } from 'node:util'
import type { CacheEvent } from '../../js/events.js'
import { memory } from '../../js/storage/memory.js'
import { faultyStorage, recorder, seededRandom, virtualClock } from '../../js/testing/index.js'

test('The virtual clock stands still until it is told, and runs timers in their order, each at its own time', async () => {
  const clock = virtualClock({ now: 1_000 })
  const seen: [string, number, number][] = []
  const note = (what: string) => () => void seen.push([what, clock.now(), clock.stopwatch()])
  clock.after(30, note('thirty'))
  clock.after(10, () => { note('ten')(); clock.after(5, note('fifteen')) })
  clock.after(30, note('thirty, too'))
  clock.after(100, note('never'))()
  const cancelled = clock.after(20, note('cancelled'))
  assert.deepEqual([clock.now(), clock.timers], [1_000, 4])
  cancelled()
  await clock.advance(29)
  assert.deepEqual(seen, [['ten', 1_010, 10], ['fifteen', 1_015, 15]])
  await clock.advance('1s')
  assert.deepEqual(seen.slice(2), [['thirty', 1_030, 30], ['thirty, too', 1_030, 30]])
  assert.deepEqual([clock.now(), clock.stopwatch(), clock.timers], [2_029, 1_029, 0])
  await assert.rejects(clock.advance('soon' as never), /advance: "soon" is not a duration/)
})

test('What a timer sets going has its turn before time goes on', async () => {
  const clock = virtualClock()
  const seen: number[] = []
  const begun = clock.now()
  const sleep = (ms: number): Promise<void> => new Promise(resolve => clock.after(ms, resolve))
  const work = async (): Promise<void> => { for (let i = 0; i < 4; i++) { await sleep(10); await Promise.resolve(); seen.push(clock.now() - begun) } }
  const done = work()
  await clock.advance(100)
  await done
  assert.deepEqual(seen, [10, 20, 30, 40])
})

test('set() turns the hands of the clock: the stopwatch and timers do not notice', async () => {
  const clock = virtualClock({ now: 5_000 })
  let fired = 0
  clock.after(100, () => fired++)
  clock.set(0)
  clock.set(10 ** 12)
  assert.deepEqual([clock.now(), clock.stopwatch(), fired], [10 ** 12, 0, 0])
  await clock.advance(100)
  assert.deepEqual([clock.now(), fired], [10 ** 12 + 100, 1])
})

test('A timer of no time has its turn without the clock being moved', async () => {
  const clock = virtualClock()
  let fired = 0
  clock.after(0, () => fired++)
  clock.after(0, () => fired++)()
  await new Promise(resolve => setTimeout(resolve, 0))
  assert.deepEqual([fired, clock.timers], [1, 0])
})

test('Chance comes from a seed: the same seed, the same numbers, spread over their range', () => {
  const draw = (random: () => number, count = 1_000): number[] => Array.from({ length: count }, random)
  assert.deepEqual(draw(seededRandom(7)), draw(seededRandom(7)))
  assert.notDeepEqual(draw(seededRandom(7)), draw(seededRandom(8)))
  assert.deepEqual(draw(virtualClock({ seed: 7 }).random), draw(seededRandom(7)))
  const numbers = draw(seededRandom(1), 100_000)
  assert.ok(numbers.every(n => n >= 0 && n < 1))
  const tenths = Array(10).fill(0) as number[]
  for (const n of numbers) tenths[Math.floor(n * 10)]!++
  assert.ok(tenths.every(count => count > 9_500 && count < 10_500), tenths.join())
})

/** What becomes of the same hundred operations. */
async function played(seed: number, faults: object): Promise<string[]> {
  const storage = faultyStorage({ seed, ...faults })
  const log: string[] = []
  for (let i = 0; i < 100; i++) {
    const key = `k${i % 7}`
    const [verb, work] = ([['set', () => storage.set(key, Uint8Array.of(i, i, i, i), {})], ['get', () => storage.get(key)], ['get', () => storage.get(key)], ['delete', () => storage.delete(key)]] as const)[i % 4]!
    log.push(await (work() as Promise<unknown>).then(found => `${verb} ${String(found)}`, (error: Error) => `${verb} ${error.message}`))
  }
  return [...log, `${storage.faultCount} faults`]
}

test('A faulty storage does the same to the same operations for the same seed, and something else for another', async () => {
  const faults = { fail: 0.2, lose: 0.2, damage: 0.5 }
  assert.deepEqual(await played(1, faults), await played(1, faults))
  assert.notDeepEqual(await played(1, faults), await played(2, faults))
  assert.equal((await played(1, {})).at(-1), '0 faults')
  const log = await played(3, { fail: 1 })
  assert.ok(log.slice(0, -1).every(line => /this (get|set|delete) was to fail \(seed 3, fault \d+\)/.test(line)))
})

test('Each fault is what it says: lost writes are acknowledged, damaged bytes are damaged, what fails may have been done', async () => {
  const entries = new Map<string, Uint8Array>()
  const storage = faultyStorage({ seed: 1, storage: memory(entries) })
  const bytes = new Uint8Array(64).fill(7)
  await storage.set('a', bytes, {})
  storage.faults.damage = 1
  for (let i = 0; i < 20; i++) assert.notDeepEqual(await storage.get('a'), bytes)
  assert.equal(await storage.get('nothing'), undefined)
  storage.faults.damage = 0
  assert.deepEqual(await storage.get('a'), bytes, 'only what is read is damaged')
  storage.faults.lose = 1
  await storage.set('b', bytes, {})
  assert.equal(entries.has('b'), false)
  storage.faults.lose = 0
  storage.faults.fail = 1
  let done = 0
  for (let i = 0; i < 40; i++) {
    await assert.rejects(storage.set(`c${i}`, bytes, {}))
    if (entries.has(`c${i}`)) done++
  }
  assert.ok(done > 5 && done < 35, `${done}`)
  await assert.rejects(storage.get('a'))
  await assert.rejects((async () => { for await (const _ of storage.keys!()) assert.fail() })())
  storage.faults.fail = 0
  const names: string[] = []
  for await (const name of storage.keys!()) names.push(name)
  assert.equal(names.length, done + 1)
  await storage.clear!()
  assert.equal(entries.size, 0)
  await storage.close!()
  assert.equal(storage.calls.at(-1), 'close')
})

test('A faulty storage is slow by its clock, and hangs for ever', async () => {
  const clock = virtualClock()
  const storage = faultyStorage({ seed: 1, delayMs: 1_000, clock })
  let took: number | undefined
  const got = storage.get('a').then(() => { took = clock.stopwatch() })
  await clock.advance(0)
  assert.equal(took, undefined)
  await clock.advance(1_000)
  await got
  assert.ok(took! > 0 && took! <= 1_000)
  storage.faults.hang = 1
  let ended = false
  void storage.get('a').finally(() => { ended = true })
  await clock.advance('1d')
  assert.equal(ended, false)
  await assert.rejects(faultyStorage({ seed: 1, delayMs: 5 }).get('a'), /delayMs needs a clock/)
})

test('The recorder writes one line an event, and tells what is new since the last look', () => {
  const record = recorder()
  const facts = { name: null, ageMs: 0, ttlMs: 0, bytes: 0, savedMs: 0 }
  const events: [CacheEvent, string][] = [
    [{ type: 'hit', tier: 'memory', ...facts }, 'hit:memory'], [{ type: 'stale', because: 'error', tier: 'storage', ...facts }, 'stale:error'], [{ type: 'miss', name: 'a', reason: 'absent' }, 'miss:absent'],
    [{ type: 'computed', name: 'a', ms: 1, ok: true, background: false }, 'computed'], [{ type: 'computed', name: 'a', ms: 1, ok: false, background: true, error: 1 }, 'computed:failed:background'],
    [{ type: 'storage-error', operation: 'get', error: 1 }, 'storage-error:get'], [{ type: 'stored', name: 'a', bytes: 1, memory: true }, 'stored'], [{ type: 'not-stored', name: 'a', reason: 'skipped' }, 'not-stored:skipped'],
    [{ type: 'invalidated', what: 'all' }, 'invalidated'], [{ type: 'bypass', name: 'a', why: 'closed' }, 'bypass'],
  ]
  for (const [event] of events) record.listen(event)
  assert.deepEqual(record.transcript(), events.map(([, line]) => line))
  assert.deepEqual(record.transcript(), [])
  record.listen(events[0]![0])
  assert.deepEqual(record.transcript(), ['hit:memory'])
  assert.equal(record.events.length, events.length + 1)
})

test('A suite that uses the harness fails on a rejection or an error that nobody hears of, after its last test, too', async () => {
  const tsx = createRequire(import.meta.url).resolve('tsx')
  const harness = JSON.stringify(new URL('harness.ts', import.meta.url).href)
  const ends = async (then: string): Promise<number> => {
    const program = `import ${harness}; import test from 'node:test'; test('passes', () => {}); ${then}`
    return promisify(execFile)(process.execPath, ['--import', tsx, '--input-type=module', '--eval', program]).then(() => 0, (error: { code: number }) => error.code)
  }
  assert.equal(await ends(''), 0)
  assert.equal(await ends(`setTimeout(() => void Promise.reject(new Error('stray')), 20)`), 1)
})

test('A faulty storage can what the one behind it can, and no more', async () => {
  const { get, set, delete: remove } = memory()
  const least = faultyStorage({ seed: 1, storage: { get, set, delete: remove } })
  assert.deepEqual([least.keys, least.clear, least.shared, least.lateMs, least.lease, least.publish], Array(6).fill(undefined))
  const more = faultyStorage({ seed: 1, storage: { ...memory(), shared: true, lateMs: 60_000, publish: async () => {}, subscribe: async () => async () => {} } })
  assert.deepEqual([more.shared, more.lateMs, typeof more.keys, typeof more.publish], [true, 60_000, 'function', 'function'])
  more.faults.fail = 1
  await assert.rejects(more.publish!(new Uint8Array(1)), /this publish was to fail/)
})
