/**
 * Keyv, both ways. `keyv(…)` makes a storage of whatever Keyv has a store for (Postgres, MySQL, SQLite, Mongo, etcd …), and `keyvStore(cache)` a store
 * for Keyv of a cache.
 *
 * A store of Keyv keeps text. So an entry goes in as base64, in the envelope that Keyv itself writes, `{"value":…,"expires":…}`, or by the serialization
 * and compression of the Keyv that was given: whoever goes through the same table by Keyv finds texts there, and nothing that it cannot read.
 *
 * Keyv swallows errors of its store, and some stores swallow those of their client and tell of them by an event 'error' alone; both then answer as if
 * nothing was there. A storage may not: a deletion that was lost is owed. So the store is asked directly, and an operation during which it told of an
 * error has failed. Whose error it was nobody knows; a miss too many is the cheaper mistake.
 */
import { OptionError, show } from '../errors.js'
import { checkNames } from '../units.js'
import { fromBase64, toBase64 } from './base64.js'
import type { Storage } from './storage.js'

export { keyvStore, KeyvStore } from './keyv-store.js'

/** A store of Keyv: of a package `@keyv/…`, or a Map. */
export interface KeyvStoreLike {
  get(key: string): unknown
  set(key: string, value: unknown, ttlMs?: number): unknown
  delete(key: string): unknown
  clear(): unknown
}

/** `new Keyv(…)` of the package keyv, 5 or later. */
export interface KeyvLike {
  readonly store: unknown
  readonly namespace: string | undefined
  readonly useKeyPrefix: boolean
  serializeData(data: { value?: string; expires?: number | undefined }): unknown
  deserializeData(data: string): unknown
}

export interface KeyvOptions {
  /** A store, or a Keyv; whoever made it disconnects it. */
  store: KeyvStoreLike | KeyvLike
  /** Every key begins with it, after the namespace of a Keyv. Default `reprise:`. */
  prefix?: string
}

/** What lies under a key, as Keyv has it. `expires` in milliseconds since 1970. */
interface Envelope {
  value?: unknown
  expires?: number | undefined
}

/** How many keys clear() deletes at once. */
const mostAtOnce = 256

/**
 * Takes a Keyv, a store or a Map. Nothing is sent before the first operation. `keys()` and `clear()` are there where the store can be iterated over.
 * Throws OptionError where it is none of these.
 */
export function keyv(given: KeyvLike | KeyvStoreLike | KeyvOptions): Storage {
  const { store, prefix, namespace, pack, unpack, entries } = parse(given)
  const heard = errorsOf(store)

  /** What an operation answers, unless the store told of an error meanwhile. */
  const asked = async (work: () => unknown): Promise<unknown> => {
    const { count } = heard
    const answer = await work()
    if (heard.count !== count) throw new Error(`keyv: the store told of an error meanwhile: ${messageOf(heard.last)}`, { cause: heard.last })
    return answer
  }

  const forget = (key: string): Promise<unknown> => asked(() => store.delete(prefix + key))

  /** All of them, before any is used: most stores go through a table by counting rows, and who deletes meanwhile would make them skip some. */
  const list = async (): Promise<string[]> => {
    const found = new Set<string>()
    await asked(async () => {
      for await (const [key] of entries!(namespace)) if (typeof key === 'string' && key.startsWith(prefix)) found.add(key.slice(prefix.length))
    })
    return [...found]
  }

  const storage: Storage = {
    // A Map is this process's own; of all else nobody can tell who writes to it.
    shared: !(store instanceof Map),

    async get(key) {
      const packed = await asked(() => store.get(prefix + key))
      if (packed === undefined || packed === null) return undefined
      const { value, expires } = await readable(unpack, packed, key)
      if (typeof value !== 'string') throw new Error(`keyv: under ${prefix + key} there is ${show(value)}, where a text was set. Give this cache a prefix or namespace of its own.`)
      if (typeof expires !== 'number' || expires > Date.now()) return fromBase64(value)
      // Many stores never look at what is over; Keyv deletes it so, too.
      await forget(key)
      return undefined
    },

    async set(key, entry, { expiresAt }) {
      const lifeMs = expiresAt === undefined ? Infinity : Math.ceil(expiresAt - Date.now())
      // What is over replaces what was there as well: nothing is left of either.
      if (lifeMs <= 0) return void (await forget(key))
      // What no date can say is never over.
      const ttlMs = lifeMs < 1e15 ? lifeMs : undefined
      const packed = await pack({ value: toBase64(entry), expires: ttlMs && Date.now() + ttlMs })
      if ((await asked(() => store.set(prefix + key, packed, ttlMs))) === false) throw new Error(`keyv: the store did not take ${prefix + key}.`)
    },

    async delete(key) {
      await forget(key)
    },
  }
  if (entries === undefined) return storage
  return {
    ...storage,
    async *keys() {
      yield* await list()
    },
    async clear() {
      const keys = await list()
      for (let i = 0; i < keys.length; i += mostAtOnce) await Promise.all(keys.slice(i, i + mostAtOnce).map(forget))
    },
  }
}

async function readable(unpack: (packed: unknown) => unknown, packed: unknown, key: string): Promise<Envelope> {
  try {
    return (await unpack(packed)) as Envelope
  } catch (error) {
    throw new Error(`keyv: what lies under ${key} cannot be read: ${messageOf(error)} Was it written with other options serialize, deserialize or compression?`, { cause: error })
  }
}

function errorsOf(store: object): { count: number; last: unknown } {
  const heard = { count: 0, last: undefined as unknown }
  if (has(store, 'on')) {
    store.on('error', (error: unknown) => {
      heard.count++
      heard.last = error
    })
  }
  return heard
}

// ---- what is given ------------------------------------------------------------------------------

interface Place {
  readonly store: KeyvStoreLike
  /** Before every key. */
  readonly prefix: string
  readonly namespace: string | undefined
  pack(data: { value: string; expires: number | undefined }): unknown
  unpack(packed: unknown): unknown
  /** Everything in the store, or in a namespace of it: [key, what is there]. */
  readonly entries: ((namespace: string | undefined) => AsyncIterable<unknown[]> | Iterable<unknown[]>) | undefined
}

function parse(given: unknown): Place {
  const options: { store?: unknown; prefix?: unknown } = isKeyv(given) || isStore(given) ? { store: given } : ((given ?? {}) as object)
  const { prefix = 'reprise:' } = options
  if (typeof prefix !== 'string' || prefix === '') throw new OptionError('keyv: prefix', `${show(prefix)} is not a text of one character or more. Leave it out for 'reprise:'.`)
  const keyv = isKeyv(options.store) ? options.store : undefined
  const store = keyv === undefined ? options.store : keyv.store
  if (!isStore(store)) {
    throw new OptionError('keyv', `${show(options.store ?? given)} is neither a Keyv nor a store. Give new Keyv(…) of the package keyv (5 or later), a store such as new KeyvPostgres(…), a Map, or { store, prefix }.`)
  }
  if (options === given) checkNames('keyv', options, ['store', 'prefix'])
  const entries = entriesOf(store)
  if (keyv === undefined) {
    const { namespace } = store as { namespace?: string }
    return { store, prefix, namespace, pack: data => JSON.stringify(data), unpack: packed => (typeof packed === 'string' ? JSON.parse(packed) : packed), entries }
  }
  const { namespace } = keyv
  return {
    store,
    prefix: keyv.useKeyPrefix && namespace ? `${namespace}:${prefix}` : prefix,
    namespace,
    pack: data => keyv.serializeData(data),
    unpack: packed => (typeof packed === 'string' ? keyv.deserializeData(packed) : packed),
    entries,
  }
}

function entriesOf(store: KeyvStoreLike): Place['entries'] {
  if (store instanceof Map) return () => (store as Map<unknown, unknown>).entries()
  if (has(store, 'iterator')) return namespace => store.iterator(namespace) as AsyncIterable<unknown[]>
  return undefined
}

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, (...args: unknown[]) => unknown> {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function'
}

function isKeyv(value: unknown): value is KeyvLike {
  return has(value, 'serializeData') && has(value, 'deserializeData')
}

function isStore(value: unknown): value is KeyvStoreLike {
  return has(value, 'get') && has(value, 'set') && has(value, 'delete') && has(value, 'clear')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
