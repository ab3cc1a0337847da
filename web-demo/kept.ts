/** What the cache keeps in this browser, read from its database without asking the cache. */

export interface Kept {
  readonly entries: number
  readonly bytes: number
}

const database = 'reprise'
const store = 'entries'

/** An entry is named by 64 hexadecimal digits; shorter names belong to the cache's own notes. */
const entryNameLength = 64

export async function readKept(): Promise<Kept> {
  const kept = { entries: 0, bytes: 0 }
  await forEachEntry('readonly', ({ value }) => {
    kept.entries++
    kept.bytes += value instanceof ArrayBuffer ? value.byteLength : 0
  })
  return kept
}

/** Gives the space of all entries back. They must have been invalidated before: the cache is not asked. */
export function dropEntries(): Promise<void> {
  return forEachEntry('readwrite', (cursor) => cursor.delete())
}

async function forEachEntry(mode: IDBTransactionMode, visit: (cursor: IDBCursorWithValue) => void): Promise<void> {
  const opened = await open()
  if (opened === undefined) return
  try {
    await walk(opened.transaction(store, mode), visit)
  } finally {
    opened.close()
  }
}

function walk(transaction: IDBTransaction, visit: (cursor: IDBCursorWithValue) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
    const request = transaction.objectStore(store).openCursor()
    request.onsuccess = () => {
      const cursor = request.result
      if (cursor === null) return
      if (typeof cursor.key === 'string' && cursor.key.length === entryNameLength) visit(cursor)
      cursor.continue()
    }
  })
}

/** The database, or undefined where there is none: to make it is the cache's business, and would be half done here. */
function open(): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(database)
    let missing = false
    request.onupgradeneeded = () => {
      missing = true
      request.transaction?.abort()
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = (event) => {
      event.preventDefault()
      if (missing) resolve(undefined)
      else reject(request.error)
    }
  })
}
