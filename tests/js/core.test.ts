import assert from 'node:assert/strict'
import test from 'node:test'
import { inboxSize } from '../../js/boundary.js'
import { Core, status, verdict } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { ValueError } from '../../js/errors.js'
import { Failure } from '../../js/failure.js'
import { decodePayload, decodeValue, encodeValue, failed, flag, kind, labelled, loadFor, type Payload } from '../../js/value.js'
import { compile, wasmOnly } from './harness.js'

await loadFor(kind.cbor)

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

test('Whatever is stored, the memory of the instance stays within the budget, and most of it holds entries', wasmOnly('what the twin takes is estimated'), async () => {
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

test('A core that compresses stays within the budget as well, dictionaries and all', wasmOnly('it does not compress'), async () => {
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

test('Memory that grows takes every view along', wasmOnly('its block never grows'), async () => {
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

test('A payload in parts can be read after memory has grown', wasmOnly('its block never grows'), async () => {
  const one = await core()
  const { memory } = (one as unknown as { exports: { memory: WebAssembly.Memory } }).exports
  const payload = labelled({ kind: kind.bytes, bytes: new Uint8Array(20_000).fill(3) }, 'label')
  for (let i = 0, before = memory.buffer.byteLength; memory.buffer.byteLength === before; i++) {
    one.digest(prefix, [i])
    assert.equal(one.store(one.key(), { ...draft(payload.bytes), payload }, 0), status.ok)
  }
  assert.equal(one.nextLabelled(0)!.label, 'label')
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

test('A module that cannot be instantiated is a rejection, not a promise that stays pending', wasmOnly('it has no module'), async () => {
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
  await assert.rejects(Core.create(empty, { maxBytes: 1e6, maxEntryBytes: 1e5 }, new Uint32Array(4), false))
})

test('Requests that differ anywhere have keys that differ, however often they come and whatever was remembered of them', async () => {
  const one = await core()
  const numbers = Array.from({ length: 4500 }, (_, i) => i)
  const requests = [
    // The structure of these is longer than the area it is written into; they differ in its first part, in its last one, in a text.
    ...[0, 1, 2, 4000, 4096, 4499].map(place => [numbers.with(place, -1), 'text']), [numbers, 'text'], [numbers, 'test'],
    ...[new Uint8Array(20_000).fill(1), new Uint8Array(20_000).fill(2)].map(bytes => [bytes, 'text']),
    ['text'], ['test'], ['a prompt of some length'], ['a prompt of same length'], [{ prompt: 'a prompt of some length' }], ['a prompt of some length', 1], ['a prompt of some length', 2],
  ]
  const ids = new Set<string>()
  for (let round = 0; round < 4; round++) {
    for (const args of requests) {
      one.lookUp(prefix, args, 0)
      ids.add(one.key().id)
      const { id } = one.key()
      one.digest(prefix, args)
      assert.equal(one.key().id, id)
    }
    assert.equal(ids.size, requests.length, `in round ${round}`)
  }
  const other = keyPrefix('s', 'g', 1)
  for (let round = 0; round < 3; round++) {
    for (const args of requests) {
      one.lookUp(other, args, 0)
      assert.ok(!ids.has(one.key().id), 'another function has keys of its own')
    }
  }
})

test('A text is not held once its key is made, where nobody will ask for the canonical bytes', async () => {
  for (const keepsKeys of [false, true]) {
    const one = await Core.create(await compile(), { maxBytes: 1e6, maxEntryBytes: 1e5 }, Uint32Array.of(1, 2, 3, 4), keepsKeys)
    const { inbox } = one as unknown as { inbox: { texts: string[] } }
    for (const make of [() => one.lookUp(prefix, ['x'.repeat(1e6), 'y'], 0), () => one.digest(prefix, ['x'.repeat(1e6)])]) {
      make()
      assert.equal(inbox.texts.some(text => text.length > 0), keepsKeys)
    }
  }
})

test('Prompts and requests of one template that are new each time are hardly ever copied', async t => {
  const one = await core()
  const copies = t.mock.method(JSON, 'parse')
  for (let i = 0; i < 20_000; i++) {
    one.lookUp(prefix, [`Summarise the chapter of the report that has number ${i}, in two sentences.`], 0)
    one.lookUp(prefix, [{ prompt: `Summarise the chapter of the report that has number ${i}, in two sentences.` }], 0)
  }
  assert.ok(copies.mock.callCount() < 4000, `${copies.mock.callCount()} of 40,000`)
})

test('How stale an answer may be is for the call to say; what is staler is kept for when nothing better can be had', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  one.store(key, { ...draft(Uint8Array.of(1), 100), staleForMs: 1000 }, 0)
  const at = (now: number, staleForMs?: number): number => one.lookUp(prefix, ['x'], now, staleForMs)
  assert.deepEqual([at(99), at(100), at(100, 50), at(149, 50), at(150, 50), at(1099, 5000)], [verdict.fresh, verdict.retained, verdict.stale, verdict.stale, verdict.retained, verdict.stale])
  assert.deepEqual(one.value(false), Uint8Array.of(1))
  assert.equal(at(1099), verdict.retained)
  assert.deepEqual(one.value(false), Uint8Array.of(1), 'what is retained can be read')
  assert.equal(one.peek(key, 149, 50), verdict.stale)
  assert.equal(one.peek(key, 150, 50), verdict.retained)
  assert.equal(at(1100, Infinity), verdict.expired)
  const { hitsFresh, hitsStale, missesExpired } = one.stats()
  assert.deepEqual([hitsFresh, hitsStale, missesExpired], [1, 3, 4])
  const text = 'a prompt that is long enough to be remembered, '.repeat(3)
  one.lookUp(prefix, [text], 0)
  one.store(one.key(), { ...draft(Uint8Array.of(1), 100), staleForMs: 1000 }, 0)
  for (let i = 0; i < 4; i++) assert.equal(one.lookUp(prefix, [text], 100, 50), verdict.stale, 'a prompt, too')
})

test('A key that had to make room is told from one that was never there', async () => {
  const one = await core(1_000_000)
  for (let i = 0; i < 200; i++) {
    one.digest(prefix, [i])
    // Each is worth more than those before.
    one.store(one.key(), { ...draft(new Uint8Array(10_000)), costMs: 2 ** i }, 0)
  }
  const said = Array.from({ length: 300 }, (_, i) => one.lookUp(prefix, [i], 0))
  assert.equal(said.filter(each => each === verdict.evicted).length, one.stats().missesEvicted)
  assert.ok(said.includes(verdict.evicted) && said.includes(verdict.absent))
})

test('An entry dies of idleness', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  one.store(one.key(), { ...draft(Uint8Array.of(1)), idleMs: 10 }, 0)
  assert.deepEqual([9, 18, 28].map(now => one.lookUp(prefix, ['x'], now)), [verdict.fresh, verdict.fresh, verdict.expired])
})

test('expire makes an entry stale from now on, and takes out one that never gets stale', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  assert.equal(one.expire(key, 0), false)
  for (const ttlMs of [1000, Infinity]) {
    one.store(key, { ...draft(Uint8Array.of(1), ttlMs), staleForMs: 100 }, 0)
    assert.equal(one.peek(key, 50), verdict.fresh)
    assert.equal(one.facts().freshUntil, ttlMs)
    assert.equal(one.expire(key, 50), true)
    assert.equal(one.expire(key, 60), true, 'again, which changes nothing')
    assert.deepEqual([one.peek(key, 60), one.peek(key, 149, 200), one.peek(key, 150, 200)], [verdict.retained, verdict.stale, verdict.expired])
  }
  one.store(key, draft(Uint8Array.of(1)), 0)
  assert.equal(one.expire(key, 50), false)
  assert.equal(one.peek(key, 50), verdict.absent)
})

test('A tag that is expired makes entries stale, one that is invalidated kills them, in memory and out of storage', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  const token = (hard: number, soft: number): Uint8Array => Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, hard, soft, 6, 7)
  one.setToken(token(1, 1))
  one.store(key, { ...draft(Uint8Array.of(1)), staleForMs: 500, tokens: token(1, 1) }, 0)
  const entry = one.resealed(key, name)!
  one.setToken(token(1, 2))
  assert.deepEqual([one.peek(key, 5), one.peek(key, 5, 1)], [verdict.retained, verdict.stale])
  assert.deepEqual([one.admit(key, name, entry, 5).status, one.admit(key, name, entry, 5, 0, 1).status], [status.retained, status.stale])
  assert.deepEqual(one.admit(key, name, entry, 5).payload, { kind: kind.bytes, bytes: Uint8Array.of(1) })
  assert.equal(one.facts().freshUntil, 1000)
  one.setToken(token(2, 2))
  assert.equal(one.peek(key, 5, 1), verdict.invalidated)
  assert.deepEqual(one.admit(key, name, entry, 5, 0, 1), { status: status.invalidated })
})

test('What was thrown comes back as a Failure, also where values are frozen or hot', async () => {
  const one = await core()
  const hot = 'hot '.repeat(20)
  for (const [i, thrown] of [new TypeError('no'), hot, { code: 7 }, undefined].entries()) {
    one.digest(prefix, [i])
    const payload = failed(labelled(encodeValue(thrown), `[${i}]`))
    for (const stored of [payload, failed(encodeValue(thrown))]) {
      one.store(one.key(), { ...draft(payload.bytes), payload: stored }, 0)
      for (const frozen of [false, false, false, true, true]) {
        assert.equal(one.lookUp(prefix, [i], 1), verdict.fresh)
        const value = one.value(frozen)
        assert.ok(value instanceof Failure, `${i}`)
        assert.deepEqual(value.error, thrown)
      }
    }
    one.store(one.key(), { ...draft(payload.bytes), payload: encodeValue(hot) }, 0)
    one.lookUp(prefix, [i], 1)
    assert.deepEqual([one.value(false), one.value(false), one.value(true)], [hot, hot, hot], 'the slot has another entry now')
  }
})

const flagged = (value: unknown, label: string, throws: boolean): Payload => labelled(throws ? failed(encodeValue(value)) : encodeValue(value), label)

for (const dense of [false, true]) {
  test(`Labelled entries of every kind and size are found by a scan, read, sealed again and admitted${dense ? ', compressed' : ''}`, async () => {
    const [one, two] = [await core(20_000_000, dense), await core()]
    const object = (i: number, length: number): object => ({ id: i, choices: [{ message: { role: 'assistant', content: 'words and words '.repeat(length) } }], usage: { total_tokens: i } })
    const values: unknown[] = []
    for (const length of [0, 5, 300, 1000, 4095, 5000, 20_000]) {
      // The same names again and again: memory has a number for them from the second on.
      values.push(object(1, length), object(2, length), object(3, length), 'ü'.repeat(length), new Uint8Array(16 * length), new Map([[1, 'x'.repeat(length)]]))
    }
    const labels = new Map<string, string>()
    const payloads = values.map((value, i) => flagged(value, i % 5 === 4 ? `${i} é😀 `.repeat(i * 300) : `["${i}"]`, i % 3 === 0))
    values.forEach((value, i) => {
      one.digest(prefix, [i])
      assert.equal(one.store(one.key(), { ...draft(encodeValue(value).bytes), payload: payloads[i]!, staleForMs: 5, tokens: new Uint8Array(0) }, 3), status.ok)
      labels.set(one.key().id, i % 5 === 4 ? `${i} é😀 `.repeat(i * 300) : `["${i}"]`)
      one.digest(prefix, [-1 - i])
      one.store(one.key(), { ...draft(encodeValue(value).bytes), payload: encodeValue(value) }, 3)
    })
    const before = one.stats()
    const met = new Map<string, string>()
    for (let at = 0, found; (found = one.nextLabelled(at)) !== undefined; at = found.slot + 1) {
      assert.ok(found.slot >= at)
      met.set(found.key.id, found.label)
    }
    assert.deepEqual(met, labels)
    assert.deepEqual(one.stats(), before, 'nothing was counted')
    for (const [i, payload] of payloads.entries()) {
      const check = (from: Core): void => {
        const value = from.value(false)
        assert.equal(value instanceof Failure, i % 3 === 0)
        assert.deepEqual(value instanceof Failure ? value.error : value, values[i])
        assert.deepEqual(from.payload(), payload, `${i}`)
        assert.deepEqual(decodePayload(from.payload()), value)
      }
      assert.equal(one.lookUp(prefix, [i], 4), verdict.fresh)
      check(one)
      const entry = one.resealed(one.key(), name)!
      two.digest(prefix, [i])
      const key = two.key()
      assert.deepEqual(two.admit(key, name, entry, 4), { status: status.ok, payload, inMemory: true })
      assert.equal(two.lookUp(prefix, [i], 4), verdict.fresh)
      check(two)
      const { created, freshUntil, staleUntil, costMs } = two.facts()
      assert.deepEqual([created, freshUntil, staleUntil, costMs], [3, 1003, 1008, 5])
    }
    assert.equal(one.resealed({ id: '' }, name), undefined)
  })
}

test('What is sealed again says what the entry in memory says, and is the same where that did not change', async () => {
  const one = await core()
  one.digest(prefix, ['x'])
  const key = one.key()
  const tokens = Uint8Array.from({ length: 48 }, (_, i) => i)
  for (let i = 0; i < 48; i += 16) one.setToken(tokens.subarray(i, i + 16))
  const payload = labelled(encodeValue([{ a: 1 }, { a: 2 }]), 'label')
  for (let round = 0; round < 3; round++) {
    one.store(key, { ...draft(payload.bytes), payload, tokens, staleForMs: 100 }, 7)
    const entry = one.seal(name, payload)
    assert.deepEqual(one.resealed(key, name), entry)
    assert.equal(one.expire(key, 9), true)
    const later = one.resealed(key, name)!
    assert.equal(later.length, entry.length)
    assert.equal(new DataView(later.buffer).getBigInt64(48, true), 9n)
    assert.equal(new DataView(later.buffer).getBigInt64(56, true), 109n)
  }
})

test('A label that claims more than there is makes the entry undecodable, and no scan stumbles over it', async () => {
  const one = await core()
  for (const bytes of [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 0, 0, 0), Uint8Array.of(255, 255, 255, 255)]) {
    one.digest(prefix, ['x'])
    one.store(one.key(), { ...draft(bytes), payload: { kind: kind.bytes | flag.labelled, bytes } }, 0)
    assert.equal(one.nextLabelled(0)!.label, '')
    assert.equal(one.lookUp(prefix, ['x'], 0), verdict.fresh)
    assert.throws(() => one.value(false), ValueError)
  }
})
