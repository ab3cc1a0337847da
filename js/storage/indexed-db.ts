/**
 * Entries in the browser's IndexedDB: one object store, keys as they come, bytes as they are.
 *
 * The database is opened when it is first needed. One that cannot be opened is tried again at the next operation, and
 * one that another tab wants to upgrade, or that the browser closed, is let go of and opened again when needed.
 */
import { type IDBPDatabase, openDB } from 'idb'
import { OptionError, show } from '../errors.js'
import type { Storage } from './storage.js'

export interface IndexedDbOptions {
  /** Name of the database. Default `'reprise'`. */
  database?: string
}

const store = 'entries'

/** Throws OptionError where `database` is not a name. */
export function indexedDb(options: IndexedDbOptions = {}): Storage {
  const name: unknown = options.database ?? 'reprise'
  if (typeof name !== 'string' || name === '') {
    throw new OptionError('indexedDb: database', `${show(name)} is not a name. Give a string, or leave it out for 'reprise'.`)
  }
  let opening: Promise<IDBPDatabase> | undefined

  function database(): Promise<IDBPDatabase> {
    return (opening ??= open(name as string).catch((error: unknown) => {
      opening = undefined
      throw error
    }))
  }

  function open(name: string): Promise<IDBPDatabase> {
    return openDB(name, 1, {
      upgrade: db => void db.createObjectStore(store),
      blocking: (_current, _blocked, event) => {
        opening = undefined
        ;(event.target as IDBDatabase).close()
      },
      terminated: () => {
        opening = undefined
      },
    })
  }

  return {
    async get(key) {
      const found: unknown = await (await database()).get(store, key)
      return found instanceof Uint8Array ? found : undefined
    },

    async set(key, entry) {
      const transaction = (await database()).transaction(store, 'readwrite', { durability: 'relaxed' })
      await Promise.all([transaction.store.put(entry, key), transaction.done])
    },

    async add(key, entry) {
      const transaction = (await database()).transaction(store, 'readwrite', { durability: 'relaxed' })
      const isFree = (await transaction.store.getKey(key)) === undefined
      await Promise.all([isFree && transaction.store.put(entry, key), transaction.done])
      return isFree
    },

    async delete(key) {
      await (await database()).delete(store, key)
    },

    async *keys() {
      // A transaction would end while its reader is elsewhere: so some at a time, each beginning after the last.
      for (let after: IDBKeyRange | null = null; ; ) {
        const keys: IDBValidKey[] = await (await database()).getAllKeys(store, after, 1000)
        if (keys.length === 0) return
        for (const key of keys) if (typeof key === 'string') yield key
        after = IDBKeyRange.lowerBound(keys.at(-1), true)
      }
    },

    async clear() {
      await (await database()).clear(store)
    },

    async close() {
      const open = await opening?.catch(() => undefined)
      opening = undefined
      open?.close()
    },
  }
}
