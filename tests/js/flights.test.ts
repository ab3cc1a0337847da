import assert from 'node:assert/strict'
import test from 'node:test'
import { DeadlineError, ReentrantCallError } from '../../js/errors.js'
import { checkReentrance, type Departure, Flights, SyncAmbient, waiting } from '../../js/flights.js'
import { virtualClock } from '../../js/testing/index.js'
import type { Tag } from '../../js/tokens.js'

const tag = (value: string, kind: Tag['kind'] = 'name'): Tag => ({ scope: null, kind, value })
const departure: Departure = { name: 'load', tags: [tag('load')], label: undefined, keepAlive: false, forced: false, background: false, within: undefined }
const all = (landing: unknown): unknown => landing

test('A flight can be boarded until it ends', async () => {
  const flights = new Flights<number>()
  const flight = flights.start('k', departure)
  assert.equal(flights.get('k'), flight)
  assert.equal(flights.get('other'), undefined)
  flights.end(flight)
  flight.land(1)
  assert.equal(await flight.landing, 1)
  assert.equal(flights.get('k'), undefined)
})

test('A flight that fails tells all on board, and nobody on board is no fault', async () => {
  const flights = new Flights<number>()
  const flight = flights.start('k', departure)
  const { after } = virtualClock()
  const boarded = [flight.board(all, undefined, Infinity, after), flight.board(all, new AbortController().signal, 1000, after)]
  flight.fail(new Error('crash'))
  for (const one of boarded) await assert.rejects(one, /crash/)
  flights.start('alone', departure).fail(new Error('nobody hears'))
})

test('A doomed flight is boarded by nobody, and its end does not end a later one', () => {
  const flights = new Flights<number>()
  const first = flights.start('k', departure)
  flights.doom('k')
  assert.equal(first.doomed, 'invalidated')
  const second = flights.start('k', departure)
  flights.end(first)
  assert.equal(flights.get('k'), second)
  assert.equal(second.doomed, undefined)
  flights.start('k', departure)
  assert.equal(second.doomed, 'superseded')
  flights.doom('nobody')
})

test('A tag dooms the flights that carry it, from the start or since, and no other', () => {
  const flights = new Flights<number>()
  const one = flights.start('1', departure)
  const two = flights.start('2', { ...departure, tags: [tag('load', 'tag'), tag('other'), { ...tag('load'), scope: 'acme' }] })
  const three = flights.start('3', { ...departure, tags: [] })
  three.moreTags.push(tag('load'))
  flights.doomTagged(tag('load'))
  assert.deepEqual([one.doomed, two.doomed, three.doomed], ['invalidated', undefined, 'invalidated'])
})

test('Who leaves touches nobody else; when the last has left, the flight is abandoned', async () => {
  const flights = new Flights<number>()
  const { after } = virtualClock()
  const flight = flights.start('k', departure)
  const [one, two] = [new AbortController(), new AbortController()]
  const first = flight.board(all, one.signal, Infinity, after)
  const second = flight.board(all, two.signal, Infinity, after)
  one.abort(new Error('the first has no time'))
  await assert.rejects(first, /the first has no time/)
  assert.equal(flight.signal.aborted, false)
  assert.equal(flights.get('k'), flight)
  two.abort()
  await assert.rejects(second, { name: 'AbortError' })
  assert.equal(flight.signal.aborted, true)
  assert.equal(flight.doomed, 'abandoned')
  assert.equal(flights.get('k'), undefined)
})

test('A flight with somebody on board who cannot leave, in the background, or to be kept alive, is never abandoned', async () => {
  const flights = new Flights<number>()
  const { after } = virtualClock()
  for (const [more, stays] of [[{}, true], [{ background: true }, false], [{ keepAlive: true }, false]] as const) {
    const flight = flights.start('k', { ...departure, ...more })
    if (stays) void flight.board(all, undefined, Infinity, after)
    const leaver = new AbortController()
    const left = flight.board(all, leaver.signal, Infinity, after)
    leaver.abort()
    await assert.rejects(left)
    assert.equal(flight.signal.aborted, false)
  }
})

test('A deadline ends one wait, and a landing takes back what was waiting for it', async () => {
  const flights = new Flights<number>()
  const clock = virtualClock()
  const flight = flights.start('k', departure)
  const late = flight.board(all, undefined, 100, clock.after)
  const patient = flight.board(all, undefined, 1000, clock.after)
  late.catch(() => {})
  await clock.advance(100)
  await assert.rejects(late, (error: Error) => error instanceof DeadlineError && /"load" was not there within the caller's deadline of 100 ms/.test(error.message))
  flight.land(7)
  assert.equal(await patient, 7)
  await clock.advance(0)
  assert.equal(clock.timers, 0)
})

test('Who would wait for its own result is refused, alone or in a circle', () => {
  const flights = new Flights<number>()
  const outer = flights.start('outer', departure)
  const inner = flights.start('inner', { ...departure, within: outer })
  void waiting(outer, inner, inner.landing)
  assert.throws(() => checkReentrance(outer, 'outer', 'load', outer), ReentrantCallError)
  assert.throws(() => checkReentrance(inner, 'outer', 'load', outer), ReentrantCallError)
  assert.throws(() => checkReentrance(inner, 'outer', 'load', undefined), /"load" was asked for, with the same key, by the function that is just making it/)
  // Two that were started side by side, and ask for each other.
  const [left, right] = [flights.start('left', departure), flights.start('right', departure)]
  checkReentrance(left, 'right', null, right)
  void waiting(left, right, right.landing)
  assert.throws(() => checkReentrance(right, 'left', null, left), /the value was asked for/)
  right.land(1)
  checkReentrance(right, 'left', null, left)
  checkReentrance(undefined, 'left', null, left)
})

test('Without help of the runtime, what runs before the first await is known', async () => {
  const ambient = new SyncAmbient<number>()
  const seen: unknown[] = [ambient.getStore()]
  await ambient.run(1, async () => {
    void ambient.run(2, async () => void seen.push(ambient.getStore()))
    seen.push(ambient.getStore())
    await Promise.resolve()
    seen.push(ambient.getStore())
  })
  assert.deepEqual(seen, [undefined, 2, 1, undefined])
  assert.throws(() => void ambient.run(1, () => { throw new Error('crash') }), /crash/)
  assert.equal(ambient.getStore(), undefined)
})

test('A function waits for a flight as long as one of its calls does, and holds nothing of it afterwards', async () => {
  const flights = new Flights<number>()
  const [outer, inner] = [flights.start('outer', departure), flights.start('inner', departure)]
  const waits = [waiting(outer, inner, inner.landing), waiting(outer, inner, Promise.reject(new Error('left')))]
  await assert.rejects(waits[1]!, /left/)
  assert.throws(() => checkReentrance(inner, 'outer', null, outer), ReentrantCallError)
  inner.land(1)
  assert.equal(await waits[0], 1)
  assert.equal(outer.waitsFor!.size, 0)
})

test('Who was left by the function that had called it may ask for that function', async () => {
  const flights = new Flights<number>()
  const outer = flights.start('outer', departure)
  const inner = flights.start('inner', { ...departure, within: outer })
  const left = waiting(outer, inner, Promise.reject(new Error('its deadline')))
  assert.throws(() => checkReentrance(inner, 'outer', null, outer), ReentrantCallError)
  await assert.rejects(left, /its deadline/)
  checkReentrance(inner, 'outer', null, outer)
})
