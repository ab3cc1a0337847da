/** A storage that is a Map: for tests, and for sharing entries between caches of one process. */
import type { Storage } from './storage.js'

export function memory(entries: Map<string, Uint8Array> = new Map()): Storage {
  return {
    async get(key) {
      return entries.get(key)?.slice()
    },
    async set(key, entry) {
      entries.set(key, entry.slice())
    },
    async add(key, entry) {
      return !entries.has(key) && Boolean(entries.set(key, entry.slice()))
    },
    async delete(key) {
      entries.delete(key)
    },
    async *keys() {
      yield* [...entries.keys()]
    },
    async clear() {
      entries.clear()
    },
  }
}
