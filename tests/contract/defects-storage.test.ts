/** Defects of others' storages that ours must not have; the numbers are those of the list that they were collected in. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileSystem } from '../../js/storage/file-system.js'
import { memory } from '../../js/storage/memory.js'
import type { Storage } from '../../js/storage/storage.js'
import { bench } from '../js/harness.js'

/** The storage, opened anew for each cache, so that nothing is answered by memory. */
const places: [string, () => Promise<{ open(): Storage; remove(): Promise<void> }>][] = [
  ['memory', async () => {
    const entries = new Map<string, Uint8Array>()
    return { open: () => memory(entries), remove: async () => {} }
  }],
  ['files', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprise-defects-'))
    return { open: () => fileSystem({ directory }), remove: () => rm(directory, { recursive: true, maxRetries: 10 }) }
  }],
]

for (const [name, makePlace] of places) {
  test(`D4: ${name}: what follows a question mark, and a slash or a colon, are parts of a key`, async () => {
    await eachApart(makePlace, ['http://x/?q=1', 'http://x/?q=2', 'http://x/', 'http:/x/', 'http::x:', 'a/b', 'a:b', 'a\\b', 'a?b', 'a', 'a#b', 'a%3Ab'])
  })

  test(`D14: ${name}: a key may begin as another one ends, be long, or be empty`, async () => {
    await eachApart(makePlace, ['a', 'a:b', 'a:b:c', 'a/b', 'a/b/c', 'x/y', 'x:y', '', ':', '/', 'k'.repeat(300), `${'k'.repeat(300)}:`, 'k'.repeat(100_000), 'A', 'Con', 'con'])
  })

  test(`D16: ${name}: the time that a value has is obeyed after it comes back out of storage`, async () => {
    const place = await makePlace()
    const first = await bench({ storage: place.open() })
    await first.cache.set('short', 1, { ttl: '1m' })
    await first.cache.set('long', 2, { ttl: '1h' })
    await first.cache.close()
    for (const [minutes, short, long] of [[0.5, 1, 2], [2, undefined, 2], [61, undefined, undefined]] as const) {
      const { cache, clock } = await bench({ storage: place.open() })
      clock.now += minutes * 60_000
      assert.deepEqual([await cache.get('short'), await cache.get('long')], [short, long], `after ${minutes} minutes`)
      await cache.close()
    }
    await place.remove()
  })
}

async function eachApart(makePlace: (typeof places)[0][1], keys: readonly string[]): Promise<void> {
  const place = await makePlace()
  const first = await bench({ storage: place.open() })
  for (const key of keys) await first.cache.set(key, `of ${key}`)
  await first.cache.close()
  const second = await bench({ storage: place.open() })
  for (const key of keys) assert.equal(await second.cache.get(key), `of ${key}`)
  assert.equal(await second.cache.get('never set'), undefined)
  // Forgetting one forgets no other.
  await second.cache.delete(keys[0]!)
  await second.cache.close()
  const third = await bench({ storage: place.open() })
  for (const key of keys) assert.equal(await third.cache.get(key), key === keys[0] ? undefined : `of ${key}`)
  assert.equal(third.cache.stats().storageErrors, 0)
  await third.cache.close()
  await place.remove()
}
