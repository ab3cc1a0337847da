import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { createStorage, prefixStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'
import lruCacheDriver from 'unstorage/drivers/lru-cache'
import memoryDriver from 'unstorage/drivers/memory'
import redisDriver from 'unstorage/drivers/redis'
import { web } from '../../js/runtimes/web.js'
import { memory } from '../../js/storage/memory.js'
import { repriseDriver, unstorage } from '../../js/storage/unstorage.js'
import { storageContract } from '../../js/testing/storage.js'
import { bench, keysOf } from '../js/harness.js'
import { type RedisServer, startRedis } from './redis-server.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

let server: RedisServer
before(async () => (server = await startRedis()))
after(() => server.stop())

// ---- the contract, over drivers, by themselves and in a storage ------------------------------------------

type Given = Parameters<typeof unstorage>[0]
type Driver = NonNullable<NonNullable<Parameters<typeof createStorage>[0]>['driver']>

const ways: Record<string, (driver: Driver) => Given> = {
  'by itself': driver => driver,
  'in a storage': driver => createStorage({ driver }),
  'mounted in a storage': driver => ({ storage: createStorage().mount('here', driver), base: 'here:entries' }),
  'in a part of a storage': driver => prefixStorage(createStorage({ driver }), 'part'),
  'as base64': driver => ({ storage: driver, encoding: 'base64' }),
}

for (const [way, give] of Object.entries(ways)) {
  for (const [name, make] of Object.entries({ memory: () => memoryDriver(), 'lru-cache': () => lruCacheDriver({ maxSize: 50_000_000 }) })) {
    storageContract(`unstorage, ${name}, ${way}`, async () => {
      const driver = make()
      return { open: () => unstorage(give(driver)), remove: async () => driver.dispose?.() }
    }, { test })
  }

  storageContract(`unstorage, redis, ${way}`, async () => {
    const drivers: Driver[] = []
    return {
      open() {
        const driver = redisDriver({ url: server.url, base: 'app' })
        drivers.push(driver)
        return unstorage(give(driver))
      },
      async remove() {
        await server.command('FLUSHALL')
        for (const driver of drivers) await driver.dispose?.()
      },
    }
  }, { test })

  storageContract(`unstorage, fs, ${way}`, async () => {
    const base = await mkdtemp(join(tmpdir(), 'reprise-unstorage-'))
    return { open: () => unstorage(give(fsDriver({ base }))), remove: () => rm(base, { recursive: true, maxRetries: 10 }) }
  }, {
    // This driver writes in place, so that readers do see half of a write; docs/storage.md says so. What becomes of such halves is tested below.
    test: (name, body) => (name.includes('never sees half of a write') ? undefined : test(name, body)),
  })
}

// ---- what drivers do with bytes ------------------------------------------------------------------------------

test('A file that is written by half is refused, and the function runs', async () => {
  const base = await mkdtemp(join(tmpdir(), 'reprise-unstorage-'))
  let runs = 0
  const ask = async (): Promise<number> => {
    const { cache } = await bench({ storage: unstorage(fsDriver({ base })) }, web)
    const value = await cache.wrap(async () => ++runs, { name: 'ask', ttl: 'forever' })()
    await cache.close()
    return value
  }
  assert.deepEqual([await ask(), await ask()], [1, 1])
  const entries = (await readdir(join(base, 'reprise'))).filter(name => name.length === 64)
  assert.equal(entries.length, 1)
  await truncate(join(base, 'reprise', entries[0]!), 20)
  assert.deepEqual([await ask(), await ask()], [2, 2])
  await rm(base, { recursive: true, maxRetries: 10 })
})

test('Bytes that a driver wrote as text come back, also from one that reads all as bytes', async () => {
  const map = new Map<string, unknown>()
  // As those of Vercel Blob: there is no setItemRaw.
  const driver: Driver = {
    hasItem: name => map.has(name),
    getItem: name => (map.get(name) as string | undefined) ?? null,
    getItemRaw: name => (map.has(name) ? new TextEncoder().encode(map.get(name) as string).buffer : null),
    setItem: (name, text) => void map.set(name, text),
    removeItem: name => void map.delete(name),
    getKeys: () => [...map.keys()],
  }
  for (const given of [driver, createStorage({ driver })]) {
    await unstorage(given).set(key(1), bytes(0, 255, 1), {})
    assert.deepEqual(await unstorage(given).get(key(1)), bytes(0, 255, 1))
    assert.equal(map.get(`reprise:${key(1)}`), 'base64:AP8B')
  }
})

test('A driver that makes something else of bytes is found out, and told what to do: base64 is safe with it', async () => {
  const map = new Map<string, string>()
  const driver: Driver = {
    hasItem: name => map.has(name),
    getItem: name => map.get(name) ?? null,
    getItemRaw: name => map.get(name) ?? null,
    setItem: (name, text) => void map.set(name, text),
    setItemRaw: (name, value: unknown) => void map.set(name, String(value)),
    removeItem: name => void map.delete(name),
    getKeys: () => [...map.keys()],
  }
  await unstorage(driver).set(key(1), bytes(1, 2), {})
  await assert.rejects(unstorage(driver).get(key(1)), /encoding: 'base64'/)
  const safe = unstorage({ storage: driver, encoding: 'base64' })
  await safe.set(key(1), bytes(1, 2), {})
  assert.deepEqual(await safe.get(key(1)), bytes(1, 2))
})

test('Redis is told when an entry is over, in whole seconds; what is over already is not written', async () => {
  const driver = redisDriver({ url: server.url })
  const storage = unstorage(driver)
  const left = async (n: number): Promise<number> => Number(await server.command('PTTL', `reprise:${key(n)}`))
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() + 59_500 })
  assert.ok((await left(1)) > 59_500 && (await left(1)) <= 60_000)
  for (const never of [Infinity, 8.64e15, NaN]) {
    await storage.set(key(1), bytes(1), { expiresAt: never })
    assert.equal(await left(1), -1, `${never}`)
  }
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() - 1 })
  assert.equal(await left(1), -2, 'the older one is gone, too')
  await driver.dispose?.()
})

test('clear() and keys() see what is under the base, and nothing else', async () => {
  const base = await mkdtemp(join(tmpdir(), 'reprise-unstorage-'))
  for (const driver of [memoryDriver(), fsDriver({ base })]) {
    const all = createStorage({ driver })
    await Promise.all([all.setItem('theirs', 1), all.setItem('reprised:x', 1), all.setItem('x:reprise:y', 1)])
    for (const ours of [unstorage(all), unstorage(driver)]) {
      await Promise.all(Array.from({ length: 300 }, (_, i) => ours.set(key(i), bytes(1), {})))
      assert.equal((await keysOf(ours)).length, 300)
      await ours.clear!()
      assert.deepEqual((await all.getKeys()).sort(), ['reprised:x', 'theirs', 'x:reprise:y'])
    }
  }
  await rm(base, { recursive: true, maxRetries: 10 })
})

test('What is no driver and no storage, and what cannot be written to, is refused at once', () => {
  for (const wrong of [undefined, null, 5, {}, { storage: {} }, new Map()]) assert.throws(() => unstorage(wrong as never), /OptionError: unstorage: .* is neither a driver nor a storage/, `${wrong}`)
  const readOnly: Driver = { name: 'read-only', hasItem: () => false, getItem: () => null, getKeys: () => [] }
  for (const given of [readOnly, createStorage({ driver: readOnly })]) assert.throws(() => unstorage(given), /'?"?read-only"?'? cannot be written to/)
  for (const base of ['', ':', 'a/b', '..', 5]) assert.throws(() => unstorage({ storage: memoryDriver(), base } as never), /OptionError: unstorage: base/)
  assert.throws(() => unstorage({ storage: memoryDriver(), encoding: 'hex' } as never), /OptionError: unstorage: encoding/)
  assert.deepEqual([unstorage(memoryDriver()).shared, unstorage(createStorage()).shared, unstorage({ ...memoryDriver(), name: 's3' } as never).shared], [false, false, true], 'who shares a driver has to say with whom')
  assert.throws(() => unstorage({ storage: memoryDriver(), bas: 'x' } as never), /OptionError: unstorage: bas: there is no such option\. Known ones: storage, base, encoding\./)
})

// ---- a cache as a driver -----------------------------------------------------------------------------------------

const backends = { 'memory only': () => undefined, 'a storage': () => memory() }

for (const [name, make] of Object.entries(backends)) {
  test(`A cache with ${name} is a driver: items, raw values, keys, bases`, async () => {
    const { cache } = await bench({ storage: make() ?? false })
    const items = createStorage({ driver: repriseDriver(cache) })
    await Promise.all([items.setItem('a:text', 'one'), items.setItem('a:object', { two: [2] }), items.setItem('b*:number', 3), items.setItem('b:number', 4)])
    const raw = { at: new Date(5), bytes: bytes(1, 2) }
    await items.setItemRaw('raw', raw)
    assert.deepEqual(await Promise.all(['a:text', 'a:object', 'b*:number', 'nothing'].map(key => items.getItem(key))), ['one', { two: [2] }, 3, null])
    assert.deepEqual(await items.getItemRaw('raw'), raw)
    assert.deepEqual(await Promise.all([items.hasItem('a:text'), items.hasItem('a')]), [true, false])
    assert.deepEqual((await items.getKeys()).sort(), ['a:object', 'a:text', 'b*:number', 'b:number', 'raw'])
    assert.deepEqual((await items.getKeys('a')).sort(), ['a:object', 'a:text'])
    await items.removeItem('a:text')
    assert.equal(await items.getItem('a:text'), null)
    const other = createStorage().mount('there', repriseDriver(cache))
    await other.clear('there:b*')
    assert.deepEqual((await items.getKeys()).sort(), ['a:object', 'b*:number', 'b:number', 'raw'], 'unstorage clears no driver that is mounted above a base')
    await repriseDriver(cache).clear('b*:')
    assert.deepEqual((await items.getKeys()).sort(), ['a:object', 'b:number', 'raw'])
    await cache.set('mine', 1)
    await items.clear()
    assert.deepEqual([await items.getKeys(), await cache.get('mine')], [[], 1])
    await items.dispose()
  })
}

test('Items are over after their ttl, in seconds as unstorage has it: their own, else that of the driver, else never', async () => {
  const { cache, time } = await bench({ ttl: '1s' })
  const items = createStorage({ driver: repriseDriver(cache) })
  const brief = createStorage({ driver: repriseDriver(cache.scope('brief'), { ttl: 2 }) })
  await Promise.all([items.setItem('stays', 1), items.setItem('own', 2, { ttl: 1 }), brief.setItem('driver', 3), brief.setItem('own', 4, { ttl: 5 })])
  await time.advance(1000)
  assert.deepEqual((await items.getKeys()).sort(), ['stays'])
  await time.advance(1000)
  assert.deepEqual(await brief.getKeys(), ['own'])
  await time.advance('365d')
  assert.deepEqual([await items.getKeys(), await brief.getKeys()], [['stays'], []])
  for (const ttl of [0, -1, NaN, '5s']) assert.throws(() => repriseDriver(cache, { ttl } as never), /OptionError: repriseDriver: ttl/)
})

test('A driver that may be late says so, and invalidations are looked for as they are over the same store without it', () => {
  for (const [name, late] of [['cloudflare-kv-binding', 120_000], ['cloudflare-kv-http', 120_000], ['netlify-blobs', 120_000], ['fs', undefined], ['redis', undefined]] as const) {
    assert.equal(unstorage({ ...memoryDriver(), name }).lateMs, late, name)
  }
})

test('Of a driver that lists a part of its keys nobody takes that for all of them', async () => {
  for (const name of ['s3', 'cloudflare-r2-binding', 'vercel-runtime-cache']) {
    const storage = unstorage({ ...memoryDriver(), name })
    assert.deepEqual([storage.keys, storage.clear], [undefined, undefined])
    const { cache } = await bench({ storage, scope: 'acme' })
    await assert.rejects(cache.forget({ all: true }), { name: 'OptionError' })
  }
})

test('Keys that a driver lists with what stood behind its own base are the same keys', async () => {
  const driver = memoryDriver()
  const storage = unstorage({ ...driver, getKeys: async (base, options) => [...((await driver.getKeys(base, options)) as string[])].map(key => `:${key}`) })
  await storage.set('0123', new Uint8Array([1]), {})
  assert.deepEqual(await keysOf(storage), ['0123'])
  await storage.clear!()
  assert.equal(await storage.get('0123'), undefined)
})
