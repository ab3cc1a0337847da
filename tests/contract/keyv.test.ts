import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import KeyvRedis, { createKeyv } from '@keyv/redis'
import Keyv from 'keyv'
import { web } from '../../js/runtimes/web.js'
import { keyv } from '../../js/storage/keyv.js'
import { storageContract } from '../../js/testing/storage.js'
import { bench, keysOf } from '../js/harness.js'
import { type RedisServer, startRedis } from './redis-server.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

let server: RedisServer
before(async () => (server = await startRedis()))
after(() => server.stop())

// ---- the contract, over every way to give a store -----------------------------------------------------

/** Values as other programs could have them: encoded by the user's own functions, and compressed. */
const unusual = {
  serialize: (data: object) => `mine:${JSON.stringify(data)}`,
  deserialize: (text: string) => JSON.parse(text.slice(5)) as object,
  compression: {
    compress: async (value: string) => gzipSync(JSON.stringify(value)).toString('latin1'),
    decompress: async (value: string) => JSON.parse(gunzipSync(Buffer.from(value, 'latin1')).toString()) as string,
  },
}

const ways: Record<string, (map: Map<string, unknown>) => Parameters<typeof keyv>[0]> = {
  'a Map': map => map,
  'a Keyv over a Map': map => new Keyv({ store: map }),
  'a Keyv that serializes and compresses in its own way': map => new Keyv({ store: map, namespace: 'other', ...unusual } as never),
  'a Keyv that does not serialize': map => new Keyv({ store: map, serialize: undefined, deserialize: undefined } as never),
}

for (const [name, give] of Object.entries(ways)) {
  storageContract(`Keyv, ${name}`, async () => {
    const map = new Map<string, unknown>()
    return { open: () => keyv(give(map)), remove: async () => map.clear() }
  }, { test })
}

const redisWays: Record<string, (url: string) => { given: Parameters<typeof keyv>[0]; client: { disconnect(): Promise<unknown> } }> = {
  'its store': url => one(new KeyvRedis(url)),
  'its store, with a prefix': url => {
    const store = new KeyvRedis(url)
    return { given: { store, prefix: 'a*b:' }, client: store }
  },
  'its store in a namespace': url => one(new KeyvRedis(url, { namespace: 'ours' })),
  'a Keyv': url => one(new Keyv(new KeyvRedis(url))),
  'a Keyv whose namespace is our prefix': url => one(new Keyv(new KeyvRedis(url), { namespace: 'reprise' })),
  'createKeyv()': url => one(createKeyv(url, { namespace: 'made' })),
}
const one = <Client extends KeyvRedis<unknown> | Keyv>(client: Client): { given: Client; client: Client } => ({ given: client, client })

for (const [name, give] of Object.entries(redisWays)) {
  storageContract(`@keyv/redis, ${name}`, async () => {
    const clients: { disconnect(): Promise<unknown> }[] = []
    return {
      open() {
        const { given, client } = give(server.url)
        clients.push(client)
        return keyv(given)
      },
      async remove() {
        await server.command('FLUSHALL')
        for (const client of clients) await client.disconnect()
      },
    }
  }, { test })
}

// ---- what lies in the store ---------------------------------------------------------------------------

test('What lies in a store is what Keyv writes: another Keyv reads it, and goes through it, without harm', async () => {
  const map = new Map<string, unknown>()
  const others = new Keyv({ store: map })
  await others.set('theirs', 1)
  const storage = keyv(new Keyv({ store: map }))
  await storage.set(key(1), bytes(1, 2), { expiresAt: Date.now() + 60_000 })
  const { value, expires } = JSON.parse(map.get(`keyv:reprise:${key(1)}`) as string) as { value: string; expires: number }
  assert.equal(value, 'AQI=')
  assert.ok(Math.abs(expires - Date.now() - 60_000) < 5_000)
  assert.equal(await others.get(`reprise:${key(1)}`), 'AQI=')
  const seen: unknown[] = []
  for await (const [name] of others.iterator!(undefined)) seen.push(name)
  assert.deepEqual(seen, ['theirs', `reprise:${key(1)}`])
})

test('The store is told when an entry is over, in milliseconds, and what is over already is not written', async () => {
  const client = new KeyvRedis(server.url)
  const storage = keyv(client)
  const left = async (n: number): Promise<number> => Number(await server.command('PTTL', `reprise:${key(n)}`))
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() + 60_000.5 })
  assert.ok((await left(1)) > 59_000 && (await left(1)) <= 60_001)
  for (const never of [undefined, Infinity, 8.64e15, NaN]) {
    await storage.set(key(1), bytes(1), never === undefined ? {} : { expiresAt: never })
    assert.equal(await left(1), -1, `${never}`)
  }
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() - 1 })
  assert.equal(await left(1), -2, 'the older one is gone, too')
  await client.disconnect()
})

test('A store that never forgets is rid of what is over when that is asked for', async () => {
  const map = new Map<string, unknown>([[`reprise:${key(1)}`, JSON.stringify({ value: 'AQ==', expires: Date.now() - 1 })]])
  assert.equal(await keyv(map).get(key(1)), undefined)
  assert.equal(map.size, 0)
})

test('clear() and keys() see what is under the prefix, and nothing else', async () => {
  const map = new Map<string, unknown>([['keyv:theirs', '{}'], ['reprise:theirs', '{}'], ['other', 'not even JSON']])
  const ours = keyv(new Keyv({ store: map }))
  await Promise.all(Array.from({ length: 600 }, (_, i) => ours.set(key(i), bytes(1), {})))
  assert.equal((await keysOf(ours)).length, 600)
  await ours.clear!()
  assert.deepEqual([...map.keys()], ['keyv:theirs', 'reprise:theirs', 'other'])
})

test('A store that counts its way through a table loses no key to somebody who deletes what was listed', async () => {
  // As the stores in SQL do it: two at a time, from where it had counted to.
  const map = new Map<string, unknown>()
  const table = {
    get: (key: string) => map.get(key),
    set: (key: string, value: unknown) => void map.set(key, value),
    delete: (key: string) => map.delete(key),
    clear: () => map.clear(),
    async *iterator() {
      for (let offset = 0; offset < map.size; offset += 2) for (const entry of [...map].slice(offset, offset + 2)) yield entry
    },
  }
  const storage = keyv(table)
  for (let i = 0; i < 10; i++) await storage.set(key(i), bytes(i), {})
  for await (const name of storage.keys!()) await storage.delete(name)
  assert.equal(map.size, 0)
})

test('A store that cannot be iterated over has neither keys() nor clear()', () => {
  const { get, set, delete: remove, clear } = Map.prototype
  const { keys, clear: cleared } = keyv({ get, set, delete: remove, clear })
  assert.deepEqual([keys, cleared], [undefined, undefined])
})

// ---- failing is throwing --------------------------------------------------------------------------------

test('What a store of Redis hushes up is thrown: a command that is refused, and a server that is gone', async () => {
  const doomed = await startRedis()
  // Otherwise it keeps commands for as long as it takes: the guard in front of a storage waits no longer than its deadline.
  const client = new KeyvRedis({ url: doomed.url, socket: { reconnectStrategy: false } })
  const storage = keyv(new Keyv(client))
  await storage.set(key(1), bytes(1), {})
  await doomed.command('CONFIG', 'SET', 'maxmemory', '1')
  await assert.rejects(storage.set(key(2), bytes(2), {}), /OOM/)
  assert.deepEqual(await storage.get(key(1)), bytes(1))
  await doomed.command('CONFIG', 'SET', 'maxmemory', '0')
  await doomed.command('DEL', `keyv::keyv:reprise:${key(1)}`)
  await doomed.command('LPUSH', `keyv::keyv:reprise:${key(1)}`, 'x')
  await assert.rejects(storage.get(key(1)), /WRONGTYPE/)
  await doomed.stop()
  for (const attempt of [() => storage.get(key(1)), () => storage.delete(key(1)), () => storage.set(key(1), bytes(1), {})]) await assert.rejects(attempt())
})

test('What a store throws is thrown, though a Keyv over it would swallow it; so is a set that it answers with false', async () => {
  const failing = (): never => {
    throw new Error('no such table')
  }
  const storage = keyv(new Keyv({ store: { get: failing, set: failing, delete: failing, clear: failing } }))
  for (const attempt of [storage.get(key(1)), storage.set(key(1), bytes(1), {}), storage.delete(key(1))]) await assert.rejects(attempt, /no such table/)
  const refusing = keyv({ get: () => undefined, set: () => false, delete: () => false, clear() {} })
  await assert.rejects(refusing.set(key(1), bytes(1), {}), /did not take/)
  await refusing.delete(key(1))
})

test('What was not written by us is an error that says where it lies, never an answer', async () => {
  for (const foreign of ['{"value":5}', '{}', '5', 'no JSON', { value: [] }]) {
    const map = new Map<string, unknown>([[`reprise:${key(1)}`, foreign]])
    await assert.rejects(keyv(map).get(key(1)), (error: Error) => error.message.includes(key(1)))
  }
})

test('An entry that was changed in the store is refused, and the function runs', async () => {
  const map = new Map<string, unknown>()
  const make = () => bench({ storage: keyv(map) }, web)
  const ask = async (): Promise<number> => {
    const { cache } = await make()
    const value = await cache.wrap(async (x: number) => ++runs + x, { name: 'ask', ttl: 'forever' })(0)
    await cache.close()
    return value
  }
  let runs = 0
  assert.deepEqual([await ask(), await ask()], [1, 1])
  for (const [name, text] of map) if (name.length > 70) map.set(name, (text as string).replace(/(.{8})"/, 'AAAAAAAA"'))
  assert.equal(await ask(), 2)
})

// ---- what is given ----------------------------------------------------------------------------------------

test('What is neither a Keyv nor a store is refused at once', () => {
  for (const wrong of [undefined, null, 5, 'redis://x', {}, { store: {} }, { store: undefined }, []]) assert.throws(() => keyv(wrong as never), /OptionError: keyv: .* is neither a Keyv nor a store/, `${wrong}`)
  for (const prefix of ['', 5]) assert.throws(() => keyv({ store: new Map(), prefix } as never), /OptionError: keyv: prefix/)
  assert.deepEqual([keyv(new Map()).shared, keyv(new Keyv()).shared, keyv(new Keyv({ store: { get: () => undefined, set: () => true, delete: () => true, clear() {} } })).shared], [false, false, true], 'who shares a store has to say with whom')
  assert.throws(() => keyv({ store: new Map(), prefixx: 'a' } as never), /OptionError: keyv: prefixx: there is no such option\. Known ones: store, prefix\./)
})
