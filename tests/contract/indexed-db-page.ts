/** What tests of IndexedDB do in a page: chromium.ts bundles and serves this file, and tests call `kit` there. */
import { createCache, indexedDb } from '../../js/runtimes/browser.js'
import { recorder } from '../../js/testing/index.js'
import { storageContract } from '../../js/testing/storage.js'

export const contract = new Map<string, () => Promise<void>>()
let places = 0
storageContract(
  'IndexedDB',
  async () => {
    const database = `place-${places++}`
    return { open: () => indexedDb({ database }), remove: () => done(indexedDB.deleteDatabase(database)) }
  },
  { test: (name, body) => void contract.set(name, body) },
)

/** Bytes that do not compress, as they are stored compressed. */
export function random(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

/** An entry's header, as far as a storage reads it, before `size` random bytes. */
export function entry(size: number, { created, staleUntil, cost }: { created: number; staleUntil: number; cost: number }): Uint8Array<ArrayBuffer> {
  const bytes = random(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x53525052, true)
  bytes[4] = 1
  view.setBigInt64(40, BigInt(created), true)
  view.setBigInt64(56, BigInt(staleUntil), true)
  view.setFloat64(64, cost, true)
  return bytes
}

export const key = (n: number): string => n.toString(16).padStart(64, '0')

/** A request of IndexedDB without any library. */
export function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

export interface Wave {
  /** How often the function ran for each argument. */
  runs: number[]
  /** Each caller got what the function had made. */
  right: boolean
  /** What events there were. */
  events: string[]
  errors: string[]
  storageErrors: number
  storageState: string | undefined
}

/** A cache whose function makes random bytes, as a model would: no two runs give the same. */
export async function session(given: { storageDeadline?: '250ms' | '5s'; database?: string } = {}) {
  const { storageDeadline = '5s', database } = given
  const record = recorder()
  const cache = await createCache({ storageDeadline, onEvent: record.listen, ...(database === undefined ? {} : { storage: indexedDb({ database }) }) })
  const made = new Map<number, Uint8Array[]>()
  const ask = cache.wrap(
    async (i: number, size: number) => {
      const bytes = random(size)
      made.set(i, [...(made.get(i) ?? []), bytes])
      return bytes
    },
    { name: 'make', ttl: '1h' },
  )
  let seen = 0
  return {
    cache,
    ask,
    made,
    /** Asks for so many at once, and waits until all is written that will be. */
    async wave(first: number, count: number, size: number): Promise<Wave> {
      made.clear()
      const asked = Array.from({ length: count }, (_, i) => first + i)
      const answers = await Promise.all(asked.map(i => ask(i, size)))
      await cache.settled()
      const events = record.events.slice(seen)
      seen = record.events.length
      return {
        runs: asked.map(i => made.get(i)?.length ?? 0),
        right: answers.every((answer, at) => answer.length === size && (made.get(asked[at]!) ?? [answer]).some(bytes => same(bytes, answer))),
        // What lost its token was invalidated by that; what is refused for other reasons was damaged.
        events: events.filter(event => ['storage', 'storage-error', 'refused', 'not-written', 'uncached'].includes(event.type) && !('reason' in event && event.reason === 'invalidated')).map(event => ('state' in event ? `storage:${event.state}` : 'operation' in event ? `${event.type}:${event.operation}` : event.type)),
        errors: events.flatMap(event => (event.type === 'storage-error' ? [String(event.error)] : [])),
        storageErrors: cache.stats().storageErrors,
        storageState: cache.stats().storageState,
      }
    },
  }
}

export function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Counts what is asked of IndexedDB from now on: transactions by mode and durability, and opens. */
export function counted(): Record<string, number> {
  const counts: Record<string, number> = {}
  const count = (what: string): void => { counts[what] = (counts[what] ?? 0) + 1 }
  const { transaction } = IDBDatabase.prototype
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    count(`${mode} ${options?.durability}`)
    return transaction.call(this, stores, mode, options)
  }
  const { open } = IDBFactory.prototype
  IDBFactory.prototype.open = function (name, version) {
    count('open')
    return open.call(this, name, version)
  }
  return counts
}

export { createCache, indexedDb }
