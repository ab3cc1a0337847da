import assert from 'node:assert/strict'
import test from 'node:test'
import { compare, type Contestant, type Result, resultOf, type Row, runRows, timingOf, turn, VerificationError, verifyRows } from '../bench/harness.js'
import { inputs } from '../bench/inputs.js'
import { changedCopies, type KeyMaker, keyProblems, reordered } from '../bench/key-check.js'
import { duration, jsonReport, textReport } from '../bench/report.js'

/** Times as [fastest, median]; a name with a star is shown and not compared with. */
function result(id: string, times: Record<string, [number, number]>): Result {
  const timed = Object.entries(times).map(([name, [min, median]]) => ({
    name: name.replace('*', ''),
    version: '1.2.3',
    timing: { min, median },
    ...(name.endsWith('*') ? { aside: 'it does not count' } : {}),
  }))
  return { id, what: `a row called ${id}`, unit: 'ns', timed }
}

const sorted = (value: unknown): string => JSON.stringify(value, (_, member: unknown) => (typeof member === 'object' && member !== null && !Array.isArray(member) ? Object.fromEntries(Object.entries(member).sort()) : member))
const maker = (fn: (input: unknown) => unknown, more: Partial<KeyMaker> = {}): KeyMaker => ({ name: 'fake', version: '', fn, ...more })
const request = { model: 'm', messages: [{ role: 'user', content: 'hello' }], limit: 5, stream: false, stop: null }

// ---- arithmetic -------------------------------------------------------------------------------

test('A ratio is the best peer by ours, so above 1 we are ahead', () => {
  const row = result('r', { ours: [100, 110], slow: [400, 440], better: [250, 330] })
  const { best, ratio } = compare(row, 'min')
  assert.equal(best.name, 'better')
  assert.equal(ratio, 2.5)
  assert.equal(compare(row, 'median').ratio, 3)
  assert.equal(compare(result('r', { ours: [200, 1], peer: [100, 1] }), 'min').ratio, 0.5, 'below 1 we are behind')
})

test('The best by the medians may be another peer than the best by the fastest slices', () => {
  const row = result('r', { ours: [10, 10], lucky: [20, 90], steady: [30, 40] })
  assert.equal(compare(row, 'min').best.name, 'lucky')
  assert.equal(compare(row, 'median').best.name, 'steady')
})

test('Who is set aside is never the best, and a row without any peer is an error', () => {
  assert.equal(compare(result('r', { ours: [10, 10], 'text*': [1, 1], key: [30, 30] }), 'min').best.name, 'key')
  assert.throws(() => compare(result('r', { ours: [10, 10], 'text*': [1, 1] }), 'min'), /r: there is no peer/)
})

test('Minimum and median of the slices', () => {
  assert.deepEqual(timingOf([5, 1, 9]), { min: 1, median: 5 })
  assert.deepEqual(timingOf([8, 2, 4, 6]), { min: 2, median: 5 })
})

test('In each round everyone has one turn, and each round another one is first', () => {
  assert.deepEqual([0, 1, 2, 3].map((round) => turn(3, round)), [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]])
})

// ---- reports ----------------------------------------------------------------------------------

test('What was asked stands beside what was measured, marked where the median is above it', () => {
  const kept = textReport([{ ...result('calls/waiters', { ours: [2000, 7900], peer: [9000, 9000] }), asked: 8000 }])
  assert.match(kept, /^  asked: at most 8\.00 us; measured: 2\.00 us in the fastest, 7\.90 us in the median$/m)
  const missed = textReport([{ ...result('calls/waiters', { ours: [2000, 8100], peer: [9000, 9000] }), asked: 8000 }])
  assert.match(missed, /8\.10 us in the median <$/m)
  assert.doesNotMatch(textReport([result('r', { ours: [1, 1], peer: [1, 1] })]), /asked: at most/)
})

test('The JSON has these fields and no others, with the values of the fastest slices', () => {
  const report = jsonReport([result('keys/chat', { ours: [100, 200], ohash: [523.456, 900], 'text*': [50, 60] })])
  assert.deepEqual(report, {
    rows: [{ id: 'keys/chat', what: 'a row called keys/chat', unit: 'ns', ours: 100, best: 523.5, peer: 'ohash', ratio: 5.235, all: { ohash: 523.5, text: 50 } }],
  })
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
})

test('The table fits into 100 columns, and marks where we are behind', () => {
  const text = textReport([
    result('keys-chromium/prompt-vs-stringify', { ours: [123.4, 150], 'JSON.stringify': [99.6, 140] }),
    result('keys-chromium/tools', { ours: [1.5e6, 2e6], 'safe-stable-stringify + xxh128': [123.4e6, 2e9], 'text*': [1, 1] }),
  ])
  for (const line of text.split('\n')) assert.ok(line.length <= 100, `${line.length} columns: ${line}`)
  assert.match(text, /^keys-chromium\/prompt-vs-stringify +123 ns +99\.6 ns +0\.81x +0\.93x < JSON\.stringify$/m)
  assert.match(text, /^keys-chromium\/tools +1\.50 ms +123 ms +82\.27x +1000x   safe-stable-stringify \+ xxh128$/m)
  assert.match(text, /\* text: it does not count\./)
})

test('Durations have three digits that count', () => {
  const examples: [number, string][] = [[7.123, '7.12 ns'], [71.04, '71.0 ns'], [999.4, '999 ns'], [999.6, '1.00 us'], [32_500, '32.5 us'], [999_600, '1.00 ms'], [2.5e8, '250 ms']]
  for (const [ns, text] of examples) assert.equal(duration(ns), text)
})

// ---- verification -----------------------------------------------------------------------------

test('A right key maker passes', () => {
  assert.deepEqual(keyProblems(maker(sorted), request), [])
  assert.deepEqual(keyProblems(maker(sorted), 'a prompt'), [])
})

test('A key that depends on the order of names is found out, unless it says so', () => {
  const text = (input: unknown): string => JSON.stringify(input)
  assert.deepEqual(keyProblems(maker(text), request), ['gives an equal copy with its names in another order another key'])
  assert.deepEqual(keyProblems(maker(text, { orderDependent: true }), request), [])
  assert.deepEqual(keyProblems(maker(sorted, { orderDependent: true }), request), ['is marked as order-dependent and is not, so it has to be compared with'])
  assert.deepEqual(keyProblems(maker(text, { orderDependent: true }), 'a prompt'), [], 'a prompt has no names to turn around')
})

test('A key that overlooks a part is found out, and the part is named', () => {
  const blind = maker((input) => sorted({ ...(input as typeof request), messages: 0 }))
  assert.deepEqual(keyProblems(blind, request), ['gives the same key after messages[0].role has changed', 'gives the same key after messages[0].content has changed'])
  assert.deepEqual(keyProblems(maker(() => 'always this'), 'a prompt'), ['gives the same key after the input has changed'])
})

test('A key that is another one each time, or none at all, is found out', () => {
  let count = 0
  assert.ok(keyProblems(maker(() => String(count++)), request).includes('gives an equal copy another key'))
  assert.throws(() => keyProblems(maker(() => undefined), request), /made undefined instead of a key/)
  assert.throws(() => keyProblems(maker(() => ''), request), /an empty text/)
})

test('Where fn leaves its result elsewhere, that is what is verified', () => {
  let last = ''
  const elsewhere = maker((input) => { last = sorted(input) }, { result: () => last })
  assert.equal(resultOf(elsewhere, 1), '1')
  assert.deepEqual(keyProblems(elsewhere, request), [])
})

test('Nothing is timed in any row when one contestant of one row is wrong, and the message lists all that is wrong', async () => {
  const calls: string[] = []
  const one = (name: string, fn: () => unknown): Contestant => ({ name, version: '', fn: () => (calls.push(name), fn()) })
  const verify = (contestant: Contestant): string[] => (resultOf(contestant, null) === 4 ? [] : ['says that 2 + 2 is not 4'])
  const row = (id: string, ...contestants: Contestant[]): Row => ({ id, what: '', input: null, contestants, verify })
  const right = one('right', () => 4)
  const rows = [row('a', right, one('wrong', () => 5)), row('b', right, one('broken', () => { throw new Error('no luck') }))]
  await assert.rejects(runRows(rows, { rounds: 1, sliceMs: 0.01 }), (error: Error) => {
    assert.ok(error instanceof VerificationError)
    assert.match(error.message, /^Nothing was timed, .*\na: wrong says that 2 \+ 2 is not 4\nb: broken threw Error: no luck$/)
    return true
  })
  assert.deepEqual(calls, ['right', 'wrong', 'right', 'broken'], 'each was called once, to be verified')
  await verifyRows([row('a', right)])
})

test('A run times every contestant of every row, ours first', async () => {
  const row = (id: string): Row => ({ id, what: 'nothing', input: 1, contestants: [maker(() => 1, { name: 'ours' }), maker(() => 2, { name: 'peer', aside: 'why' })] })
  const seen: string[] = []
  const results = await runRows([row('a'), row('b')], { rounds: 3, sliceMs: 0.01 }, (line) => seen.push(line))
  assert.deepEqual(seen, ['a', 'b'])
  assert.deepEqual(results.map(({ id, unit, timed }) => [id, unit, timed.map(({ name, aside }) => [name, aside])]), [
    ['a', 'ns', [['ours', undefined], ['peer', 'why']]],
    ['b', 'ns', [['ours', undefined], ['peer', 'why']]],
  ])
  for (const { timing } of results.flatMap(({ timed }) => timed)) assert.ok(timing.min <= timing.median && timing.min >= 0)
})

// ---- inputs -----------------------------------------------------------------------------------

test('The inputs are of the sizes that the figures name, and the same every time', () => {
  const names = (value: unknown): number => (typeof value !== 'object' || value === null ? 0 : Object.values(value).reduce((sum: number, member) => sum + names(member), Array.isArray(value) ? 0 : Object.keys(value).length))
  const sizes = Object.fromEntries(inputs().map(({ id, value }) => [id, { names: names(value), bytes: Buffer.byteLength(JSON.stringify(value)) }]))
  const about = (bytes: number, expected: number): void => assert.ok(Math.abs(bytes / expected - 1) < 0.03, `${bytes} bytes`)
  assert.equal((inputs()[0]!.value as string).length, 60)
  assert.equal(sizes['chat']!.names, 13)
  assert.equal(sizes['tools']!.names, 287)
  about(sizes['chat']!.bytes, 1024)
  about(sizes['tools']!.bytes, 10_240)
  about(sizes['mixed']!.bytes, 100_000)
  about(sizes['image']!.bytes, 2 ** 20)
  assert.deepEqual(inputs(), inputs())
})

test('Reordering turns names around and keeps lists; every single part is changed once', () => {
  assert.equal(JSON.stringify(reordered({ a: 1, b: [{ c: 2, d: 3 }] })), '{"b":[{"d":3,"c":2}],"a":1}')
  const input = { a: 'hello', b: [true, { c: 7 }], d: null, e: '' }
  const changes = [...changedCopies(input)]
  assert.deepEqual(changes.map(({ path }) => path), ['a', 'b[0]', 'b[1].c', 'd', 'e'])
  assert.deepEqual(changes[0]!.value, { ...input, a: 'hexlo' })
  assert.deepEqual(changes[2]!.value, { ...input, b: [true, { c: 8 }] })
  assert.deepEqual(changes[4]!.value, { ...input, e: 'x' })
  assert.deepEqual(input, { a: 'hello', b: [true, { c: 7 }], d: null, e: '' }, 'the input itself is left alone')
})
