/**
 * Which entries leave IndexedDB when there is no room: those whose time is over, then those that cost least to make anew for their size and age.
 *
 * Nobody can say what there is without reading it, so some are looked at, in a row from anywhere: keys are random, and so is the choice. Tokens stay.
 */
import type { IDBPDatabase } from 'idb'
import { headerOf } from '../../header.js'
import { isA } from '../../is-a.js'

/** Removed beyond what is needed, so that not every write has to remove something. */
const spareBytes = 250_000
/** What a record takes beside its bytes, roughly. It bounds how many are looked at. */
const recordBytes = 500
/** Younger than this are all the same age. */
const youngMs = 60_000

/** How many bytes are wanted in a database, and the removal that is to make room for them. */
const wanting = new WeakMap<IDBPDatabase, { bytes: number; removal: Promise<void> }>()

/** Those who call it before it has begun share one removal: what fails with a transaction fails at once. */
export function makeRoom(db: IDBPDatabase, bytes: number): Promise<void> {
  let room = wanting.get(db)
  if (room === undefined) {
    wanting.set(db, (room = { bytes: 0, removal: Promise.resolve().then(() => remove(db)).finally(() => wanting.delete(db)) }))
  }
  room.bytes += bytes
  return room.removal
}

/** Looks at twice as much as it removes. */
async function remove(db: IDBPDatabase): Promise<void> {
  const { store: entries, done } = db.transaction('entries', 'readwrite', { durability: 'relaxed' })
  done.catch(() => {})
  const found: { key: IDBValidKey; size: number; worth: number }[] = []
  const start = Math.random().toString(16).slice(2)
  const now = Date.now()
  let wanted = wanting.get(db)!.bytes + spareBytes
  let looked = 0
  for (const range of [IDBKeyRange.lowerBound(start), IDBKeyRange.upperBound(start, true)]) {
    for (let cursor = await entries.openCursor(range); cursor !== null && looked < 2 * wanted; cursor = await cursor.continue()) {
      const { key, value } = cursor as { key: IDBValidKey; value: unknown }
      const bytes = isA<ArrayBuffer>(value, 'ArrayBuffer') ? new Uint8Array(value) : new Uint8Array()
      const size = recordBytes + bytes.length
      looked += size
      if (String(key).length === 16) continue
      const { created, staleUntil, cost } = headerOf(bytes) ?? { created: 0, staleUntil: Infinity, cost: 0 }
      found.push({ key, size, worth: staleUntil > now ? Math.max(1, cost) / size / Math.max(youngMs, now - created) : 0 })
    }
  }
  found.sort((a, b) => a.worth - b.worth)
  const leaving = found.filter(({ size, worth }) => (wanted -= size) + size > 0 || worth === 0)
  await Promise.all([done, ...leaving.map(({ key }) => entries.delete(key))])
}
