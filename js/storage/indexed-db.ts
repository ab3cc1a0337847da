/**
 * Entries in the browser's IndexedDB: one object store, keys as they come, bytes as ArrayBuffers.
 *
 * What is asked for in one tick is asked for in one transaction, one for reads and one for writes: a transaction costs more than what is done
 * in it. It begins with the first request and takes others for as long as the browser lets it, at the most until its first
 * answer. A read has its answer with its own request; a write is done when its transaction is complete: a full disk shows only then.
 *
 * What fails in company is tried once more, alone, so that one that cannot be done does not take others along. If there was no room,
 * entries are removed before that; for any other reason the database is opened anew, as it may have been closed under us.
 *
 * A database that cannot be opened is left alone for a moment, in which everything fails with the same error: how often to come back is for
 * the breaker to say. Where there is no IndexedDB at all, that is said once, and from then on this is a storage that keeps nothing.
 */
import { type IDBPDatabase, openDB, unwrap } from 'idb'
import { OptionError, show, StorageError } from '../errors.js'
import type { Storage } from './storage.js'

export interface IndexedDbOptions {
  /** Name of the database. Default `'reprise'`. */
  database?: string
}

/** Undefined where there is no IndexedDB. */
type Connection = Promise<IDBPDatabase | undefined>
type Transaction = ReturnType<typeof begin>
type Mode = 'readonly' | 'readwrite'
/** Begins its first request before it returns. */
type Work<T> = (entries: Transaction['store']) => Promise<T>

const store = 'entries'
/** Less than the shortest pause of the breaker, so that each of its visits is a new try. */
const restMs = 400
/** Throws OptionError where `database` is not a name. */
export function indexedDb(options: IndexedDbOptions = {}): Storage {
  const name: unknown = options.database ?? 'reprise'
  if (typeof name !== 'string' || name === '') {
    throw new OptionError('indexedDb: database', `${show(name)} is not a name. Give a string, or leave it out for 'reprise'.`)
  }
  /** One that has failed stays until it is time to try again. */
  let connection: Connection | undefined
  let retryAt = Infinity
  /** Of there being no IndexedDB. */
  const complaints: StorageError[] = []
  let shared: { [mode in Mode]?: Transaction } = {}
  /** How many bytes found no room, and what is being done about it. */
  let neededBytes = 0
  let removal: Promise<void> | 0 = 0

  function connect(): Connection {
    const leaveOwn = (): void => void leave(own)
    // Opening may throw, too.
    const own: Connection = Promise.resolve()
      .then(() => openDB(name as string, 1, { upgrade: db => void db.createObjectStore(store), blocking: leaveOwn, terminated: leaveOwn }))
      .catch((cause: Error) => {
        const none = /^(Security|Reference)/.test(cause.name)
        const error = new StorageError(`indexedDb: ${none ? 'there is none here, so entries live in memory only' : `${show(name)} cannot be opened. If this lasts, close other tabs of this site, or clear its data`} (${cause}).`, { cause })
        if (none) return void complaints.push(error)
        retryAt = performance.now() + restMs
        throw error
      })
    retryAt = Infinity
    return own
  }

  /** Whoever needs it again makes another. What it is doing is done. */
  function leave(own: Connection): Promise<void> {
    if (connection === own) {
      connection = undefined
      shared = {}
    }
    return own.then(db => db?.close(), () => {})
  }

  /** Undefined where there is no IndexedDB, else what the work found. */
  async function run<T>(mode: Mode, work: Work<T>, bytes = 0, again = false): Promise<T | undefined> {
    if (performance.now() >= retryAt) connection = undefined
    const own = (connection ??= connect())
    const db = await own
    if (db === undefined) {
      const error = complaints.pop()
      if (error !== undefined) throw error
      return undefined
    }
    let transaction = again ? undefined : shared[mode]
    const ask = (): Promise<T> => work(transaction!.store)
    try {
      let found: Promise<T>
      try {
        found = ask()
      } catch {
        // There is none, or it takes no more.
        transaction = begin(db, mode)
        if (!again) shared[mode] = transaction
        found = ask()
      }
      return (await Promise.all([found, mode === 'readwrite' && transaction!.done]))[0]
    } catch (error) {
      // That of a request may only say that another one failed.
      const cause = transaction?.error ?? (error as DOMException)
      if (again) throw cause
      if (cause.name === 'QuotaExceededError') {
        neededBytes += bytes
        await (removal ||= import('./indexed-db/room.js')
          .then(({ makeRoom }) => makeRoom(begin(db, mode), neededBytes))
          .catch(() => {})
          .finally(() => { removal = neededBytes = 0 }))
      } else void leave(own)
      return run(mode, work, bytes, true)
    } finally {
      if (shared[mode] === transaction) delete shared[mode]
    }
  }

  return {
    async get(key) {
      return bytesOf(await run('readonly', entries => entries.get(key)))
    },

    async set(key, entry) {
      await run('readwrite', entries => entries.put(bufferOf(entry), key), entry.length)
    },

    async add(key, entry) {
      const place: Work<boolean> = entries => {
        const adding = entries.add(bufferOf(entry), key)
        const request = unwrap(adding)
        const isTaken = (): boolean => request.error?.name === 'ConstraintError'
        request.addEventListener('error', event => {
          // Else it would abort what others want to write.
          if (isTaken()) {
            event.preventDefault()
            event.stopPropagation()
          }
        })
        return adding.then(() => true, error => {
          if (isTaken()) return false
          throw error
        })
      }
      return (await run('readwrite', place, entry.length)) ?? true
    },

    async delete(key) {
      await run('readwrite', entries => entries.delete(key))
    },

    async *keys() {
      // A transaction would end while its reader is elsewhere: so some at a time, each beginning after the last.
      for (let after: IDBKeyRange | null = null; ; ) {
        const keys: IDBValidKey[] | undefined = await run('readonly', entries => entries.getAllKeys(after, 1000))
        if (!keys?.length) return
        for (const key of keys) if (typeof key === 'string') yield key
        after = IDBKeyRange.lowerBound(keys.at(-1), true)
      }
    },

    async clear() {
      await run('readwrite', entries => entries.clear())
    },

    async close() {
      if (connection !== undefined) await leave(connection)
    },
  }
}

/** Some of those who wait for its requests do not wait for its end. */
function begin(db: IDBPDatabase, mode: Mode) {
  const transaction = db.transaction(store, mode as 'readwrite', { durability: 'relaxed' })
  transaction.done.catch(() => {})
  return transaction
}

/** A view would be stored with all that it is a view of. */
function bufferOf(entry: Uint8Array): ArrayBufferLike {
  return entry.length === entry.buffer.byteLength ? entry.buffer : entry.slice().buffer
}

function bytesOf(found: unknown): Uint8Array | undefined {
  return found instanceof ArrayBuffer ? new Uint8Array(found) : undefined
}
