/** check(): what lies in storage is verified, and what can answer no call is removed. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CheckReport } from '../../js/check.js'
import { OptionError, StorageError } from '../../js/errors.js'
import type { CacheOptions } from '../../js/options.js'
import { memory } from '../../js/storage/memory.js'
import { bench } from './harness.js'

const secret = 'a secret of 16 bytes or more'
const modes: [string, CacheOptions][] = [['without a secret', {}], ['authenticated', { secret }], ['encrypted', { secret, encrypt: true }]]
const none = { entries: 0, bytes: 0, tokens: 0, damaged: 0, expired: 0, invalidated: 0, foreign: 0, removed: 0 }
const isEntry = (name: string): boolean => name.length === 64

/** A storage, and the Map that it is. */
function open(): { storage: ReturnType<typeof memory>; entries: Map<string, Uint8Array> } {
  const entries = new Map<string, Uint8Array>()
  return { storage: memory(entries), entries }
}

for (const [how, options] of modes) {
  test(`What is whole is counted and left (${how})`, async () => {
    const { storage, entries } = open()
    const { cache } = await bench({ storage, ...options })
    for (let i = 0; i < 50; i++) await cache.set(`key ${i}`, 'x'.repeat(100 * i), { tags: ['all', `tag ${i % 7}`] })
    await cache.scope('acme').set('of a scope', new Uint8Array(300_000))
    await cache.settled()
    const before = new Map(entries)
    const report = await (await bench({ storage, ...options })).cache.check()
    const tokens = [...entries.keys()].filter(name => !isEntry(name)).length
    assert.deepEqual({ ...report, bytes: 0 }, { ...none, entries: 51, tokens })
    assert.ok(report.bytes > 300_000 + 50 * 49 * 50, `${report.bytes} bytes`)
    assert.deepEqual(entries, before)
  })

  test(`What is damaged, dead or over is counted by kind and removed, unless it is only to be reported (${how})`, async () => {
    const { storage, entries } = open()
    const { cache, clock } = await bench({ storage, ...options })
    const named = async (key: string, set: object = {}): Promise<string> => {
      const before = new Set(entries.keys())
      await cache.set(key, `the value of ${key}`, set)
      await cache.settled()
      return [...entries.keys()].find(name => isEntry(name) && !before.has(name))!
    }
    const whole = await named('whole')
    await named('dead', { tags: ['gone'] })
    await named('over', { ttl: '1s' })
    const flipped = await named('flipped')
    const cut = await named('cut')
    const [one, two] = [await named('one'), await named('two')]
    const token = [...entries.keys()].find(name => !isEntry(name) && !entries.has(`${name}x`))!
    await cache.invalidate({ tag: 'gone' })
    clock.now += 2_000
    const damage = (name: string, change: (bytes: Uint8Array) => Uint8Array): unknown => entries.set(name, change(entries.get(name)!))
    damage(flipped, bytes => bytes.with(100, bytes[100]! ^ 4))
    damage(cut, bytes => bytes.slice(0, 90))
    const swapped = entries.get(one)!
    entries.set(one, entries.get(two)!)
    entries.set(two, swapped)
    entries.set('ab'.repeat(8), Uint8Array.of(1, 2, 3))
    entries.set('README', new Uint8Array(5))
    const before = new Map(entries)

    const reader = await bench({ storage, ...options })
    reader.clock.now = clock.now
    const looked = await reader.cache.check({ repair: false })
    assert.deepEqual({ ...looked, bytes: 0, tokens: 0 }, { ...none, entries: 7, damaged: 5, expired: 1, invalidated: 1, foreign: 1 })
    assert.deepEqual(entries, before, 'nothing was touched')
    const repaired = await reader.cache.check()
    assert.deepEqual(repaired, { ...looked, removed: 7 })
    assert.deepEqual([...entries.keys()].filter(isEntry), [whole])
    assert.ok(entries.has('README') && entries.has(token))
    const after = await reader.cache.check()
    assert.deepEqual({ ...after, bytes: 0, tokens: 0 }, { ...none, entries: 1, foreign: 1 })
    assert.equal(reader.cache.stats().entries, 0, 'nothing was let into memory')
    assert.equal(reader.cache.stats().badMacs, 0, 'no call met it')
    assert.equal(await reader.cache.get('whole'), 'the value of whole')
  })
}

test('An entry that may still stand in is whole; one that was made stale and may not is invalidated', async () => {
  const { storage } = open()
  const { cache, clock } = await bench({ storage })
  await cache.set('stands in', 1, { ttl: '1s', staleIfError: '1h', tags: ['a'] })
  await cache.set('does not', 2, { tags: ['a'] })
  await cache.settled()
  clock.now += 2_000
  const { entries, expired, invalidated } = await cache.check({ repair: false })
  assert.deepEqual([entries, expired, invalidated], [2, 0, 0])
  await cache.expire({ tag: 'a' })
  assert.deepEqual((await cache.check({ repair: false })).invalidated, 1)
})

test('An entry whose token is gone is invalidated; one whose token changed while the check went on is read again', async () => {
  const { storage, entries } = open()
  const { cache } = await bench({ storage })
  await cache.set('a', 1, { tags: ['t'] })
  await cache.set('b', 1, { tags: ['t'] })
  await cache.settled()
  const writer = await bench({ storage })
  const tokens = [...entries.keys()].filter(name => !isEntry(name))
  let first = true
  const moving = {
    ...storage,
    async *keys() {
      for (const name of [...entries.keys()].filter(isEntry)) {
        for (let i = 0; i < 16; i++) yield name
        // All 16 were looked at, and their tokens are known.
        if (!first) continue
        first = false
        await writer.cache.invalidate({ tag: 't' })
        await writer.cache.set('a', 2, { tags: ['t'] })
        await writer.cache.set('b', 2, { tags: ['t'] })
        await writer.cache.settled()
      }
    },
  }
  assert.equal((await (await bench({ storage: moving })).cache.check()).invalidated, 0)
  for (const name of tokens) entries.delete(name)
  assert.equal((await cache.check()).invalidated, 2)
})

test('What others sealed, or wrote without a secret, is foreign and left alone; what would be damaged even for them is not', async () => {
  const { storage, entries } = open()
  const kinds: CacheOptions[] = [{}, { secret }, { secret: 'another secret of 16 bytes' }, { secret: 'a third secret, of 16 bytes', encrypt: true }]
  for (const options of kinds) {
    const { cache } = await bench({ storage, ...options })
    await cache.set('a', 'a value')
    await cache.settled()
  }
  const before = new Map(entries)
  const tokensOfOne = (entries.size - kinds.length) / kinds.length
  for (const options of kinds) {
    const { cache } = await bench({ storage, ...options })
    const { entries: ours, foreign, tokens, removed, damaged } = await cache.check()
    assert.deepEqual({ ours, tokens, foreign, removed, damaged }, { ours: 1, tokens: tokensOfOne, foreign: 3 * (1 + tokensOfOne), removed: 0, damaged: 0 })
  }
  assert.deepEqual(entries, before)
  entries.set('f'.repeat(64), [...before].find(([name]) => isEntry(name))![1].slice(0, 100))
  assert.equal((await (await bench({ storage, secret })).cache.check()).removed, 1)
})

test('After encryption was turned on, check() removes what lies there readable', async () => {
  const { storage, entries } = open()
  const { cache } = await bench({ storage, secret })
  await cache.set('a', 'needle')
  await cache.settled()
  const report = await (await bench({ storage, secret, encrypt: true })).cache.check()
  assert.deepEqual([report.damaged, report.removed], [1, 1])
  assert.equal([...entries.values()].some(bytes => Buffer.from(bytes).includes('needle')), false)
})

test('It goes in steps: it says how far it is, others have their turn, and it can be aborted', async () => {
  const { storage, entries } = open()
  const { cache, time } = await bench({ storage })
  await cache.setMany(Array.from({ length: 1200 }, (_, i) => [`key ${i}`, i] as const))
  await cache.settled()
  const told: CheckReport[] = []
  let done = false
  const checking = cache.check({ onProgress: report => told.push(report) }).finally(() => (done = true))
  while (!done) {
    await new Promise(resolve => setImmediate(resolve))
    await time.advance(1)
  }
  assert.deepEqual(told.at(-1), await checking)
  assert.equal((await checking).entries, 1200)
  assert.ok(told.length >= 3 && told[0]!.entries < 600)
  for (const [name, entry] of entries) if (isEntry(name)) entries.set(name, entry.slice(0, 50))
  await assert.rejects(cache.check({ signal: AbortSignal.abort(new Error('no more')) }), /no more/)
  assert.equal([...entries.keys()].filter(isEntry).length, 1200, 'nothing had begun')
  const controller = new AbortController()
  await assert.rejects(cache.check({ signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) }), /enough/)
  const left = [...entries.keys()].filter(isEntry).length
  assert.ok(left > 0 && left < 1200, `${left} are left`)
})

test('Without storage there is nothing to check; a storage that cannot list, or fails, rejects', async () => {
  assert.deepEqual(await (await bench()).cache.check(), none)
  const { keys: _, ...mute } = memory()
  await assert.rejects((await bench({ storage: mute })).cache.check(), (error: Error) => error instanceof OptionError && /check: the storage cannot say what it holds/.test(error.message))
  const failing = await bench({ storage: { ...memory(), async *keys() { yield '0'.repeat(64) }, get: () => Promise.reject(new Error('no')) } })
  await assert.rejects(failing.cache.check(), (error: Error) => error instanceof StorageError)
  await assert.rejects((await bench()).cache.check({ repairs: true } as never), /OptionError: check: repairs: there is no such option\. Known ones: repair, signal, onProgress/)
  await assert.rejects((await bench()).cache.check({ repair: 1 } as never), OptionError)
  await assert.rejects((await bench()).cache.check(5 as never), OptionError)
})
