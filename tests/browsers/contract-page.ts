/** The contract of storages over this browser's IndexedDB: the page knows each of its tests by its name. */
import * as reprise from 'reprise'
import { storageContract } from 'reprise/testing/storage'

// Browsers are given more than the types that everybody gets say.
const { indexedDb } = reprise as unknown as typeof import('../../js/runtimes/browser.js')

declare global {
  /** Answers with what is wrong, or with nothing. */
  var contract: (name: string) => Promise<string>
}

const bodies = new Map<string, () => Promise<void>>()
let places = 0
storageContract(
  'IndexedDB',
  async () => {
    const database = `place-${places++}`
    const remove = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(database)
        request.onsuccess = resolve
        request.onerror = () => reject(request.error)
      })
    return { open: () => indexedDb({ database }), remove }
  },
  { test: (name, body) => void bodies.set(name, body) },
)

globalThis.contract = name => bodies.get(name)!().then(() => problems.splice(0).join('; '), String)
