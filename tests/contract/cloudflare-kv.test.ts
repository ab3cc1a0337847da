// In real workerd, over miniflare's KV: the same limits as Cloudflare's, without its delays. Those nobody can see on one machine.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { cloudflareKv, type KvNamespace } from '../../js/storage/cloudflare-kv.js'
import { cachesInWorkerd, contractInWorkerd, type Namespace, startWorkerd, type Workerd } from './workerd.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

let workerd: Workerd
let kv: Namespace

before(async () => {
  workerd = await startWorkerd(`import { cloudflareKv } from 'reprise/cloudflare-kv'`, `(env, place) => cloudflareKv({ namespace: env.CACHE, prefix: place + ':', cacheTtl: '2m' })`)
  kv = await workerd.namespace()
})
after(() => workerd?.stop())

contractInWorkerd('cloudflareKv', () => workerd)
cachesInWorkerd('cloudflareKv', () => workerd)

/** Seconds that KV keeps what lies under a name; undefined where it says no end. */
async function secondsLeft(name: string): Promise<number | undefined> {
  const { keys } = await kv.list({ prefix: name })
  assert.equal(keys.length, 1, name)
  const { expiration } = keys[0]!
  return expiration === undefined ? undefined : expiration - Math.floor(Date.now() / 1000)
}

const isAbout = (found: number | undefined, expected: number): void => assert.ok(found !== undefined && Math.abs(found - expected) <= 3, `${found} s, not about ${expected}`)

test('KV keeps nothing for less than a minute, so what ends sooner is kept for one; what ends later, until then', async () => {
  await assert.rejects(kv.put('raw', 'x', { expirationTtl: 59 }), /expiration/i, 'this is why')
  const storage = cloudflareKv({ namespace: kv as never, prefix: 'ttl:' })
  await storage.set(key(1), bytes(1), { expiresAt: Date.now() + 10 })
  isAbout(await secondsLeft(`ttl:${key(1)}`), 60)
  await storage.set(key(2), bytes(1), { expiresAt: Date.now() + 61_000 })
  isAbout(await secondsLeft(`ttl:${key(2)}`), 61)
  await storage.set(key(3), bytes(1), { expiresAt: Date.now() + 30 * 86_400_000 })
  isAbout(await secondsLeft(`ttl:${key(3)}`), 30 * 86_400)
})

test('Tokens, and entries without an end, are kept without one', async () => {
  const storage = cloudflareKv({ namespace: kv as never, prefix: 'tokens:' })
  await storage.set(key(1).slice(48), bytes(1), {})
  assert.equal(await secondsLeft('tokens:'), undefined)
  await storage.set(key(2), bytes(1), { expiresAt: Infinity })
  await storage.set(key(3), bytes(1), { expiresAt: 8.64e15 })
  assert.equal(await secondsLeft(`tokens:${key(2)}`), undefined)
  assert.equal(await secondsLeft(`tokens:${key(3)}`), undefined)
})

test('What is over when it is written takes what was there with it', async () => {
  const storage = cloudflareKv({ namespace: kv as never, prefix: 'over:' })
  for (const over of [-Infinity, 0, Date.now()]) {
    await storage.set(key(1), bytes(1), {})
    await storage.set(key(1), bytes(2), { expiresAt: over })
    assert.equal(await storage.get(key(1)), undefined)
  }
})

test('25 MiB are written; a byte more is refused with what to do, before it is sent', async () => {
  const storage = cloudflareKv({ namespace: kv as never, prefix: 'large:' })
  const most = new Uint8Array(25 * 2 ** 20).fill(7)
  await storage.set(key(1), most, {})
  assert.equal((await storage.get(key(1)))!.length, most.length)
  await assert.rejects(storage.set(key(1), new Uint8Array(most.length + 1), {}), /an entry of 26214401 bytes was not written: KV takes at most 26214400 \(25 MiB\)\. Set memory\.maxEntryBytes/)
  await storage.clear!()
})

test('keys() and clear() go through all pages of the prefix, and touch nothing else', async () => {
  const storage = cloudflareKv({ namespace: kv as never, prefix: 'many:' })
  await kv.put('man', 'theirs')
  await kv.put('many', 'theirs')
  for (let i = 0; i < 1100; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => storage.set(key(i + j), bytes(1), {})))
  const listed = new Set<string>()
  for await (const name of storage.keys!()) listed.add(name)
  assert.deepEqual([...listed].sort(), Array.from({ length: 1100 }, (_, i) => key(i)), 'KV lists 1000 at a time')
  await storage.clear!()
  for await (const name of storage.keys!()) assert.fail(name)
  assert.deepEqual([await kv.get('man'), await kv.get('many')], ['theirs', 'theirs'])
})

test('cacheTtl is for entries; tokens are always read as freshly as KV can', async () => {
  const asked: unknown[] = []
  const noted = { get: async (name: string, options: unknown) => (asked.push([name.length, options]), null), put: async () => {}, delete: async () => {}, list: async () => assert.fail() } satisfies KvNamespace
  const storage = cloudflareKv({ namespace: noted, prefix: ':', cacheTtl: '1h' })
  await storage.get(key(1))
  await storage.get(key(1).slice(48))
  await cloudflareKv(noted).get(key(1))
  assert.deepEqual(asked, [[65, { type: 'arrayBuffer', cacheTtl: 3600 }], [17, { type: 'arrayBuffer' }], [72, { type: 'arrayBuffer' }]])
})

test('There is no add(): KV could not say who was first', () => {
  assert.equal(cloudflareKv(kv as never).add, undefined)
})

test('What is no binding is refused at once, and so are options that KV would refuse later', () => {
  for (const wrong of [undefined, null, 5, 'CACHE', {}, { namespace: 'CACHE' }, { get: 1 }]) assert.throws(() => cloudflareKv(wrong as never), /OptionError: cloudflareKv: .* is no binding of a KV namespace\. Give env\.NAME/)
  const namespace = kv as never
  for (const prefix of ['', ' ', 'é', 'x'.repeat(129), 5]) assert.throws(() => cloudflareKv({ namespace, prefix: prefix as never }), /OptionError: cloudflareKv: prefix/)
  for (const cacheTtl of ['59s', 0, 'forever', 'soon']) assert.throws(() => cloudflareKv({ namespace, cacheTtl: cacheTtl as never }), /OptionError: cloudflareKv: cacheTtl/)
  assert.throws(() => cloudflareKv({ namespace, prefx: 'x' } as never), /there is no such option/)
})
