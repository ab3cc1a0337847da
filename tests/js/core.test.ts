import assert from 'node:assert/strict'
import test from 'node:test'
import { inboxSize } from '../../js/boundary.js'
import { Core, status, verdict } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { decodeValue, encodeValue, kind } from '../../js/value.js'
import { compile } from './harness.js'

const prefix = keyPrefix(null, 'f', null)
const noTokens = new Uint8Array(0)
const name = new Uint8Array(32).fill(7)

async function core(maxBytes = 10_000_000, dense = false): Promise<Core> {
  return Core.create(await compile(dense), { maxBytes, maxEntryBytes: 5_000_000 }, Uint32Array.of(1, 2, 3, 4), true)
}

const draft = (bytes: Uint8Array, ttlMs = 1000) => ({ payload: { kind: kind.bytes, bytes }, tokens: noTokens, costMs: 5, ttlMs, staleForMs: 0 })

test('Payloads of every size around the inbox come back from memory, sealed, and admitted by another core', async () => {
  const [one, two] = [await core(), await core()]
  for (const size of [0, 1, 100, inboxSize - 97, inboxSize - 96, inboxSize - 1, inboxSize, inboxSize + 1, 3 * inboxSize, 1_000_003]) {
    const bytes = new Uint8Array(size).map((_, i) => i * 31)
    assert.equal(one.lookUp(prefix, [size], 0), verdict.absent)
    const key = one.key()
    assert.equal(one.store(key, draft(bytes), 0), status.ok)
    const entry = one.seal(name, { kind: kind.bytes, bytes })
    assert.equal(entry.length, 80 + size + 16)
    assert.equal(one.lookUp(prefix, [size], 999), verdict.fresh)
    assert.deepEqual(one.value(false), bytes, `${size} bytes from memory`)
    two.digest(prefix, [size])
    const admitted = two.admit(two.key(), name, entry, 999)
    assert.equal(admitted.status, status.ok)
    assert.deepEqual(decodeValue(admitted.payload!), bytes, `${size} bytes from storage`)
    assert.equal(two.lookUp(prefix, [size], 999), verdict.fresh)
    assert.deepEqual(two.value(false), bytes)
    assert.deepEqual(two.facts(), { created: 0, freshUntil: 1000, staleUntil: 1000, costMs: 5, bytes: size })
  }
})

test('One flipped bit anywhere in an entry, and every cut, is refused', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  const payload = encodeValue({ a: 1 })
  one.store(key, { ...draft(payload.bytes), payload }, 0)
  const entry = one.seal(name, payload)
  for (let bit = 0; bit < entry.length * 8; bit++) {
    const damaged = entry.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    assert.notEqual(one.admit(key, name, damaged, 0).status, status.ok, `bit ${bit}`)
  }
  for (let length = 0; length < entry.length; length++) assert.notEqual(one.admit(key, name, entry.slice(0, length), 0).status, status.ok, `${length} bytes`)
  assert.equal(one.admit(key, name, entry, 0).status, status.ok)
})

test('Whatever is stored, the memory of the instance stays within the budget, and most of it holds entries', async () => {
  for (const maxBytes of [1_000_000, 1_500_000, 3_000_000, 10_000_000]) {
    const one = await core(maxBytes)
    const { memory } = (one as unknown as { exports: { memory: WebAssembly.Memory } }).exports
    let stored = 0
    for (let i = 0; i < 6_000; i++) {
      one.digest(prefix, [i])
      const size = i % 50 === 0 ? 130_000 : i % 7 === 0 ? (i * 7919) % 20_000 : (i * 31) % 900
      const said = one.store(one.key(), draft(new Uint8Array(size)), i)
      stored += said === status.ok || said === status.notAdmitted ? 1 : 0
      assert.ok(memory.buffer.byteLength <= maxBytes, `${memory.buffer.byteLength} of ${maxBytes}`)
    }
    assert.equal(stored, 6_000)
    assert.equal(one.stats().memory, memory.buffer.byteLength)
    const held = one.stats().bytes / (maxBytes - 600_000)
    assert.ok(held > 0.6, `${held} of ${maxBytes}`)
  }
})

test('A core that compresses stays within the budget as well, dictionaries and all', async () => {
  for (const maxBytes of [1_000_000, 2_000_000, 3_000_000, 10_000_000]) {
    const one = await core(maxBytes, true)
    const { memory } = (one as unknown as { exports: { memory: WebAssembly.Memory } }).exports
    for (let i = 0; i < 6_000; i++) {
      one.digest(prefix, [i])
      const size = i % 50 === 0 ? 130_000 : i % 7 === 0 ? (i * 7919) % 20_000 : (i * 31) % 900
      // Every other payload is noise, so that all kinds of entries lie there at once.
      const bytes = new Uint8Array(size).map((_, at) => (i % 2 === 0 ? at % 60 : (at * at * i) >> 3))
      const said = one.store(one.key(), { ...draft(bytes), group: i % 20 }, i)
      assert.ok(said === status.ok || said === status.notAdmitted, `${said}`)
      assert.ok(memory.buffer.byteLength <= maxBytes, `${memory.buffer.byteLength} of ${maxBytes}`)
      if (said !== status.ok) continue
      assert.equal(one.lookUp(prefix, [i], i), verdict.fresh)
      if (i % 10 < 2) assert.deepEqual(one.value(false), bytes)
    }
  }
})

test('Large payloads come and go like small ones', async () => {
  const small = await core(2_000_000)
  let kept = 0
  const of = (i: number): Uint8Array => new Uint8Array(200_000).map((_, at) => at * i)
  for (let i = 0; i < 40; i++) {
    small.digest(prefix, [i % 15])
    const said = small.store(small.key(), draft(of(i), 100), i)
    if (said === status.notAdmitted) continue
    kept = i
    assert.equal(said, status.ok)
    assert.equal(small.lookUp(prefix, [i % 15], i), verdict.fresh)
    assert.deepEqual(small.value(false), of(i))
  }
  small.digest(prefix, [kept % 15])
  assert.equal(small.invalidate(small.key()), true)
  assert.ok(small.sweep(10_000, 100) > 0)
  assert.deepEqual([small.stats().entries, small.stats().bytes], [0, 0])
})

test('peek judges like lookUp and leaves no trace', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  one.store(key, draft(Uint8Array.of(1), 100), 0)
  const before = one.stats()
  assert.equal(one.peek(key, 99), verdict.fresh)
  assert.equal(one.peek(key, 100), verdict.expired)
  assert.equal(one.peek(key, 99), verdict.fresh, 'it was not removed')
  assert.deepEqual(one.stats(), before)
})

test('Memory that grows takes every view along', async () => {
  const one = await core(50_000_000)
  const { memory } = (one as unknown as { exports: { memory: WebAssembly.Memory } }).exports
  const before = memory.buffer.byteLength
  for (let i = 0; i < 1000; i++) {
    one.lookUp(prefix, [i, 'y'.repeat(i)], 0)
    assert.equal(one.store(one.key(), draft(new Uint8Array(20_000).fill(i)), 0), status.ok)
  }
  assert.ok(memory.buffer.byteLength > before, 'it grew')
  for (let i = 0; i < 1000; i++) {
    assert.equal(one.lookUp(prefix, [i, 'y'.repeat(i)], 0), verdict.fresh)
    assert.equal((one.value(false) as Uint8Array)[19_999], i & 255)
  }
})

test('Two cores digest the same key differently: the secret is part of it', async () => {
  const a = await core()
  const b = await Core.create(await compile(), { maxBytes: 1e6, maxEntryBytes: 1e5 }, Uint32Array.of(9, 9, 9, 9), false)
  a.digest(prefix, ['x'])
  b.digest(prefix, ['x'])
  assert.notEqual(a.key().id, b.key().id)
  a.digest(prefix, ['x'])
  assert.equal(a.key().id, a.key().id)
})

test('A module that cannot be instantiated is a rejection, not a promise that stays pending', async () => {
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
  await assert.rejects(Core.create(empty, { maxBytes: 1e6, maxEntryBytes: 1e5 }, new Uint32Array(4), false))
})

test('Prompts of one template that are new each time are not copied', async t => {
  const one = await core()
  const copies = t.mock.method(JSON, 'parse')
  for (let i = 0; i < 20_000; i++) {
    one.lookUp(prefix, [`Summarise the chapter of the report that has number ${i}, in two sentences.`], 0)
    one.lookUp(prefix, [{ prompt: `Summarise the chapter of the report that has number ${i}, in two sentences.` }], 0)
  }
  assert.ok(copies.mock.callCount() < 20, `${copies.mock.callCount()} of 40,000`)
})
