/**
 * What every storage must do, whatever it is made of. An adapter's test calls this with a way to make an empty storage,
 * and to open the same one a second time, as another process would.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Storage } from '../../js/storage/storage.js'

export interface Place {
  open(): Storage
  remove(): Promise<void>
}

export function storageContract(name: string, makePlace: () => Promise<Place>): void {
  const key = (n: number): string => n.toString(16).padStart(64, '0')
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

  const check = (what: string, body: (storage: Storage, place: Place) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      const place = await makePlace()
      const storage = place.open()
      try {
        await body(storage, place)
      } finally {
        await storage.close?.()
        await place.remove()
      }
    })
  }

  check('what was never set is undefined', async storage => {
    assert.equal(await storage.get(key(1)), undefined)
  })

  check('what was set comes back byte for byte, as a Uint8Array', async storage => {
    for (const content of [bytes(), bytes(0), bytes(0, 255, 10, 13), new Uint8Array(1_000_000).map((_, i) => i * 7)]) {
      await storage.set(key(1), content, {})
      const found = await storage.get(key(1))
      assert.equal(Object.getPrototypeOf(found), Uint8Array.prototype)
      assert.deepEqual(found, content)
    }
  })

  check('a second set replaces the first', async storage => {
    await storage.set(key(1), bytes(1, 2, 3), {})
    await storage.set(key(1), bytes(4), { expiresAt: Date.now() + 1e6 })
    assert.deepEqual(await storage.get(key(1)), bytes(4))
  })

  check('keys do not meet, long ones or short ones', async storage => {
    const keys = [key(1), key(2), key(1).slice(0, 16), `${key(1)}${key(2)}`]
    for (const [i, name] of keys.entries()) await storage.set(name, bytes(i), {})
    for (const [i, name] of keys.entries()) assert.deepEqual(await storage.get(name), bytes(i), name)
  })

  check('the bytes belong to their caller: changing them changes nothing that is stored', async storage => {
    const content = bytes(1, 2, 3)
    await storage.set(key(1), content, {})
    content[0] = 9
    const found = (await storage.get(key(1)))!
    found[1] = 9
    assert.deepEqual(await storage.get(key(1)), bytes(1, 2, 3))
  })

  check('a view into a larger buffer is stored as the view', async storage => {
    await storage.set(key(1), bytes(1, 2, 3, 4).subarray(1, 3), {})
    assert.deepEqual(await storage.get(key(1)), bytes(2, 3))
  })

  check('what was deleted is gone, and deleting nothing is no error', async storage => {
    await storage.set(key(1), bytes(1), {})
    await storage.set(key(2), bytes(2), {})
    await storage.delete(key(1))
    await storage.delete(key(1))
    assert.equal(await storage.get(key(1)), undefined)
    assert.deepEqual(await storage.get(key(2)), bytes(2))
  })

  check('another process that opens it finds what was set', async (storage, place) => {
    await storage.set(key(1), bytes(1), {})
    const other = place.open()
    assert.deepEqual(await other.get(key(1)), bytes(1))
    await other.close?.()
  })

  check('many operations at once all take effect, and a reader never sees half of a write', async (storage, place) => {
    const other = place.open()
    const full = (value: number): Uint8Array => new Uint8Array(20_000).fill(value)
    await storage.set(key(0), full(0), {})
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await storage.set(key(0), full(i), {})
        const found = (await other.get(key(0)))!
        assert.equal(found.length, 20_000)
        assert.ok(found.every(byte => byte === found[0]))
        await storage.set(key(i + 1), bytes(i), {})
      }),
    )
    for (let i = 0; i < 40; i++) assert.deepEqual(await storage.get(key(i + 1)), bytes(i))
    await other.close?.()
  })

  check('keys, where there are any, are those of what is there, each once', async (storage, place) => {
    if (storage.keys === undefined) return
    const listed = async (): Promise<string[]> => {
      const keys: string[] = []
      for await (const key of place.open().keys!()) keys.push(key)
      return keys.sort()
    }
    assert.deepEqual(await listed(), [])
    const keys = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? key(i) : key(i).slice(48)))
    for (const name of keys) await storage.set(name, bytes(1), {})
    await storage.delete(keys.pop()!)
    await storage.set(keys[0]!, bytes(2), {})
    assert.deepEqual(await listed(), keys.sort())
  })

  check('clear, where there is one, forgets everything', async storage => {
    await storage.set(key(1), bytes(1), {})
    await storage.clear?.()
    if (storage.clear !== undefined) assert.equal(await storage.get(key(1)), undefined)
    await storage.set(key(1), bytes(2), {})
    assert.deepEqual(await storage.get(key(1)), bytes(2))
  })
}
