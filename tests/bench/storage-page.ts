/**
 * The storage bench in a page: 64 entries of 2 KB in and out of IndexedDB, asked for at once: ours, in one transaction, and one by one by idb-keyval, which has one for each.
 * chromium.ts loads the bundle of this file and calls runBench.
 */
import { createStore, get, getMany, set, setMany } from 'idb-keyval'
import { indexedDb } from '../../js/storage/indexed-db.js'
import { type Contestant, type Pace, type Result, type Row, timeRow, verifyRows } from './harness.js'

const count = 64
const entryBytes = 2_000
const version = (name: string): string => versions[name]!

/** Nanoseconds per entry. */
async function runBench(pace: Pace): Promise<Result[]> {
  const storage = indexedDb({ database: 'ours' })
  const theirs = createStore('theirs', 'entries')
  const entries = Array.from({ length: count }, (_, i) => new Uint8Array(entryBytes).map((_, at) => at * 7 + i))
  const names = entries.map((_, i) => i.toString(16).padStart(64, '0'))
  const pairs = names.map((name, i): [string, Uint8Array] => [name, entries[i]!])
  const all = <T>(work: (name: string, i: number) => Promise<T>) => (): Promise<T[]> => Promise.all(names.map(work))
  const each = <T>(work: (name: string, i: number) => Promise<T>) => async (): Promise<T[]> => {
    const done: T[] = []
    for (const [i, name] of names.entries()) done.push(await work(name, i))
    return done
  }
  const isRight = (found: readonly unknown[]): boolean =>
    found.length === count && found.every((bytes, i) => bytes instanceof Uint8Array && bytes.length === entryBytes && bytes.every((byte, at) => byte === entries[i]![at]))
  const read = (name: string): Promise<unknown> => get(name, theirs)
  const write = (name: string, i: number): Promise<unknown> => set(name, entries[i]!, theirs)
  const reprise = { name: 'reprise, indexedDb()', version: version('reprise') }
  const keyval = { version: version('idb-keyval') }

  const sets: Contestant[] = [
    { ...reprise, fn: all((name, i) => storage.set(name, entries[i]!, {})) },
    { ...keyval, name: 'idb-keyval set, one by one', fn: each(write) },
    { ...keyval, name: 'idb-keyval set, all at once', fn: all(write), aside: 'a transaction for each, but none waits for the last' },
    { ...keyval, name: 'idb-keyval setMany', fn: () => setMany(pairs, theirs), aside: 'one transaction, written by hand' },
  ]
  const gets: Contestant[] = [
    { ...reprise, fn: all(storage.get) },
    { ...keyval, name: 'idb-keyval get, one by one', fn: each(read) },
    { ...keyval, name: 'idb-keyval get, all at once', fn: all(read), aside: 'a transaction for each, but none waits for the last' },
    { ...keyval, name: 'idb-keyval getMany', fn: () => getMany(names, theirs), aside: 'one transaction, written by hand' },
  ]
  const rows: Row[] = [
    {
      id: 'storage/idb-set',
      what: `each of ${count} entries of ${entryBytes / 1000} KB that are set at once, into IndexedDB in Chromium`,
      input: undefined,
      awaited: true,
      contestants: sets,
      async verify({ fn }) {
        const isOurs = fn === sets[0]!.fn
        if (isOurs) await storage.clear!()
        await fn(undefined)
        return isRight(await (isOurs ? all(storage.get) : all(read))()) ? [] : ['has stored something else']
      },
    },
    {
      id: 'storage/idb-get',
      what: `each of ${count} entries of ${entryBytes / 1000} KB that are asked for at once, out of IndexedDB in Chromium`,
      input: undefined,
      awaited: true,
      contestants: gets,
      async verify({ fn }) {
        return isRight((await fn(undefined)) as unknown[]) ? [] : ['found something else']
      },
    },
  ]
  await verifyRows(rows)
  const results: Result[] = []
  for (const row of rows) {
    const { timed, ...rest } = await timeRow(row, pace)
    const perEntry = timed.map(one => ({ ...one, timing: { min: one.timing.min / count, median: one.timing.median / count } }))
    results.push({ ...rest, timed: perEntry, asked: perEntry[1]!.timing.median / 3 })
  }
  return results
}

Object.assign(globalThis, { runBench })
