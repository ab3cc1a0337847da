// The real client, a real redis-server, and between them a stand-in for the service (upstash-server.ts).

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { Redis, type RedisConfigNodejs } from '@upstash/redis'
import { web } from '../../js/runtimes/web.js'
import type { Storage } from '../../js/storage/storage.js'
import { upstash, type UpstashClient } from '../../js/storage/upstash.js'
import { storageContract } from '../../js/testing/storage.js'
import { bench } from '../js/harness.js'
import { startUpstash, type UpstashServer } from './upstash-server.js'
import { cachesInWorkerd, contractInWorkerd, startWorkerd, type Workerd } from './workerd.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

let server: UpstashServer
let workerd: Workerd
before(async () => {
  server = await startUpstash()
  const imports = `
    import { Redis } from '@upstash/redis/cloudflare'
    import { upstash } from 'reprise/upstash'`
  workerd = await startWorkerd(imports, `(env, place) => upstash({ client: new Redis({ url: '${server.url}', token: '${server.token}', enableTelemetry: false }), prefix: 'workerd-' + place + ':' })`)
})
after(async () => {
  await workerd?.stop()
  await server?.stop()
})

type Config = Partial<RedisConfigNodejs>
const clientWith = (config: Config = {}): Redis => new Redis({ url: server.url, token: server.token, enableTelemetry: false, ...config })

let places = 0
const ways: Record<string, Config> = {
  'as it is': {},
  'without automatic pipelines': { enableAutoPipelining: false },
  'without automatic deserialization': { automaticDeserialization: false },
  'without base64 of its own': { responseEncoding: false },
}
for (const [name, config] of Object.entries(ways)) {
  storageContract(`upstash, a client ${name}`, async () => {
    const prefix = `place-${places++}[*]:`
    return { open: () => upstash({ client: clientWith(config), prefix }), remove: () => upstash({ client: clientWith(), prefix }).clear!() }
  })
}

contractInWorkerd('upstash in workerd', () => workerd)
cachesInWorkerd('upstash in workerd', () => workerd)

test('In workerd, twenty requests that ask at once are all answered, each with what it asked for', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => workerd.get(`/ask?cache=at-once&n=${100 + (i % 4)}`)))
  const values = all.map(text => (JSON.parse(text) as { value: { n: number }; failed: unknown[] }))
  assert.deepEqual(values.map(({ value, failed }) => [value.n, failed.length]), Array.from({ length: 20 }, (_, i) => [100 + (i % 4), 0]))
})

test('Bytes whose base64 looks like a number, a word of JSON or a text in quotes come back as they were', async () => {
  const texts = ['1234', '0000', '1e10', '1234567890123456', 'true', 'null', 'true', '9999999999999999', '0x12', 'OKOK', 'bbbb', '']
  for (const client of [clientWith(), clientWith({ automaticDeserialization: false }), clientWith({ responseEncoding: false })]) {
    const storage = upstash({ client, prefix: 'looks:' })
    for (const text of texts) {
      const entry = new Uint8Array(Buffer.from(text, 'base64'))
      assert.ok(entry.length === (text.length / 4) * 3, text)
      await storage.set(key(1), entry, {})
      assert.deepEqual(await storage.get(key(1)), entry, text)
    }
  }
})

test('Every byte, and every length around a group of three, comes back', async () => {
  const storage = upstash(clientWith())
  const all = Uint8Array.from({ length: 256 * 3 }, (_, i) => i)
  for (let length = 0; length < 9; length++) {
    await storage.set(key(1), all.subarray(250, 250 + length), {})
    assert.deepEqual(await storage.get(key(1)), all.slice(250, 250 + length))
  }
  await storage.set(key(1), all, {})
  assert.deepEqual(await storage.get(key(1)), all)
  await storage.clear!()
})

test('What is read in one tick is read by one MGET, also where the reads begin some microtasks apart', async () => {
  const storage = upstash({ client: clientWith(), prefix: 'batch:' })
  await Promise.all([1, 2, 3].map(n => storage.set(key(n), bytes(n), {})))
  server.requests.length = 0
  const later = async (n: number): Promise<Uint8Array | undefined> => {
    for (let i = 0; i < 5; i++) await null
    return storage.get(key(n))
  }
  assert.deepEqual(await Promise.all([storage.get(key(1)), later(2), storage.get(key(3)), storage.get(key(4))]), [bytes(1), bytes(2), bytes(3), undefined])
  assert.equal(server.requests.length, 1)
  assert.match(server.requests[0]!, /^\/(pipeline)? MGET$/)
  server.requests.length = 0
  await Promise.all(Array.from({ length: 130 }, (_, n) => storage.get(key(n))))
  assert.equal(server.requests.join().match(/MGET/g)!.length, 3, '64 keys at a time')
})

test('Entries end by the server\'s clock; tokens do not; what is over takes what was there with it', async () => {
  const storage = upstash({ client: clientWith(), prefix: 'ttl:' })
  const left = async (name: string): Promise<number> => Number(await server.redis.command('PTTL', `ttl:${name}`))
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() + 60_000.5 })
  const ms = await left(key(1))
  assert.ok(ms > 50_000 && ms <= 60_001, `${ms}`)
  await storage.set(key(2).slice(48), bytes(1), {})
  await storage.add!(key(3).slice(48), bytes(1))
  for (const forever of [Infinity, 8.64e15]) await storage.set(key(4), bytes(1), { expiresAt: forever })
  for (const name of [key(2).slice(48), key(3).slice(48), key(4)]) assert.equal(await left(name), -1)
  for (const over of [-Infinity, 0, Date.now()]) {
    await storage.set(key(5), bytes(1), {})
    await storage.set(key(5), bytes(2), { expiresAt: over })
    assert.equal(await left(key(5)), -2)
  }
})

test('keys() and clear() see what is under the prefix, and nothing else', async () => {
  const ours = upstash({ client: clientWith(), prefix: '1*2' })
  await server.redis.command('MSET', '1x2theirs', '1', '1*', '1')
  const names = Array.from({ length: 2100 }, (_, n) => (n % 2 === 0 ? key(n) : key(n).slice(48)))
  await Promise.all(names.map(name => ours.set(name, bytes(1), {})))
  const listed = new Set<string>()
  for await (const name of ours.keys!()) listed.add(name)
  assert.deepEqual([...listed].sort(), [...names].sort())
  await ours.clear!()
  for await (const name of ours.keys!()) assert.fail(name)
  assert.equal(await server.redis.command('EXISTS', '1x2theirs', '1*'), 2)
})

test('Keys that look like numbers are listed as they are', async () => {
  const storage = upstash({ client: clientWith(), prefix: '12' })
  await storage.set('34', bytes(1), {})
  for await (const name of storage.keys!()) assert.equal(name, '34')
  await storage.clear!()
})

test('What somebody else wrote under a key is an error, which says what to do; what is no string is not there', async () => {
  const storage = upstash({ client: clientWith(), prefix: 'theirs:' })
  for (const value of ['text', '{"a":1}', '17', 'b*', '']) {
    await server.redis.command('SET', `theirs:${key(1)}`, value)
    await assert.rejects(storage.get(key(1)), /was not written by this storage\. Give this cache a prefix of its own/, value)
  }
  await server.redis.command('RPUSH', `theirs:${key(2)}`, 'x')
  assert.equal(await storage.get(key(2)), undefined)
  await storage.set(key(2), bytes(2), {})
  assert.deepEqual(await storage.get(key(2)), bytes(2))
})

test('A failure has the server\'s words, and nothing of the entry', async () => {
  const secret = bytes(...Buffer.from('what nobody is to read in a log'))
  const shown = Buffer.from(secret).toString('base64').slice(0, 12)
  for (const config of [{}, { enableAutoPipelining: false }]) {
    const stranger = upstash(new Redis({ url: server.url, token: 'another', enableTelemetry: false, ...config }))
    for (const operation of [() => stranger.set(key(1), secret, {}), () => stranger.add!(key(1), secret), () => stranger.get(key(1)), () => stranger.delete(key(1)), () => stranger.clear!()]) {
      await assert.rejects(operation(), (error: Error) => /^upstash: (SET|MGET|UNLINK|SCAN) failed: .*WRONGPASS/.test(error.message) && !error.message.includes(shown) && error.cause === undefined)
    }
    await server.redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const storage = upstash(clientWith(config))
    await assert.rejects(storage.set(key(1), secret, {}), (error: Error) => /^upstash: SET failed: .*OOM/.test(error.message) && !error.message.includes(shown))
    await server.redis.command('CONFIG', 'SET', 'maxmemory', '0')
  }
})

test('A reply that is no answer to what was asked is an error, never a value', async () => {
  const answering = (reply: unknown): Storage => upstash({ mget: async () => reply, set: async () => reply, unlink: async () => reply, scan: async () => reply } as UpstashClient)
  for (const reply of ['text', 5, [], {}, [5], [{}]]) {
    await assert.rejects(answering(reply).get('a'), /upstash: /)
    await assert.rejects(answering(reply).set('a', bytes(1), {}), /SET was answered with/)
    await assert.rejects(answering(reply).add!('a', bytes(1)), /SET was answered with/)
  }
  const both = await Promise.allSettled(['a', 'b'].map(answering(['bAA==']).get))
  assert.ok(both.every(({ status }) => status === 'rejected'), 'one value for two keys')
  await assert.rejects(answering('text').clear!(), /SCAN was answered with/)
})

test('What one cache computed, another finds, until the tag is invalidated', async () => {
  let runs = 0
  const open = async () => {
    // The clock of the caches is the real one: the server's is.
    const { cache, events } = await bench({ scope: 'test', storage: upstash({ client: clientWith(), prefix: 'cache:' }), ttl: '1h', storageDeadline: 'forever', invalidationLag: 0 }, { ...web })
    return { cache, events, ask: cache.wrap(async (n: number) => ({ n, run: ++runs }), { name: 'ask', tags: n => [`tag-${n}`] }) }
  }
  const [a, b] = [await open(), await open()]
  assert.deepEqual([await a.ask(1), await a.ask(2)], [{ n: 1, run: 1 }, { n: 2, run: 2 }])
  await a.cache.settled()
  assert.deepEqual([await b.ask(1), await b.ask(2)], [{ n: 1, run: 1 }, { n: 2, run: 2 }])
  await a.cache.invalidate({ tag: 'tag-1' })
  assert.deepEqual([await b.ask(1), await b.ask(2)], [{ n: 1, run: 3 }, { n: 2, run: 2 }])
  await b.cache.settled()
  assert.deepEqual(await a.ask(1), { n: 1, run: 3 })
  for (const { events } of [a, b]) assert.deepEqual(events.filter(({ type }) => type === 'storage-error'), [])
  await a.cache.close()
  await b.cache.close()
})

test('What is no client is refused at once', () => {
  for (const wrong of [undefined, null, 5, 'https://x', {}, { client: {} }]) assert.throws(() => upstash(wrong as never), /OptionError: upstash: .* is no client of the package @upstash\/redis\. Give one: new Redis\(\{ url, token \}\)/)
  assert.throws(() => upstash({ client: clientWith(), prefix: '' }), /OptionError: upstash: prefix/)
})
