/**
 * Two storages as one: `near`, which answers at once and is one's own (a directory, a browser's database, a Map), before `far`, which is shared.
 *
 * What is found far is copied near. What counts is far: tokens are read and written there only, so tags, functions and scopes that anybody invalidates are invalid here
 * as soon as they would be without a copy; leases and messages are far's too. A copy is not used when its time is over (from then on somebody may have made the entry anew,
 * far), and no longer where somebody says that its key was changed (`outdated`). Where far carries no messages, what others set or delete under a key is seen when the copy ends.
 *
 * What one of them cannot do does not keep the other from doing it: near's failures are told to `onError`, and are misses; far's are failures of the whole. A near that
 * does not answer is not waited for, and then left alone for a while.
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

/** Throws OptionError where one of the two is no storage. */
export function tiered(near: Storage, far: Storage, options: TieredOptions = {}): Storage {
  for (const [which, storage] of Object.entries({ near, far })) {
    if (typeof storage?.get !== 'function' || typeof storage.set !== 'function') throw new OptionError(`tiered: ${which}`, `${show(storage)} is no storage. Give two: tiered(fileSystem({ directory }), redis(url)).`)
  }
  checkNames('tiered', options, ['onError', 'waitUntil'])
  const { onError = () => {}, waitUntil = () => {} } = options
  if (typeof onError !== 'function') throw new OptionError('tiered: onError', `${show(onError)} is not a function. Give (error) => { … }.`)
  if (typeof waitUntil !== 'function') throw new OptionError('tiered: waitUntil', `${show(waitUntil)} is not a function. Give (promise) => ctx.waitUntil(promise).`)
  /** What is being copied or forgotten near, by key: the next thing that is done there waits for it. */
  const busy = new Map<string, Promise<void>>()
  /** When near last did not answer, by Date.now(). */
  let silentAt = -Infinity
  /** (Whichever way the clock was turned.) */
  const isSilent = (): boolean => Math.abs(Date.now() - silentAt) < restMs

  function nearby(key: string, work: () => Promise<void>): Promise<void> {
    const done = (busy.get(key) ?? Promise.resolve()).then(work).catch(onError).finally(() => {
      if (busy.get(key) === done) busy.delete(key)
    })
    busy.set(key, done)
    return done
  }

  async function nearGet(key: string): Promise<Uint8Array | undefined> {
    // What lies there is about to be something else. (Nobody waits for it: of a request that has ended, a Worker ends nothing.)
    if (busy.has(key) || isSilent()) return undefined
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
    if (isOver(entry) || isSilent()) return
    const { staleUntil } = headerOf(entry) ?? {}
    // The bytes are the caller's.
    const own = entry.slice()
    const copied = nearby(key, () => near.set(key, own, staleUntil === undefined || staleUntil > 8.64e15 ? {} : { expiresAt: staleUntil }))
    try {
      waitUntil(copied)
    } catch {
      // A host that refuses it: the copy goes on as far as the host lets it.
    }
  }

  const isToken = (key: string): boolean => key.length === digitsOfToken
  const optional = <Name extends keyof Storage>(name: Name): Pick<Storage, Name> | undefined => (typeof far[name] === 'function' ? ({ [name]: (far[name] as () => unknown).bind(far) } as unknown as Pick<Storage, Name>) : undefined)

  return {
    shared: far.shared === true || near.shared === true,

    async get(key) {
      if (isToken(key)) return far.get(key)
      const copied = await nearGet(key)
      if (copied !== undefined) return copied
      const found = await far.get(key)
      if (found !== undefined) copy(key, found)
      return found
    },

    async set(key: string, entry: Uint8Array, hint: StorageHint) {
      // (The bytes are the caller's.)
      const own = isToken(key) ? entry : entry.slice()
      try {
        await far.set(key, entry, hint)
      } catch (error) {
        // Nobody knows what lies there now.
        if (!isToken(key)) await nearby(key, () => near.delete(key))
        throw error
      }
      if (!isToken(key)) await nearby(key, () => near.set(key, own, hint))
    },

    async delete(key) {
      const [, [ended]] = await Promise.all([isToken(key) ? undefined : nearby(key, () => near.delete(key)), Promise.allSettled([far.delete(key)])])
      if (ended.status === 'rejected') throw ended.reason
    },

    // (Far may be two as well.)
    async outdated(key) {
      await Promise.all([nearby(key, () => near.delete(key)), far.outdated?.(key)])
    },

    original: key => far.original?.(key) ?? far.get(key),

    ...optional('add'),
    ...optional('keys'),
    ...optional('lease'),
    ...optional('released'),
    ...optional('publish'),
    ...optional('subscribe'),

    ...(far.clear && {
      async clear() {
        await Promise.all(busy.values())
        if (near.clear === undefined) throw new Error('tiered: the near storage cannot be cleared: it has no function clear(). Clear each of the two.')
        await near.clear()
        await far.clear!()
      },
    }),

    async close() {
      await Promise.all(busy.values())
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
