/** Envelopes: what was not sealed under the key, for the place where it lies, does not come out. */
import assert from 'node:assert/strict'
import { createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import test from 'node:test'
import { web } from '../../js/runtimes/web.js'
import { type Aead, authenticated, encrypted, envelope, isEnveloped, type Keyed, type Mac, type Refusal, type Sealer, webAead } from '../../js/storage/envelope.js'
import { memory } from '../../js/storage/memory.js'
import { nodeAead } from '../../js/storage/node-aead.js'

const name = 'a1'.repeat(32)
const place = '0123456789abcdef'
const nodeMac = (key: Uint8Array): Mac => bytes => createHmac('sha256', key).update(bytes).digest()
const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count))
const key = new Uint8Array(32).fill(7)
const id = Uint8Array.of(1, 2, 3, 4)
const otherId = Uint8Array.of(9, 9, 9, 9)

/** The same by crypto that answers at once, as Node's does, and by WebCrypto, which everything else has. */
const macs: Record<string, Mac> = { 'at once': nodeMac(key), 'by WebCrypto': web.digest(key) }
const aeads: Record<string, Aead> = { 'at once': nodeAead(key), 'by WebCrypto': webAead(key) }
const keyed = <T>(by: T, its = id): Keyed<T> => ({ id: its, by })
const authenticating = (mac: Mac, its = id): Sealer => authenticated(keyed(mac, its))
const encrypting = (...aeads: Keyed<Aead>[]): Sealer => encrypted(aeads, random, keyed(macs['at once']!))
const sealers: [string, Sealer][] = [
  ...Object.entries(macs).map(([how, mac]): [string, Sealer] => [`authenticated ${how}`, authenticating(mac)]),
  ...Object.entries(aeads).map(([how, aead]): [string, Sealer] => [`encrypted ${how}`, encrypting(keyed(aead))]),
]

/** Fails where it comes out; says why it does not. */
async function refusal(sealer: Sealer, key: string, sealed: Uint8Array, what?: string): Promise<Refusal> {
  const opened = await sealer.open(key, sealed)
  assert.equal(typeof opened, 'string', what ?? 'it came out')
  return opened as Refusal
}

for (const [how, sealer] of sealers) {
  test(`What went in comes out, byte for byte and as a Uint8Array (${how})`, async () => {
    for (const size of [0, 1, 16, 300, 100_000]) {
      const bytes = random(size)
      const sealed = await sealer.seal(name, bytes)
      assert.equal(Object.getPrototypeOf(sealed), Uint8Array.prototype)
      assert.ok(sealed.length - size <= 44, 'an envelope is small')
      assert.ok(isEnveloped(sealed) && !isEnveloped(bytes))
      // As a view of a larger buffer, and as the Buffer that some storages give.
      for (const given of [sealed, Uint8Array.of(1, ...sealed, 2).subarray(1, sealed.length + 1), Buffer.from(sealed)]) {
        const opened = await sealer.open(name, given)
        assert.ok(opened instanceof Uint8Array && Object.getPrototypeOf(opened) === Uint8Array.prototype)
        assert.deepEqual(opened, bytes)
      }
    }
  })

  test(`Of 300 bytes, every bit counts, and so does every byte that is missing or too many (${how})`, async () => {
    const sealed = await sealer.seal(name, random(300))
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const flipped = sealed.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      await refusal(sealer, name, flipped, `bit ${bit} was flipped`)
    }
    for (let size = 0; size < sealed.length; size++) {
      await refusal(sealer, name, sealed.slice(0, size), `${size} bytes were left`)
      await refusal(sealer, name, sealed.slice(sealed.length - size), `${size} bytes were left, the last ones`)
    }
    await refusal(sealer, name, Uint8Array.of(...sealed, 0))
    await refusal(sealer, name, Uint8Array.of(0, ...sealed))
  })

  test(`What was sealed for one place does not come out in another, be it a token's (${how})`, async () => {
    const sealed = await sealer.seal(name, random(16))
    for (const other of ['b1'.repeat(32), name.slice(0, 63), `${name}0`, '']) assert.equal(await refusal(sealer, other, sealed), 'damaged')
    await refusal(sealer, place, sealed)
    const token = await sealer.seal(place, random(16))
    assert.equal(await refusal(sealer, name.slice(0, 16), token), 'damaged')
    await refusal(sealer, name, token)
  })

  test(`What has no envelope does not come out, whatever it is (${how})`, async () => {
    for (const size of [0, 1, 11, 12, 40, 44, 300]) assert.equal(await refusal(sealer, name, random(size)), 'plain')
  })
}

test('Node and WebCrypto make envelopes that the other opens', async () => {
  const bytes = random(300)
  const pairs = [[authenticating(macs['at once']!), authenticating(macs['by WebCrypto']!)], [encrypting(keyed(aeads['at once']!)), encrypting(keyed(aeads['by WebCrypto']!))]]
  for (const [one, other] of pairs) {
    assert.deepEqual(await other!.open(name, await one!.seal(name, bytes)), bytes)
    assert.deepEqual(await one!.open(name, await other!.seal(name, bytes)), bytes)
  }
})

test('The bytes of an envelope are those that docs/entry-format.md tells', async () => {
  const bytes = random(300)
  const sealed = Buffer.from(await authenticating(macs['at once']!).seal(name, bytes))
  const head = Buffer.from([0x52, 0x50, 0x52, 0x41, 1, 1, 0, 0, 1, 2, 3, 4])
  const code = createHmac('sha256', key).update(bytes).update(head).update(name, 'ascii').update(Buffer.from([64])).digest()
  assert.deepEqual(sealed, Buffer.concat([bytes, head, code]))

  const hidden = Buffer.from(await encrypting(keyed(aeads['at once']!)).seal(name, bytes))
  const hiddenHead = Buffer.from([0x52, 0x50, 0x52, 0x41, 1, 2, 0, 0, 1, 2, 3, 4])
  assert.deepEqual(hidden.subarray(0, 12), hiddenHead)
  const decipher = createDecipheriv('aes-256-gcm', key, hidden.subarray(12, 24)).setAAD(Buffer.concat([hiddenHead, Buffer.from(name, 'ascii')])).setAuthTag(hidden.subarray(-16))
  assert.deepEqual(Buffer.concat([decipher.update(hidden.subarray(24, -16)), decipher.final()]), Buffer.from(bytes))
  assert.equal(hidden.length, 12 + 12 + 300 + 16)
})

test('No two writes share a nonce, and nothing of what was encrypted shows', async () => {
  const sealer = encrypting(keyed(nodeAead(key)))
  const bytes = new Uint8Array(300).fill(65)
  const nonces = new Set<string>()
  for (let i = 0; i < 1000; i++) {
    const sealed = Buffer.from(await sealer.seal(name, bytes))
    nonces.add(sealed.toString('hex', 12, 24))
    assert.ok(!sealed.includes('AAAA'))
  }
  assert.equal(nonces.size, 1000)
})

test('Whose envelope it is can be told: of another key, of this one but not right, or none', async () => {
  const mac = authenticating(nodeMac(key))
  const otherMac = authenticating(nodeMac(new Uint8Array(32)), otherId)
  const aead = encrypting(keyed(nodeAead(key)))
  const otherAead = encrypted([keyed(nodeAead(new Uint8Array(32)), otherId)], random, keyed(nodeMac(new Uint8Array(32)), otherId))
  const bytes = random(300)
  const told = async (by: Sealer, of: Sealer): Promise<Refusal> => refusal(by, name, await of.seal(name, bytes))
  assert.deepEqual([await told(mac, otherMac), await told(mac, otherAead), await told(mac, aead)], ['foreign', 'foreign', 'foreign'])
  assert.deepEqual([await told(aead, otherMac), await told(aead, otherAead)], ['foreign', 'foreign'])
  assert.equal(await told(aead, mac), 'damaged', 'what is to be encrypted now and was not is not used')
  // The same four bytes by chance: then the code says it.
  assert.equal(await told(mac, authenticating(nodeMac(new Uint8Array(32)))), 'damaged')
  assert.equal(await told(aead, encrypting(keyed(nodeAead(new Uint8Array(32))))), 'damaged')
})

test('The first key seals, all open: so keys can be changed while processes with either are running', async () => {
  const [older, newer] = [keyed(nodeAead(key)), keyed(nodeAead(new Uint8Array(32).fill(1)), otherId)]
  const stages = [encrypting(older), encrypting(older, newer), encrypting(newer, older), encrypting(newer)]
  for (const [i, stage] of stages.entries()) {
    for (const beside of stages.slice(Math.max(0, i - 1), i + 2)) assert.deepEqual(await beside.open(name, await stage.seal(name, Uint8Array.of(i))), Uint8Array.of(i), `at stage ${i}`)
  }
  assert.equal(await refusal(stages[3]!, name, await stages[0]!.seal(name, random(9))), 'foreign')
})

test('Tokens are authenticated, not encrypted: they stay when keys of encryption go', async () => {
  const token = random(16)
  const [before, after] = [encrypting(keyed(nodeAead(key))), encrypting(keyed(nodeAead(new Uint8Array(32)), otherId))]
  assert.deepEqual(await after.open(place, await before.seal(place, token)), token)
  assert.deepEqual(await authenticating(nodeMac(key)).open(place, await before.seal(place, token)), token)
})

test('A storage in envelopes does what it did, with itself as `this`, and holds nothing that is not sealed', async () => {
  class Own {
    #entries = new Map<string, Uint8Array>()
    readonly shared = true
    async get(key: string) { return this.#entries.get(key) }
    async set(key: string, entry: Uint8Array) { this.#entries.set(key, entry) }
    async delete(key: string) { this.#entries.delete(key) }
    async *keys() { yield* this.#entries.keys() }
    held() { return [...this.#entries.values()] }
  }
  const told: string[] = []
  const own = new Own()
  const storage = envelope(own, authenticating(nodeMac(key)), key => told.push(key))
  assert.equal(storage.add, undefined, 'what it cannot do is not made up')
  assert.equal(storage.shared, true)
  await storage.set(name, Uint8Array.of(1, 2), {})
  assert.deepEqual(await storage.get(name), Uint8Array.of(1, 2))
  assert.equal(own.held()[0]!.length, 2 + 44)
  for await (const key of storage.keys!()) assert.equal(key, name)
  await storage.delete(name)
  assert.equal(await storage.get(name), undefined)
  assert.deepEqual(told, [], 'what is not there was not refused')
  await own.set(name, random(300))
  assert.equal(await storage.get(name), undefined)
  assert.deepEqual(told, [name])
  let why: Refusal | undefined
  assert.equal(await storage.get(name, refused => (why = refused)), undefined)
  assert.deepEqual([why, told], ['plain', [name]], 'who asks to be told is told instead')
  const frozen = envelope(Object.freeze(memory()), authenticating(nodeMac(key)), () => {})
  assert.equal(await frozen.add!(place, Uint8Array.of(1)), true)
  assert.equal(await frozen.add!(place, Uint8Array.of(2)), false)
  assert.deepEqual(await frozen.get(place), Uint8Array.of(1))
})
