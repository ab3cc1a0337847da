/** Pages and their workers: entries in IndexedDB, or in memory only where there is none. How the core comes is for the entry to say. */
import { indexedDb } from '../storage/indexed-db.js'
import type { Runtime } from './runtime.js'
import { fallback, web } from './web.js'

export const page: Omit<Runtime, 'compile'> = {
  ...web,
  name: 'browser',
  fallback,
  defaultStorage: () => (typeof indexedDB === 'undefined' ? undefined : indexedDb()),
}
