/**
 * A storage that does what storages do on bad days: it fails, forgets, returns damaged bytes, is slow, never answers. How often is given, when comes from a
 * seed: the same seed and the same operations, the same faults.
 */
import type { Clock } from '../options.js'
import { memory } from '../storage/memory.js'
import type { Storage, StorageHint } from '../storage/storage.js'
import { seededRandom } from './random.js'

export interface Faults {
  /** How often an operation rejects, from 0 to 1. A write that rejects may have been written, or not. Default 0. */
  fail?: number
  /** How often a write is acknowledged and lost. Default 0. */
  lose?: number
  /** How often what is read has a bit flipped, or its end cut off. Default 0. */
  damage?: number
  /** How often an operation never ends. Default 0. */
  hang?: number
  /** Every operation takes between 0 and this many milliseconds of `clock`. Default 0. */
  delayMs?: number
}

export interface FaultyStorageOptions extends Faults {
  seed: number
  /** Needed for `delayMs`. */
  clock?: Pick<Clock, 'after'>
  /** Default: memory(). */
  storage?: Storage
}

export interface FaultyStorage extends Storage {
  /** May be changed at any time: `storage.faults.fail = 1` for an outage. */
  readonly faults: Required<Faults>
  /** What was asked of it: `'get'`, `'set'`, … in order. */
  readonly calls: string[]
  /** How many operations went wrong so far. */
  readonly faultCount: number
}

export function faultyStorage({ seed, clock, storage = memory(), ...given }: FaultyStorageOptions): FaultyStorage {
  const random = seededRandom(seed)
  const faults: Required<Faults> = { fail: 0, lose: 0, damage: 0, hang: 0, delayMs: 0, ...given }
  const calls: string[] = []
  let faultCount = 0
  const strikes = (chance: number): boolean => {
    const struck = chance > 0 && random() < chance
    if (struck) faultCount++
    return struck
  }
  const before = async (call: string): Promise<void> => {
    calls.push(call)
    if (strikes(faults.hang)) await new Promise(() => {})
    if (faults.delayMs > 0) {
      if (clock === undefined) throw new TypeError('faultyStorage: delayMs needs a clock. Give { clock: virtualClock() }.')
      await new Promise<void>(resolve => clock.after(random() * faults.delayMs, resolve))
    }
  }
  /** Of what not every storage can do, what this one can. */
  const passedOn = (names: readonly ('lease' | 'released' | 'publish' | 'subscribe' | 'outdated')[]): Partial<Storage> =>
    Object.fromEntries(names.filter(name => storage[name] !== undefined).map(name => [name, async (...args: never[]) => {
      await before(name)
      if (strikes(faults.fail)) throw failure(name)
      return (storage[name] as (...args: never[]) => Promise<unknown>)(...args)
    }]))
  const failure = (call: string): Error => new Error(`faultyStorage: this ${call} was to fail (seed ${seed}, fault ${faultCount})`)

  return {
    faults,
    calls,
    get faultCount() {
      return faultCount
    },
    async get(key) {
      await before('get')
      if (strikes(faults.fail)) throw failure('get')
      const entry = await storage.get(key)
      if (entry === undefined || !strikes(faults.damage)) return entry
      if (random() < 0.5) return entry.slice(0, Math.floor(random() * entry.length))
      const damaged = entry.slice()
      damaged[Math.floor(random() * entry.length)]! ^= 1 << Math.floor(random() * 8)
      return damaged
    },
    async set(key: string, entry: Uint8Array, hint: StorageHint) {
      await before('set')
      if (strikes(faults.lose)) return
      const fails = strikes(faults.fail)
      if (!fails || random() < 0.5) await storage.set(key, entry, hint)
      if (fails) throw failure('set')
    },
    ...(storage.add && {
      async add(key: string, entry: Uint8Array) {
        await before('add')
        if (strikes(faults.lose)) return true
        const fails = strikes(faults.fail)
        const isOurs = (!fails || random() < 0.5) && (await storage.add!(key, entry))
        if (fails) throw failure('add')
        return isOurs
      },
    }),
    async delete(key) {
      await before('delete')
      const fails = strikes(faults.fail)
      if (!fails || random() < 0.5) await storage.delete(key)
      if (fails) throw failure('delete')
    },
    ...(storage.keys && {
      async *keys() {
        await before('keys')
        if (strikes(faults.fail)) throw failure('keys')
        yield* storage.keys!()
      },
    }),
    ...(storage.clear && {
      async clear() {
        await before('clear')
        await storage.clear!()
      },
    }),
    ...(storage.shared !== undefined && { shared: storage.shared }),
    ...(storage.lateMs !== undefined && { lateMs: storage.lateMs }),
    ...passedOn(['lease', 'released', 'publish', 'subscribe', 'outdated']),
    async close() {
      calls.push('close')
      await storage.close?.()
    },
  }
}
