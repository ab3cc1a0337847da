/**
 * Texts of 2 KB in files: ours, and what others offer for that. All get texts and return texts, under the same keys, one call after the other.
 *
 * What ours does beside: it writes each file as a whole or not at all. Of the others only cacache does that; bentocache's driver and node-persist write
 * into the file that readers read.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileDriver } from 'bentocache/drivers/file'
import cacache from 'cacache'
import nodePersist from 'node-persist'
import { fileSystem } from '../../js/storage/file-system.js'
import type { Contestant, Row } from './harness.js'
import { Replies } from './replies.js'

const textBytes = 2_000
const version = (name: string): string => versions[name]!

/** What is compared: a text under a key, and back. */
interface Store {
  readonly name: string
  readonly version: string
  set(key: string, text: string): Promise<unknown>
  get(key: string): Promise<string | undefined>
}

/** The rows, and how to remove what they leave. */
export async function fileRows(): Promise<{ rows: Row[]; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'reprise-bench-'))
  const replies = new Replies(3)
  const text = JSON.stringify(replies.next(textBytes))
  const all = await stores(directory)
  const rows = [setRow('storage/file-set', 'set() of a text of 2 KB under a new key', all, text, () => fresh()), setRow('storage/file-replace', 'the same where the key is there', all, text, n => keyOf(-(n % 64))), await getRow(all, text)]
  return { rows: rows as Row[], remove: () => rm(directory, { recursive: true, force: true }) }
}

async function stores(directory: string): Promise<Store[]> {
  const ours = fileSystem({ directory: join(directory, 'reprise') })
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const driver = fileDriver({ directory: join(directory, 'bentocache') })
  const bento = driver.factory({ directory: join(directory, 'bentocache'), pruneInterval: false, prefix: 'bench' })
  const persist = nodePersist.create()
  await persist.init({ dir: join(directory, 'node-persist') })
  const packed = join(directory, 'cacache')
  return [
    {
      name: 'reprise, fileSystem()',
      version: version('reprise'),
      set: (key, text) => ours.set(key, encoder.encode(text), {}),
      get: async key => {
        const found = await ours.get(key)
        return found && decoder.decode(found)
      },
    },
    { name: "bentocache's file driver", version: version('bentocache'), set: (key, text) => bento.set(key, text), get: key => bento.get(key) },
    { name: 'cacache', version: version('cacache'), set: (key, text) => cacache.put(packed, key, text), get: async key => (await cacache.get(packed, key)).data.toString() },
    { name: 'node-persist', version: version('node-persist'), set: (key, text) => persist.setItem(key, text), get: key => persist.getItem(key) },
  ]
}

const keyOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex')

/** Keys are made before they are needed, as callers have theirs. */
const pool = Array.from({ length: 200_000 }, (_, n) => keyOf(n))
let used = 0
const fresh = (): string => pool[used++ % pool.length]!

function setRow(id: string, what: string, all: readonly Store[], text: string, keyFor: (n: number) => string): Row<string> {
  let n = 0
  const keys = Array.from({ length: 64 }, (_, i) => keyFor(i))
  const next = id.endsWith('replace') ? (): string => keys[n++ % keys.length]! : fresh
  return {
    id,
    what,
    input: text,
    awaited: true,
    contestants: all.map(({ name, version, set }) => ({ name, version, fn: text => set(next(), text) })),
    async verify({ name }) {
      const { set, get } = all.find(one => one.name === name)!
      const key = keyFor(0)
      await set(key, text)
      return (await get(key)) === text ? [] : ['does not return what was set']
    },
  }
}

async function getRow(all: readonly Store[], text: string): Promise<Row<readonly string[]>> {
  const keys = Array.from({ length: 1_000 }, (_, i) => keyOf(1e9 + i))
  for (const { set } of all) for (const key of keys) await set(key, text)
  let n = 0
  return {
    id: 'storage/file-get',
    what: 'get() of a text of 2 KB, of 1,000 that are there',
    input: keys,
    awaited: true,
    contestants: all.map(({ name, version, get }): Contestant<readonly string[]> => ({ name, version, fn: keys => get(keys[n++ % keys.length]!) })),
    async verify({ fn }) {
      return (await fn(keys)) === text ? [] : ['does not return what was set']
    },
  }
}
