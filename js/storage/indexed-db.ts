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
import { type IDBPDatabase, openDB } from 'idb'
import { OptionError, show, StorageError } from '../errors.js'
import { isA } from '../is-a.js'
import { checkNames } from '../units.js'
import type { Storage } from './storage.js'
import { tabs } from './tabs.js'

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

/** Throws OptionError where `database` is not a name, or anything else is given. */
export function indexedDb(options: IndexedDbOptions = {}): Storage {
  checkNames('indexedDb', options, ['database'])
  const name: unknown = options.database ?? 'reprise'
  if (typeof name !== 'string' || name === '') {
    throw new OptionError('indexedDb: database', `${show(name)} is not a name. Give a string, or leave it out for 'reprise'.`)
  }
  /** One that has failed stays for a moment. */
  let connection: Connection | undefined
  /** Of there being no IndexedDB. */
  let complaint: StorageError | undefined
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = []
  let trying = false
  const shared: { [mode in Mode]?: Transaction | undefined } = {}

  async function connect(): Promise<IDBPDatabase | undefined> {
    const left = (): void => void leave()
    const open = (): Promise<IDBPDatabase> => openDB(name as string, 1, { upgrade, blocking: left, terminated: left })
    try {
      // One that is broken off was open while the site's data was being cleared: what comes after that is an empty database.
      return await open().catch((error: Error) => (error.name === 'AbortError' ? open() : Promise.reject(error)))
    } catch (cause) {
      const none = /^(Sec|Ref)/.test((cause as Error).name)
      const problem = none ? 'there is none here, so entries live in memory only' : `'${name}' cannot be opened. Reload the page, close other tabs of this site, or clear its data`
      const error = new StorageError(`indexedDb: ${problem} (${cause}).`, { cause })
      if (!none) {
        const own = connection
        setTimeout(() => leave(own), restMs)
        throw error
      }
      complaint = error
      return undefined
    }
  }

  /** Whoever needs it again makes another. What it is doing is done. */
  async function leave(own = connection): Promise<void> {
    if (connection === own) connection = undefined
    await own?.then(db => db?.close(), () => {})
  }

  /** The next of those that are tried alone: the smallest, as one that there is no room for takes some while it is tried. */
  function next(): void {
    const [first] = waiting.sort((a, b) => a.bytes - b.bytes).splice(0, 1)
    trying = first !== undefined
    first?.resolve()
  }

  /** Undefined where there is no IndexedDB, else what the work found. */
  async function run<T>(mode: Mode, work: Work<T>, bytes = 0, again = false): Promise<T | undefined> {
    const own = (connection ??= connect())
    const db = await own
    if (db === undefined) {
      const error = complaint
      complaint = undefined
      if (error) throw error
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
      if (/^Quota/.test(cause.name)) await import('./indexed-db/room.js').then(({ makeRoom }) => makeRoom(db, bytes)).catch(() => {})
      else void leave(own)
      await new Promise<void>(resolve => {
        if (waiting.push({ bytes, resolve }) === 1 && !trying) void Promise.resolve().then(next)
      })
      return run(mode, work, bytes, true).finally(next)
    } finally {
      shared[mode] = undefined
    }
  }

  return {
    ...tabs(name),

    async get(key) {
      const found: unknown = await run('readonly', entries => entries.get(key))
      return isA<ArrayBuffer>(found, 'ArrayBuffer') ? new Uint8Array(found) : undefined
    },

    async set(key, entry) {
      await run('readwrite', entries => entries.put(bufferOf(entry), key), entry.length)
    },

    async add(key, entry) {
      return run('readwrite', entries => entries.add(bufferOf(entry), key), entry.length).then(() => true, (error: Error) => {
        if (error.name === 'ConstraintError') return false
        throw error
      })
    },

    async delete(key) {
      await run('readwrite', entries => entries.delete(key))
    },

    async *keys() {
      // A transaction would end while its reader is elsewhere: so some at a time, each beginning after the last.
      for (let after: IDBKeyRange | null = null; ; ) {
        const keys: IDBValidKey[] | undefined = await run('readonly', entries => entries.getAllKeys(after, 1000))
        if (!keys?.length) return
        yield* keys as string[]
        after = IDBKeyRange.lowerBound(keys.at(-1), true)
      }
    },

    async clear() {
      await run('readwrite', entries => entries.clear())
    },

    close: () => leave(),
  }
}

function upgrade(db: IDBPDatabase, _from: number, _to: number | null, { done }: { readonly done: Promise<void> }): void {
  // Where it is broken off, opening has failed, which is heard of.
  done.catch(() => {})
  db.createObjectStore(store)
}

/** Some of those who wait for its requests do not wait for its end. */
function begin(db: IDBPDatabase, mode: Mode) {
  const transaction = db.transaction(store, mode as 'readwrite', { durability: 'relaxed' })
  void transaction.done.catch(() => {})
  return transaction
}

/** A view would be stored with all that it is a view of. */
function bufferOf(entry: Uint8Array): ArrayBufferLike {
  return entry.length === entry.buffer.byteLength ? entry.buffer : entry.slice().buffer
}
