/** Who can write to a real storage, and has not the secret: an editor of a real Redis, and of files. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { createClient } from 'redis'
import type { CacheOptions } from '../../js/options.js'
import type { Runtime } from '../../js/runtimes/runtime.js'
import { web } from '../../js/runtimes/web.js'
import { fileSystem } from '../../js/storage/file-system.js'
import { memory } from '../../js/storage/memory.js'
import { nodeAead } from '../../js/storage/node-aead.js'
import { redis } from '../../js/storage/redis.js'
import type { Storage } from '../../js/storage/storage.js'
import { storageContract } from '../../js/testing/storage.js'
import { trustIn } from '../../js/trust.js'
import { OptionError } from '../../js/errors.js'
import { bench } from '../js/harness.js'
import { programs, type RedisServer, startRedis } from './redis-server.js'

/** Somebody who gets at the bytes without us. */
interface Editor {
  readonly storage: Storage
  names(): Promise<string[]>
  read(name: string): Promise<Uint8Array>
  write(name: string, bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

assert.ok(programs.length > 0, 'no server is installed')
let server: RedisServer
before(async () => {
  server = await startRedis({ program: programs[0]! })
})
after(() => server.stop())

let prefixes = 0
const places: Record<string, () => Promise<Editor>> = {
  async Redis() {
    const client = await createClient({ url: server.url }).on('error', () => {}).connect()
    const prefix = `place-${prefixes++}:`
    const raw = client.withTypeMapping({ 36: Buffer })
    return {
      storage: redis({ client, prefix }),
      names: async () => (await client.keys(`${prefix}*`)).map(key => key.slice(prefix.length)),
      read: async name => new Uint8Array((await raw.get(prefix + name)) as unknown as Buffer),
      write: async (name, bytes) => void (await client.set(prefix + name, Buffer.from(bytes))),
      close: async () => client.destroy(),
    }
  },
  async files() {
    const directory = await mkdtemp(join(tmpdir(), 'reprise-trust-'))
    const path = (name: string): string => join(directory, name.slice(0, 2), name.slice(2))
    return {
      storage: fileSystem({ directory }),
      async names() {
        const folders = (await readdir(directory)).filter(folder => /^[0-9a-f]{2}$/.test(folder))
        return (await Promise.all(folders.map(async folder => (await readdir(join(directory, folder))).map(name => folder + name)))).flat()
      },
      read: async name => new Uint8Array(await readFile(path(name))),
      write: (name, bytes) => writeFile(path(name), bytes),
      close: () => rm(directory, { recursive: true }),
    }
  },
}

const secret = 'a secret of 16 bytes or more'
/** As the Node runtime hands it in. */
const atOnce: Partial<Runtime> = { aead: nodeAead, digest: secret => bytes => (secret === undefined ? createHash('sha256') : createHmac('sha256', secret)).update(bytes).digest() }
const modes: [string, CacheOptions, Partial<Runtime>][] = [
  ['authenticated', { secret }, atOnce],
  ['encrypted', { secret, encrypt: true }, atOnce],
  ['authenticated, by WebCrypto', { secret }, { digest: web.digest }],
  ['encrypted, by WebCrypto', { secret, encrypt: true }, { digest: web.digest }],
]

for (const [where, open] of Object.entries(places)) {
  for (const [how, options, runtime] of modes) {
    /** Asks through a cache of its own: which questions did the function have to answer? */
    const ask = async (editor: Editor, ...questions: string[]): Promise<{ ran: string[]; badMacs: number }> => {
      const { cache } = await bench({ storage: editor.storage, scope: 'public', storageDeadline: '10s', ...options }, { ...web, ...runtime })
      const ran: string[] = []
      const answer = cache.wrap(async (question: string) => {
        ran.push(question)
        return `to ${question}: ${'x'.repeat(100)}`
      }, { name: 'answer' })
      for (const question of questions) assert.equal(await answer(question), `to ${question}: ${'x'.repeat(100)}`)
      await cache.settled()
      return { ran, badMacs: cache.stats().badMacs }
    }
    const entriesOf = async (editor: Editor): Promise<string[]> => (await editor.names()).filter(name => name.length === 64)
    const tokensOf = async (editor: Editor): Promise<string[]> => (await editor.names()).filter(name => name.length === 16)

    test(`${where}: an entry that was edited is refused, and the function runs (${how})`, async () => {
      const editor = await open()
      assert.deepEqual(await ask(editor, 'one'), { ran: ['one'], badMacs: 0 })
      assert.deepEqual(await ask(editor, 'one'), { ran: [], badMacs: 0 })
      const [name] = (await entriesOf(editor)) as [string]
      const entry = await editor.read(name)
      for (const at of [0, 4, 80, entry.length >> 1, entry.length - 1]) {
        await editor.write(name, entry.with(at, entry[at]! ^ 0x10))
        assert.deepEqual(await ask(editor, 'one'), { ran: ['one'], badMacs: 1 }, `byte ${at}`)
        assert.deepEqual(await ask(editor, 'one'), { ran: [], badMacs: 0 })
      }
      await editor.close()
    })

    test(`${where}: entries that were swapped are refused, and so are tokens, which invalidates (${how})`, async () => {
      const editor = await open()
      await ask(editor, 'one', 'two')
      const swap = async ([a, b]: string[]): Promise<void> => {
        const [ofA, ofB] = [await editor.read(a!), await editor.read(b!)]
        await editor.write(a!, ofB)
        await editor.write(b!, ofA)
      }
      await swap(await entriesOf(editor))
      assert.deepEqual(await ask(editor, 'one', 'two'), { ran: ['one', 'two'], badMacs: 2 })
      await swap(await tokensOf(editor))
      assert.deepEqual((await ask(editor, 'one', 'two')).ran, ['one', 'two'])
      assert.deepEqual(await ask(editor, 'one', 'two'), { ran: [], badMacs: 0 })
      await editor.close()
    })

    test(`${where}: a token that was forged is refused (${how})`, async () => {
      const editor = await open()
      await ask(editor, 'one')
      for (const place of await tokensOf(editor)) await editor.write(place, Uint8Array.of(0x52, 0x50, 0x52, 0x54, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8))
      const { ran, badMacs } = await ask(editor, 'one')
      assert.deepEqual(ran, ['one'])
      assert.ok(badMacs >= 2)
      assert.deepEqual(await ask(editor, 'one'), { ran: [], badMacs: 0 })
      await editor.close()
    })

    test(`${where}: check() finds what was edited, and forget() leaves nothing of a tenant (${how})`, async () => {
      const editor = await open()
      await ask(editor, 'one', 'two', 'three')
      const [name] = (await entriesOf(editor)) as [string]
      const entry = await editor.read(name)
      await editor.write(name, entry.slice(0, -1))
      const { cache } = await bench({ storage: editor.storage, scope: 'public', storageDeadline: '10s', ...options }, { ...web, ...runtime })
      const { entries, damaged, removed, foreign } = await cache.check()
      assert.deepEqual({ entries, damaged, removed, foreign }, { entries: 3, damaged: 1, removed: 1, foreign: 0 })
      await cache.scope('acme').set('a', 'theirs')
      assert.equal((await entriesOf(editor)).length, 3)
      assert.equal((await cache.forget('acme')).forgotten, 1)
      assert.equal((await entriesOf(editor)).length, 2)
      await editor.close()
    })
  }
}

for (const [how, options, { digest = web.digest, aead }] of modes) {
  storageContract(`in envelopes, ${how}`, async () => {
    const entries = new Map<string, Uint8Array>()
    const { secret, encrypt } = { encrypt: undefined, ...options }
    return {
      open: async () => (await trustIn({ secret, encrypt }, { digest, randomBytes: web.randomBytes, ...(aead && { aead }) }, undefined, OptionError)).around(memory(entries)),
      remove: async () => entries.clear(),
    }
  })
}

test('An entry of 300 bytes with one bit flipped, or cut anywhere, answers no call', async () => {
  for (const [how, options, runtime] of modes.slice(0, 2)) {
    const entries = new Map<string, Uint8Array>()
    const writer = await bench({ storage: memory(entries), ...options }, runtime)
    await writer.cache.set('key', 'x'.repeat(100))
    await writer.cache.settled()
    const [name, entry] = [...entries].find(([name]) => name.length === 64)!
    assert.ok(entry.length >= 230 && entry.length < 400, `${how}: ${entry.length} bytes`)
    const harmed = [
      ...Array.from({ length: 8 * entry.length }, (_, bit) => entry.with(bit >> 3, entry[bit >> 3]! ^ (1 << (bit & 7)))),
      ...Array.from({ length: entry.length }, (_, size) => entry.slice(0, size)),
    ]
    const { cache } = await bench({ storage: memory(entries), ...options }, runtime)
    for (const [i, bytes] of harmed.entries()) {
      entries.set(name, bytes)
      assert.equal(await cache.get('key'), undefined, `${how}, ${i}`)
    }
    assert.equal(cache.stats().badMacs, harmed.length, how)
    entries.set(name, entry)
    assert.equal(await cache.get('key'), 'x'.repeat(100), how)
  }
})
