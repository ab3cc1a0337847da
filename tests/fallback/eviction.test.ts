import assert from 'node:assert/strict'
import test from 'node:test'
import { Core, status, verdict } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { Eviction, type Resident } from '../../js/fallback/eviction.js'
import { fallback } from '../../js/fallback/index.js'
import { kind } from '../../js/value.js'

const prefix = keyPrefix(null, 'f', null)
const core = (maxBytes: number): Promise<Core> => Core.create(fallback, { maxBytes, maxEntryBytes: 5_000_000 }, Uint32Array.of(1, 2, 3, 4), false)

function store(one: Core, id: number, size: number, costMs: number, now = 0, ttlMs = Infinity, tokens = new Uint8Array(0)): number {
  one.digest(prefix, [id])
  return one.store(one.key(), { payload: { kind: kind.bytes, bytes: new Uint8Array(size) }, tokens, costMs, ttlMs, staleForMs: 0 }, now)
}

const held = (one: Core, ids: number[], now = 0): number => ids.filter(id => one.lookUp(prefix, [id], now) === verdict.fresh).length
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

test('Whatever is stored, what it takes stays within the budget, and most of that is payloads', async () => {
  for (const maxBytes of [1_000_000, 3_000_000]) {
    const one = await core(maxBytes)
    for (let i = 0; i < 6_000; i++) {
      const size = i % 50 === 0 ? 130_000 : i % 7 === 0 ? (i * 7919) % 20_000 : (i * 31) % 900
      const said = store(one, i, size, 5, i)
      assert.ok(said === status.ok || said === status.notAdmitted, status[said])
      assert.ok(one.stats().memory <= maxBytes, `${one.stats().memory}`)
    }
    const { bytes, metadata, entries, evicted, notAdmitted } = one.stats()
    assert.ok(bytes > 0.8 * maxBytes && metadata < 0.6 * bytes, `${bytes}, ${metadata}`)
    assert.equal(entries + evicted + notAdmitted, 6_000)
  }
})

test('Tags and their tokens count as well: many of them leave less room for entries', async () => {
  const one = await core(1_000_000)
  for (let i = 0; i < 400; i++) store(one, i, 2_000, 5)
  for (let i = 0; i < 9_000; i++) one.setToken(new Uint8Array(new BigUint64Array([BigInt(i), 1n]).buffer))
  assert.ok(one.stats().memory <= 1_000_000)
  assert.ok(one.stats().entries < 20)
  assert.equal(store(one, 0, 900_000, 5), status.tooLarge)
  one.digest(prefix, [1])
  one.setToken(new Uint8Array(new BigUint64Array([5n, 2n]).buffer))
})

test('What cost much and what is asked for often outlives ten times its number of what is neither', async () => {
  const one = await core(1_000_000)
  for (const id of range(0, 20)) store(one, id, 5_000, 10_000)
  for (const id of range(20, 40)) store(one, id, 5_000, 10)
  for (let round = 0; round < 30; round++) held(one, range(20, 40))
  for (const id of range(1000, 1400)) store(one, id, 5_000, 10)
  assert.equal(held(one, range(0, 20)), 20)
  assert.equal(held(one, range(20, 40)), 20)
})

test('Where most slots are free the dear ones are kept all the same', async () => {
  const one = await core(4_000_000)
  for (const id of range(0, 20_000)) store(one, id, 40, 1)
  for (const id of range(0, 20_000)) {
    one.digest(prefix, [id])
    one.invalidate(one.key())
  }
  for (const id of range(20_000, 20_030)) store(one, id, 60_000, 60_000)
  for (const id of range(30_000, 30_500)) store(one, id, 60_000, 1_000)
  assert.equal(held(one, range(20_000, 20_030)), 30)
})

test('A tag that needs room takes it from what is worth least, at any time of day', async () => {
  const now = 1_800_000_000_000
  const one = await core(2_000_000)
  for (const id of range(0, 100)) store(one, id, 2_000, 60_000, now)
  for (const id of range(100, 1_500)) store(one, id, 2_000, 10, now)
  const { entries } = one.stats()
  for (let i = 0; i < 6_000; i++) one.setToken(new Uint8Array(new BigUint64Array([BigInt(i), 1n]).buffer))
  assert.ok(one.stats().entries < entries - 100, 'there was no room for the tags')
  assert.equal(one.stats().expired, 0)
  assert.equal(held(one, range(0, 100), now), 100)
})

test('What is over goes before all others', async () => {
  const one = await core(1_000_000)
  for (const id of range(0, 30)) store(one, id, 10_000, 1e9, 0, 10)
  for (const id of range(30, 60)) store(one, id, 10_000, 1, 20)
  for (const id of range(60, 90)) store(one, id, 10_000, 1, 20)
  assert.equal(held(one, range(30, 90), 20), 60)
  assert.deepEqual([one.stats().expired > 0, one.stats().evicted], [true, 0])
})

test('Who is worth less than all is refused, and let in when he has knocked often enough', async () => {
  const one = await core(1_000_000)
  // As many as fit: nobody had to leave yet.
  const other = await core(1_000_000)
  while (other.stats().evicted === 0) store(other, other.stats().stored, 10_000, 100)
  for (const id of range(0, other.stats().entries)) store(one, id, 10_000, 100)
  assert.deepEqual([one.stats().evicted, one.stats().entries > 50], [0, true])
  assert.equal(store(one, 1000, 10_000, 10), status.notAdmitted)
  let knocks = 1
  while (knocks < 100 && store(one, 1000, 10_000, 10) === status.notAdmitted) knocks++
  assert.ok(knocks > 3 && knocks < 30, `${knocks}`)
})

test('A floor that has risen is lowered again, so that what comes later can still be told apart', () => {
  const eviction = new Eviction(1)
  const added = (costMs: number): Resident => {
    const entry = { bytes: 100, costMs, uses: 1, worth: 0 }
    eviction.added(entry)
    return entry
  }
  const slots = Array.from({ length: 10 }, () => added(1e15))
  const inUse = range(0, 10)
  for (let i = 0; i < 40; i++) slots[eviction.victim({ slots, inUse }, 1, 100, true, () => false)!] = added(1)
  assert.ok(added(1.001).worth > added(1).worth)
})
