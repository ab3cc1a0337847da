import assert from 'node:assert/strict'
import test from 'node:test'
import { Breaker, type StorageState } from '../../js/storage/breaker.js'
import { virtualClock, type VirtualClock } from '../../js/testing/index.js'

interface Rig {
  breaker: Breaker
  clock: VirtualClock
  states: StorageState[]
  /** When probes were made, in milliseconds since the start. */
  probes: number[]
  /** What probes find. */
  world: { there: boolean | Promise<boolean> }
  returns: () => number
}

function rig(seed = 1): Rig {
  const clock = virtualClock({ seed })
  const states: StorageState[] = []
  const probes: number[] = []
  const world: Rig['world'] = { there: false }
  let returns = 0
  const breaker = new Breaker({
    clock,
    tell: state => states.push(state),
    probe: async () => { probes.push(clock.stopwatch()); return world.there },
    returned: async () => void returns++,
    background: () => {},
  })
  return { breaker, clock, states, probes, world, returns: () => returns }
}

test('One read that stays without an answer opens it, unless another was answered meanwhile', async () => {
  const { breaker, clock, states } = rig()
  breaker.answered(true)
  await clock.advance(300)
  breaker.late(true, 0 - 1)
  assert.equal(breaker.state, 'closed', 'what began before the last answer was merely slow')
  breaker.late(true, 50)
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.admits(), false)
  breaker.late(true, 60)
  assert.deepEqual(states, ['open'], 'said once')
})

test('A write without an answer opens it only if nothing at all was answered; answered writes do not excuse reads', async () => {
  const { breaker, clock } = rig()
  await clock.advance(100)
  breaker.answered(true)
  breaker.late(false, 50)
  assert.equal(breaker.state, 'closed')
  await clock.advance(100)
  breaker.answered(false)
  breaker.late(true, 150)
  assert.equal(breaker.state, 'open')
})

test('Five refused reads in a row open it; refused writes never do', () => {
  const { breaker } = rig()
  for (let i = 0; i < 100; i++) breaker.refused(false)
  for (let i = 0; i < 4; i++) breaker.refused(true)
  breaker.answered(true)
  for (let i = 0; i < 4; i++) breaker.refused(true)
  breaker.answered(false)
  assert.equal(breaker.state, 'closed')
  breaker.refused(true)
  assert.equal(breaker.state, 'open')
})

test('Probes come one at a time, ever more rarely up to a minute, and never at the same times for two', async () => {
  const times = [1, 2, 1].map(async seed => {
    const { breaker, clock, probes, states, world } = rig(seed)
    breaker.late(true, 0)
    await clock.advance('10m')
    world.there = true
    await clock.advance('1m')
    assert.equal(breaker.state, 'closed')
    assert.equal(clock.timers, 0)
    assert.deepEqual(states, ['open', ...probes.slice(1).flatMap(() => ['half-open', 'open']), 'half-open', 'closed'])
    return probes
  })
  const [one, two, again] = await Promise.all(times)
  assert.deepEqual(one, again, 'by the seed')
  assert.notDeepEqual(one, two)
  const pauses = one!.map((at, i) => at - (one![i - 1] ?? 0))
  pauses.forEach((pause, i) => {
    const whole = Math.min(60_000, 1_000 * 2 ** i)
    assert.ok(pause > whole / 2 && pause <= whole, `pause ${i}: ${pause}`)
  })
  assert.ok(pauses.length >= 15)
})

test('While a probe is on its way nothing is admitted, and no other is sent', async () => {
  const { breaker, clock, probes, world } = rig()
  let answer!: (there: boolean) => void
  world.there = new Promise(resolve => { answer = resolve })
  breaker.late(true, 0)
  await clock.advance('1s')
  assert.equal(breaker.state, 'half-open')
  breaker.soon()
  breaker.alive()
  breaker.late(true, 0)
  for (let i = 0; i < 10; i++) assert.equal(breaker.admits(), false)
  await clock.advance('30s')
  assert.equal(probes.length, 1)
  answer(true)
  await clock.advance(0)
  assert.equal(breaker.state, 'closed')
})

test('A sign of life has the probe made at once', async () => {
  const { breaker, clock, world } = rig()
  breaker.late(true, 0)
  await clock.advance(50)
  world.there = true
  breaker.alive()
  await clock.advance(0)
  assert.equal(breaker.state, 'closed')
  assert.equal(clock.timers, 0)
})

test('Where timers die with their request, who is refused looks whether a probe is overdue, also one that was lost', async () => {
  const clock = virtualClock()
  let probes = 0
  let lost = true
  const breaker = new Breaker({
    clock: { ...clock, after: () => () => {} },
    tell: () => {},
    probe: () => { probes++; return lost ? new Promise(() => {}) : Promise.resolve(true) },
    returned: async () => {},
    background: () => {},
  })
  breaker.late(true, 0)
  await clock.advance('1s')
  assert.equal(breaker.admits(), false)
  assert.equal(probes, 1)
  lost = false
  await clock.advance('61s')
  assert.equal(breaker.admits(), false)
  await clock.advance(0)
  assert.equal(probes, 2)
  assert.equal(breaker.admits(), true)
})

test('A debt is visited although it is closed, ever more rarely; after a quiet minute pauses begin anew', async () => {
  const { breaker, clock, probes, states, world, returns } = rig()
  world.there = true
  for (let i = 0; i < 8; i++) {
    breaker.soon()
    breaker.soon()
    await clock.advance('60s')
  }
  assert.deepEqual([states, returns()], [[], 8])
  const spans = probes.map((at, i) => at - i * 60_000)
  assert.ok(spans[4]! > 8_000 && spans[1]! <= 2_000, spans.join())
  await clock.advance('2m')
  const before = clock.stopwatch()
  breaker.soon()
  await clock.advance('1s')
  assert.ok(probes.at(-1)! - before <= 1_000)
})

test('After its end there are no timers and no visits but one, if one was due', async () => {
  const { breaker, clock, probes, returns, world } = rig()
  await breaker.end()
  assert.equal(probes.length, 0)
  const other = rig()
  other.breaker.late(true, 0)
  other.world.there = true
  await other.breaker.end()
  assert.deepEqual([other.probes.length, other.returns(), other.clock.timers], [1, 1, 0])
  breaker.late(true, 0)
  world.there = true
  await clock.advance('10m')
  assert.equal(breaker.admits(), false)
  assert.deepEqual([probes.length, returns(), clock.timers], [0, 0, 0])
})
