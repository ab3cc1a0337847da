/** Trust: what a cache with a secret uses out of its storage, and what it does not. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import type { CacheOptions } from '../../js/options.js'
import type { Runtime } from '../../js/runtimes/runtime.js'
import { web } from '../../js/runtimes/web.js'
import { memory } from '../../js/storage/memory.js'
import { nodeAead } from '../../js/storage/node-aead.js'
import { bench, countedStorage, entriesIn } from './harness.js'

const secret = 'a secret of 16 bytes or more'
const keyA = randomBytes(32)
const keyB = randomBytes(32)

/** Crypto at once, as in Node, and later, as in browsers and at the edge. */
const platforms: [string, Partial<Runtime>][] = [['at once', { aead: nodeAead }], ['by WebCrypto', { digest: web.digest }]]
const modes: [string, CacheOptions][] = [['authenticated', { secret }], ['encrypted', { secret, encrypt: true }]]

/** Asks once, through a cache of its own, and says whether the function ran. */
async function ask(storage: ReturnType<typeof countedStorage>, options: CacheOptions, runtime: Partial<Runtime> = {}, question = 'a question'): Promise<{ ran: boolean; answer: unknown; badMacs: number; refused: unknown[] }> {
  const { cache, events } = await bench({ storage, ...options }, runtime)
  let ran = false
  const answer = await cache.wrap(async (question: string) => {
    ran = true
    return { to: question }
  }, { name: 'ask' })(question)
  await cache.settled()
  const { badMacs } = cache.stats()
  await cache.close()
  return { ran, answer, badMacs, refused: events.filter(({ type }) => type === 'refused') }
}

for (const [when, runtime] of platforms) {
  for (const [how, options] of modes) {
    test(`What one process stored, another with the secret is answered by, and an invalidation reaches it (${how}, ${when})`, async () => {
      const storage = countedStorage()
      assert.equal((await ask(storage, options, runtime)).ran, true)
      assert.deepEqual(await ask(storage, options, runtime), { ran: false, answer: { to: 'a question' }, badMacs: 0, refused: [] })
      const other = await bench({ storage, ...options }, runtime)
      await other.cache.invalidate({ name: 'ask' })
      assert.equal((await ask(storage, options, runtime)).ran, true)
    })

    test(`An entry that was changed, cut or put in another's place is refused, deleted and counted, and the function runs (${how}, ${when})`, async () => {
      const harms: [string, (storage: ReturnType<typeof countedStorage>, name: string, entry: Uint8Array, other: Uint8Array) => void][] = [
        ['a bit', ({ entries }, name, entry) => entries.set(name, entry.with(entry.length >> 1, entry[entry.length >> 1]! ^ 1))],
        ['cut', ({ entries }, name, entry) => entries.set(name, entry.slice(0, -1))],
        ['empty', ({ entries }, name) => entries.set(name, new Uint8Array(0))],
        ['swapped', ({ entries }, name, _entry, other) => entries.set(name, other)],
      ]
      for (const [harm, act] of harms) {
        const storage = countedStorage()
        await ask(storage, options, runtime, 'another')
        const [[, other]] = entriesIn(storage) as [[string, Uint8Array]]
        const names = new Set(storage.entries.keys())
        await ask(storage, options, runtime)
        const [name, entry] = entriesIn(storage).find(([name]) => !names.has(name))!
        act(storage, name, entry, other)
        assert.deepEqual(await ask(storage, options, runtime), { ran: true, answer: { to: 'a question' }, badMacs: 1, refused: [{ type: 'refused', name: null, reason: 'bad-mac', key: name }] }, harm)
        assert.ok(storage.calls.includes('delete'), harm)
        assert.equal((await ask(storage, options, runtime)).ran, false, 'what took its place is used')
      }
    })

    test(`Tokens that were forged, or swapped, invalidate; they never revive (${how}, ${when})`, async () => {
      const storage = countedStorage()
      await ask(storage, options, runtime)
      const tokens = [...storage.entries].filter(([key]) => key.length === 16)
      assert.ok(tokens.length >= 2)
      for (const [place, record] of tokens) assert.ok(record.length > 16, `${place} lies there unsealed`)
      const before = new Map(storage.entries)
      const forged = Uint8Array.of(0x52, 0x50, 0x52, 0x54, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
      const [[one, ofOne], [two, ofTwo]] = tokens as [[string, Uint8Array], [string, Uint8Array]]
      for (const change of [[[one, forged]], [[one, ofTwo], [two, ofOne]], [[two, forged]]] as [string, Uint8Array][][]) {
        storage.entries.clear()
        for (const [key, bytes] of [...before, ...change]) storage.entries.set(key, bytes)
        const { ran, badMacs } = await ask(storage, options, runtime)
        assert.equal(ran, true)
        assert.ok(badMacs >= change.length)
        assert.equal((await ask(storage, options, runtime)).badMacs, 0, 'a token was written in its place')
      }
    })
  }
}

test('What lay there before there was a secret, under whatever name, is not used', async () => {
  const [plain, storage] = [countedStorage(), countedStorage()]
  await ask(plain, {})
  await ask(storage, { secret })
  const [[name]] = entriesIn(storage) as [[string, Uint8Array]]
  const [[, entry]] = entriesIn(plain) as [[string, Uint8Array]]
  // With the right name in it, as who sees the storage would make it (the seal is no secret).
  const forged = entry.slice()
  forged.set(Buffer.from(name, 'hex'), 8)
  for (const bytes of [entry, forged]) {
    storage.entries.set(name, bytes)
    const { ran, badMacs } = await ask(storage, { secret })
    assert.deepEqual([ran, badMacs], [true, 1])
  }
})

test('Names, codes and keys are not made by the secret itself, and not by one another', async () => {
  const storage = countedStorage()
  const used = new Map<string, number>()
  const digest: Runtime['digest'] = key => {
    if (key !== undefined) used.set(Buffer.from(key).toString('hex'), 0)
    const by = web.digest(key)
    return bytes => {
      if (key !== undefined) used.set(Buffer.from(key).toString('hex'), used.get(Buffer.from(key).toString('hex'))! + 1)
      return by(bytes)
    }
  }
  const { cache } = await bench({ storage, secret }, { digest })
  const derivations = new Map(used)
  for (let i = 0; i < 5; i++) await cache.set(`key ${i}`, i)
  await cache.settled()
  const own = Buffer.from(secret).toString('hex')
  assert.equal(used.get(own), derivations.get(own), 'the secret itself is used to derive, and for nothing else')
  assert.equal([...used].filter(([key, count]) => key !== own && count > (derivations.get(key) ?? 0)).length, 2, 'one for names, one for codes')
})

test('Encrypted, nothing of a value is in the storage; only authenticated, it can be read there', async () => {
  for (const [encrypt, shows] of [[false, true], [true, false]] as const) {
    const storage = countedStorage()
    const { cache } = await bench({ storage, secret, encrypt })
    await cache.set('a key', 'needle '.repeat(20))
    await cache.settled()
    assert.equal(entriesIn(storage).some(([, entry]) => Buffer.from(entry).includes('needle')), shows)
  }
})

test('Keys of encryption are changed one process after the other, and no entry is lost by it; names stay', async () => {
  const storage = countedStorage()
  const stages = [[keyA], [keyA, keyB], [keyB, keyA]].map((keys): CacheOptions => ({ secret, encrypt: { keys } }))
  await ask(storage, stages[0]!)
  for (const stage of [1, 0, 1, 2, 1, 2]) assert.deepEqual(await ask(storage, stages[stage]!), { ran: false, answer: { to: 'a question' }, badMacs: 0, refused: [] })
  const { cache } = await bench({ storage, ...stages[2] })
  await cache.invalidate('all')
  await ask(storage, stages[2]!)
  const names = entriesIn(storage).map(([name]) => name)
  assert.equal(names.length, 1)
  assert.equal((await ask(storage, { secret, encrypt: { keys: [keyB] } })).ran, false, 'what was written since does not need the older key')
  assert.equal((await ask(storage, { secret, encrypt: { keys: [keyA] } })).ran, true)
  assert.equal((await ask(storage, { secret, encrypt: true })).ran, true)
})

test('A secret or a key that is wrong is said without being shown', async () => {
  const wrong: [object, RegExp][] = [
    [{ encrypt: true }, /^encrypt: needs a secret/],
    [{ encrypt: { keys: [keyA] } }, /^encrypt: needs a secret/],
    [{ secret, encrypt: 'yes' }, /^encrypt: is neither true nor an object with keys/],
    [{ secret, encrypt: null }, /^encrypt: is neither/],
    [{ secret, encrypt: {} }, /^encrypt: is neither/],
    [{ secret, encrypt: { keys: [] } }, /^encrypt: is neither/],
    [{ secret, encrypt: { keys: [keyA], key: keyA } }, /^encrypt: is neither/],
    [{ secret, encrypt: { keys: [keyA, 'hunter2'] } }, /^encrypt\.keys\[1\]: has 7 bytes/],
    [{ secret: null }, /^secret: is neither a string nor a Uint8Array/],
    [{ secret: [secret] }, /^secret: is neither a string nor a Uint8Array/],
    [{ secret: 'hunter2' }, /^secret: has 7 bytes/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(bench(options), (error: Error) => error instanceof OptionError && message.test(error.message) && !error.message.includes('hunter2'), String(message))
  }
  await bench({ encrypt: false })
})

test('A page without WebCrypto authenticates by the library; that it cannot encrypt is said when the cache is made', async t => {
  t.mock.getter(globalThis.crypto, 'subtle', () => undefined)
  const storage = countedStorage()
  await ask(storage, { secret }, { digest: web.digest })
  assert.equal((await ask(storage, { secret }, { digest: web.digest })).ran, false)
  await assert.rejects(bench({ secret, encrypt: true }, { digest: web.digest }), /OptionError: encrypt: there is no AES here/)
})

test('Where the platform does not give its crypto, calls go on without storage, and it is said', async () => {
  const storage = countedStorage()
  const { cache, events } = await bench({ storage, secret }, { digest: () => () => Promise.reject(new Error('no crypto today')) })
  assert.equal(await cache.wrap(async () => 1, { name: 'one' })(), 1)
  await cache.settled()
  assert.ok(events.some(event => event.type === 'storage-error' && /no SHA-256/.test(String(event.error))))
  assert.equal(storage.entries.size, 0)
})

test('A storage that is shared by nature wants a scope, and any will do', async () => {
  const storage = { ...memory(), shared: true }
  await assert.rejects(bench({ storage }), (error: Error) => error instanceof OptionError && /^scope: is required where others share the storage\. Give scope: 'tenant', or scope: 'public'/.test(error.message))
  for (const scope of ['public', 'acme']) {
    const { cache } = await bench({ storage, scope })
    await cache.set('whose', scope)
    await cache.settled()
  }
  const { cache } = await bench({ storage, scope: 'public' })
  assert.equal(await cache.get('whose'), 'public', 'it is a scope like any other')
  await bench({ storage: { ...memory(), shared: false } })
})

test('Without a secret a name is the plain digest, as docs/keys.md says', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage })
  await cache.set('a', 1)
  await cache.settled()
  // [1, null, null, null, ["a"]]
  const canonical = Uint8Array.of(0x85, 1, 0xf6, 0xf6, 0xf6, 0x81, 0x61, 0x61)
  assert.deepEqual(entriesIn(storage).map(([name]) => name), [createHash('sha256').update(canonical).digest('hex')])
})
