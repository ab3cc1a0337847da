/**
 * Calls of a cached function, in a process whose files fail; prints how that went as JSON.
 *
 *   node program.mjs '{ "directory": …, "calls": 5, "bytes": 2000, … }'
 */
import { closeSync, openSync } from 'node:fs'
import { createCache, fileSystem } from '../../js/runtimes/node.js'
import type { Storage } from '../../js/storage/storage.js'

export interface Told {
  directory: string
  calls: number
  /** Of a value. */
  bytes: number
  durability?: 'process' | 'power'
  /** Between the first call and the others, all descriptors are used up; they are given back for one more call. */
  descriptors?: boolean
  /** Nothing works from the start: the first call, which others need for its tokens, counts as well. */
  fromTheStart?: boolean
}

export interface Went {
  /** How often the function ran for the calls after the first (and for that, too, where it counts). */
  runs: number
  /** All calls, the first included, returned what they should. */
  right: boolean
  /** Operations of the storage that rejected, as the storage's caller saw it, after the first call: `get: could not read …`. */
  rejected: string[]
  /** Entries that the storage said it had stored, the first call's included. */
  acknowledged: number
  /** By how much the cache's counter rose. */
  counted: number
  events: number
  /** Rejected or thrown, and nobody heard of it. */
  strays: string[]
  /** Storage errors of a call after the fault. */
  after: number
}

const told = JSON.parse(process.argv[2]!) as Told
const strays: string[] = []
process.on('unhandledRejection', error => strays.push(String(error)))
process.on('uncaughtException', error => strays.push(String(error)))

const rejected: string[] = []
let acknowledged = 0
const storage = watched(fileSystem({ directory: told.directory, durability: told.durability ?? 'process' }))
let events = 0
// What is asked for here are faults, not how long a busy machine takes.
const cache = await createCache({ storage, storageDeadline: '10s', onEvent: ({ type }) => void (type === 'storage-error' && events++) })
let runs = 0
const load = cache.wrap(async (n: number) => {
  runs++
  return answer(n)
}, { name: 'load', ttl: '1d' })

// The process's first call reads and writes what all others need: tokens.
let right = (await load(-1)) === answer(-1)
await cache.settled()
const before = told.fromTheStart === true ? { runs: 0, errors: 0, rejected: 0, events: 0 } : { runs, errors: cache.stats().storageErrors, rejected: rejected.length, events }
const held: number[] = []
if (told.descriptors === true) {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    // That was the last.
  }
}
for (let n = 0; n < told.calls; n++) {
  // Two callers, one run.
  const both = await Promise.all([load(n), load(n)])
  right &&= both.every(value => value === answer(n))
  await cache.settled()
}
const went = { runs: runs - before.runs, right, rejected: rejected.slice(before.rejected), acknowledged, counted: cache.stats().storageErrors - before.errors, events: events - before.events }
for (const file of held) closeSync(file)
const errors = cache.stats().storageErrors
if (told.descriptors === true) await load(told.calls)
await cache.settled()
const after = cache.stats().storageErrors - errors
await cache.close()
await new Promise(resolve => setTimeout(resolve, 20))
console.log(JSON.stringify({ ...went, strays, after } satisfies Went))

function answer(n: number): string {
  return `${n} `.padEnd(told.bytes, `${n}.`)
}

/** The same storage; what it rejects is written down. */
function watched(storage: Storage): Storage {
  const watch = async <T>(operation: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      rejected.push(`${operation}: ${(error as Error).message}`)
      throw error
    }
  }
  return {
    get: key => watch('get', storage.get(key)),
    set: async (key, entry, hint) => {
      await watch('set', storage.set(key, entry, hint))
      // (Tokens have shorter names.)
      if (key.length === 64) acknowledged++
    },
    delete: key => watch('delete', storage.delete(key)),
    close: () => storage.close!(),
  }
}
