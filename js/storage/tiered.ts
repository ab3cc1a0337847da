/**
 * Two storages as one: `near`, which answers at once and is one's own (a directory, a browser's database, a Map), before `far`, which is shared.
 *
 * What is found far is copied near. What counts is far: tokens are read and written there only, so tags, functions and scopes that anybody invalidates are invalid here
 * as soon as they would be without a copy; leases and messages are far's too. A copy is not used when its time is over (from then on somebody may have made the entry anew,
 * far), and no longer where somebody says that its key was changed (`outdated`). Where far carries no messages, what others set or delete under a key is seen when the copy ends.
 *
 * What one of them cannot do does not keep the other from doing it: near's failures are told to `onError`, and are misses; far's are failures of the whole. A near that
 * does not answer is not waited for, and then left alone for a while. Where it could not be told of a change, what it has under that key is not used.
 */
import { headerOf } from '../header.js'
import { OptionError, show, StorageError } from '../errors.js'
import { checkNames } from '../units.js'
import type { Storage, StorageHint } from './storage.js'

export interface TieredOptions {
  /** Told of what near cannot do. Default: nobody. */
  onError?: (error: unknown) => void
  /** Where copies go, which outlast the read that they are of: at the edge, what `createCache({ waitUntil })` gets. The promises never reject. */
  waitUntil?: (work: Promise<unknown>) => void
}

/** Keys of tokens have so many digits. */
const digitsOfToken = 16
/** Who is near answers within this: short enough that far can be asked before a call gives up (`storageDeadline`, 250 ms). */
const nearMs = 100
/** A near that did not is not asked again so soon, unless it is heard of. */
const restMs = 10_000
/** An entry is written near within this, or near is told of nothing more until it is. */
const writeMs = 1_000
/** A near that could not be told of so many changes is used no more: to know their keys has its price, too. */
const mostSpoiled = 100_000

/** Of what near has under a key. */
interface Change {
  readonly ended: Promise<void>
  /** The same, or it takes too long. */
  readonly inTime: Promise<void>
}

/** Throws OptionError where one of the two is no storage. */
export function tiered(near: Storage, far: Storage, options: TieredOptions = {}): Storage {
  for (const [which, storage] of Object.entries({ near, far })) {
    if (typeof storage?.get !== 'function' || typeof storage.set !== 'function') throw new OptionError(`tiered: ${which}`, `${show(storage)} is no storage. Give two: tiered(fileSystem({ directory }), redis(url)).`)
  }
  checkNames('tiered', options, ['onError', 'waitUntil'])
  const { onError: listener = () => {}, waitUntil = () => {} } = options
  if (typeof listener !== 'function') throw new OptionError('tiered: onError', `${show(listener)} is not a function. Give (error) => { … }.`)
  if (typeof waitUntil !== 'function') throw new OptionError('tiered: waitUntil', `${show(waitUntil)} is not a function. Give (promise) => ctx.waitUntil(promise).`)
  const onError = (error: unknown): void => {
    // What goes wrong in the listener is its own fault; there is nobody to tell.
    void (async () => listener(error))().catch(() => {})
  }
  /** What is being changed near, by key: the next change waits for it. */
  const busy = new Map<string, Change>()
  /** Who asked far last, by key. An answer that was on its way while the key was changed is not copied. */
  const asking = new Map<string, object>()
  /** Keys whose changes near has not carried out. What it has there may be older. */
  const spoiled = new Set<string>()
  /** There were too many of them. */
  let isLost = false
  /** How many changes take too long. */
  let stuck = 0
  /** When near last did not answer, by Date.now(). */
  let silentAt = -Infinity
  /** (Whichever way the clock was turned.) */
  const isSilent = (): boolean => Math.abs(Date.now() - silentAt) < restMs

  function spoil(key: string): void {
    if (spoiled.size < mostSpoiled) spoiled.add(key)
    else if (!isLost) {
      isLost = true
      onError(new StorageError(`tiered: near could not be told of ${mostSpoiled} changes. It is not used any more by this process. What it has is partly old: clear it before the next start.`))
    }
  }

  function change(key: string, work: () => Promise<void>, limitMs: number): Change {
    if (stuck > 0 || isLost) {
      spoil(key)
      return { ended: Promise.resolve(), inTime: Promise.resolve() }
    }
    const ended = Promise.resolve(busy.get(key)?.ended).then(work).then(() => void spoiled.delete(key), error => {
      spoil(key)
      onError(error)
    }).finally(() => {
      if (busy.get(key)?.ended === ended) busy.delete(key)
    })
    const inTime = new Promise<void>(resolve => {
      const timer = setTimeout(() => {
        stuck++
        resolve()
        void ended.then(() => (--stuck === 0 ? makeUp() : undefined))
      }, limitMs)
      void ended.then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    const own = { ended, inTime }
    busy.set(key, own)
    return own
  }

  /** The entry, or nothing: no older one. */
  const write = (key: string, entry: Uint8Array, hint: StorageHint): Change => change(key, async () => {
    try {
      await near.set(key, entry, hint)
    } catch (error) {
      onError(error)
      await near.delete(key)
    }
  }, writeMs)

  function drop(key: string): Promise<void> {
    asking.delete(key)
    return change(key, () => near.delete(key), nearMs).inTime
  }

  /** Near is there again, and is told what it has missed. */
  async function makeUp(): Promise<void> {
    for (const key of spoiled) if (stuck === 0) await drop(key)
  }

  /** All changes so far have ended, or take too long. */
  const changed = (): Promise<unknown> => Promise.all([...busy.values()].map(({ inTime }) => inTime))
  /** What near has there may be older, or is about to be something else. (Nobody waits for it: of a request that has ended, a Worker ends nothing.) */
  const isUnsure = (key: string): boolean => isLost || busy.has(key) || spoiled.has(key)

  async function nearGet(key: string): Promise<Uint8Array | undefined> {
    if (isUnsure(key) || isSilent()) return undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const answer = near.get(key)
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          silentAt = Date.now()
          const heard = (): void => void (silentAt = -Infinity)
          answer.then(heard, heard)
          reject(new StorageError(`tiered: near did not answer within ${nearMs} ms. It is left alone until it does, or for ${restMs / 1000} seconds.`))
        }, nearMs)
      })
      const copied = await Promise.race([answer, late])
      return copied === undefined || isOver(copied) ? undefined : copied
    } catch (error) {
      onError(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** A copy of what far has. It ends when the entry does, as far as that can be seen: of what is encrypted it cannot. */
  function copy(key: string, entry: Uint8Array): void {
    // Nobody would be answered by it, or it would only be one more to wait for.
    if (isOver(entry) || isSilent() || stuck > 0 || isLost) return
    const { staleUntil } = headerOf(entry) ?? {}
    // The bytes are the caller's.
    const copied = write(key, entry.slice(), staleUntil === undefined || staleUntil > 8.64e15 ? {} : { expiresAt: staleUntil })
    try {
      waitUntil(copied.ended)
    } catch {
      // A host that refuses it: the copy goes on as far as the host lets it.
    }
  }

  const isToken = (key: string): boolean => key.length === digitsOfToken
  const optional = <Name extends keyof Storage>(name: Name): Pick<Storage, Name> | undefined => (typeof far[name] === 'function' ? ({ [name]: (far[name] as () => unknown).bind(far) } as unknown as Pick<Storage, Name>) : undefined)

  return {
    shared: far.shared === true || near.shared === true,
    ...(far.lateMs !== undefined && { lateMs: far.lateMs }),

    async get(key) {
      if (isToken(key)) return far.get(key)
      const copied = await nearGet(key)
      if (copied !== undefined) return copied
      const own = {}
      asking.set(key, own)
      try {
        const found = await far.get(key)
        if (found !== undefined && asking.get(key) === own) copy(key, found)
        return found
      } finally {
        if (asking.get(key) === own) asking.delete(key)
      }
    },

    async set(key: string, entry: Uint8Array, hint: StorageHint) {
      if (isToken(key)) return far.set(key, entry, hint)
      // (The bytes are the caller's.)
      const own = entry.slice()
      try {
        await far.set(key, entry, hint)
      } catch (error) {
        // Nobody knows what lies there now.
        await drop(key)
        throw error
      }
      asking.delete(key)
      await write(key, own, hint).inTime
    },

    async delete(key) {
      if (isToken(key)) return far.delete(key)
      const [, [ended]] = await Promise.all([drop(key), Promise.allSettled([far.delete(key)])])
      asking.delete(key)
      if (ended.status === 'rejected') throw ended.reason
    },

    // (Far may be two as well.)
    async outdated(key) {
      await Promise.all([drop(key), far.outdated?.(key)])
    },

    // (Far may have lost what near has a copy of.)
    async original(key) {
      const found = await (far.original?.(key) ?? far.get(key))
      return found ?? (isToken(key) || isUnsure(key) ? undefined : near.get(key))
    },

    ...(far.keys && {
      async *keys() {
        const copies = new Set<string>()
        if (near.keys !== undefined) for await (const key of near.keys()) if (!isToken(key)) copies.add(key)
        for await (const key of far.keys!()) {
          copies.delete(key)
          yield key
        }
        yield* copies
      },
    }),

    ...optional('add'),
    ...optional('lease'),
    ...optional('released'),
    ...optional('publish'),
    ...optional('subscribe'),

    ...(far.clear && {
      async clear() {
        if (near.clear === undefined) throw new Error('tiered: the near storage cannot be cleared: it has no function clear(). Clear each of the two.')
        await far.clear!()
        asking.clear()
        await changed()
        await near.clear()
        spoiled.clear()
      },
    }),

    async close() {
      await changed()
      const ends = await Promise.allSettled([near.close?.(), far.close?.()])
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    },
  }
}

/** Is it not fresh any more, or nothing at all? What is encrypted does not say. */
function isOver(entry: Uint8Array): boolean {
  const header = headerOf(entry)
  return header === undefined ? entry.length === 0 : header.freshUntil <= Date.now()
}
