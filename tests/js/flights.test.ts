import assert from 'node:assert/strict'
import test from 'node:test'
import { Flights } from '../../js/flights.js'
import type { Tag } from '../../js/tokens.js'

const tags: Tag[] = [{ kind: 'name', value: 'load' }]

test('A flight can be joined until it lands', async () => {
  const flights = new Flights<number>()
  let land = (_: number): void => {}
  const flight = flights.start('k', tags, () => new Promise(resolve => { land = resolve }))
  assert.equal(flights.get('k'), flight)
  assert.equal(flights.get('other'), undefined)
  land(1)
  assert.equal(await flight.landing, 1)
  assert.equal(flights.get('k'), undefined)
})

test('A flight that fails is over, too', async () => {
  const flights = new Flights<number>()
  const flight = flights.start('k', tags, async () => { throw new Error('crash') })
  await assert.rejects(flight.landing, /crash/)
  assert.equal(flights.get('k'), undefined)
})

test('A doomed flight is joined by nobody, and its landing does not end a later one', async () => {
  const flights = new Flights<number>()
  const lands: ((n: number) => void)[] = []
  const start = (): ReturnType<typeof flights.start> => flights.start('k', tags, () => new Promise(resolve => lands.push(resolve)))
  const first = start()
  flights.doom('k')
  assert.equal(first.doomed, true)
  const second = start()
  lands[0]!(1)
  assert.equal(await first.landing, 1)
  assert.equal(flights.get('k'), second)
  assert.equal(second.doomed, false)
  flights.doom('nobody')
})

test('A tag dooms the flights that carry it, and no other', () => {
  const flights = new Flights<number>()
  const never = (): Promise<number> => new Promise(() => {})
  const one = flights.start('1', tags, never)
  const two = flights.start('2', [{ kind: 'scope', value: 'load' }, { kind: 'name', value: 'other' }], never)
  flights.doomTagged({ kind: 'name', value: 'load' })
  assert.deepEqual([one.doomed, two.doomed], [true, false])
})
