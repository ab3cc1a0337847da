/**
 * unstorage, both ways. `unstorage(…)` makes a storage of one of its drivers (Deno KV, S3, Netlify Blobs, Azure, MongoDB …) or of a storage made by its
 * createStorage(), and `repriseDriver(cache)` a driver of a cache.
 *
 * Drivers differ in what becomes of bytes. Some keep them as they are, some give an ArrayBuffer or a Buffer back, some keep text only, and unstorage then
 * writes `base64:` and the bytes as text; with drivers that can read bytes and write text, that text comes back as bytes. All of that is understood
 * here, and anything else is an error, as it is not what was set.
 */
import { OptionError, show } from '../errors.js'
import { isA, isBytes } from '../is-a.js'
import { checkNames } from '../units.js'
import { fromBase64, toBase64 } from './base64.js'
import type { Storage } from './storage.js'

export { repriseDriver, type RepriseDriver } from './unstorage-driver.js'

/** A driver of `unstorage/drivers/…`, of whose functions these are used. */
export interface UnstorageDriver {
  hasItem(key: string, options: object): unknown
  getItem(key: string, options?: object): unknown
  getItemRaw?(key: string, options: object): unknown
  setItem?(key: string, value: string, options: object): unknown
  setItemRaw?(key: string, value: unknown, options: object): unknown
  removeItem?(key: string, options: object): unknown
  getKeys(base: string, options: object): unknown
}

/** What unstorage's createStorage() makes. */
export interface UnstorageLike {
  getItem(key: string): Promise<unknown>
  getItemRaw(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: object): Promise<void>
  setItemRaw(key: string, value: Uint8Array, options?: object): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
  getMount(key?: string): { driver: unknown }
}

export interface UnstorageOptions {
  /** A driver, or what createStorage() made; whoever made it disposes of it. */
  storage: UnstorageDriver | UnstorageLike
  /** Before every key, with a colon between. Default `reprise`. */
  base?: string
  /** `'base64'`: entries are written as text, a third longer, for drivers that say they keep bytes and do not. Default `'bytes'`. */
  encoding?: 'bytes' | 'base64'
}

/** How unstorage marks bytes that it wrote as text. */
const mark = 'base64:'

/** What these drivers keep is this process's, this machine's or this browser's own. Of all others nobody can tell who writes to them. */
const ownDrivers: ReadonlySet<unknown> = new Set(['memory', 'lru-cache', 'fs', 'fs-lite', 'localstorage', 'session-storage', 'indexedb'])

/** What these say may be as old as that: the most that Cloudflare KV takes to be read everywhere, and as much again for who has asked just before. */
const lateDrivers: ReadonlySet<unknown> = new Set(['cloudflare-kv-binding', 'cloudflare-kv-http', 'netlify-blobs'])
const lateMs = 120_000

/** These list one page of their keys, or none at all: who asks for all of them must not take that for it. */
const partialDrivers: ReadonlySet<unknown> = new Set(['s3', 'cloudflare-r2-binding', 'vercel-runtime-cache'])

/** How many keys clear() deletes at once. */
const mostAtOnce = 256

/** Takes a driver, a storage of unstorage, or options. Nothing is read or written before the first operation. Throws OptionError where it is none of these, or cannot be written to. */
export function unstorage(given: UnstorageDriver | UnstorageLike | UnstorageOptions): Storage {
  const { storage, base, text, name } = parse(given)
  const items = isDriver(storage) ? ofDriver(storage) : ofStorage(storage)
  const prefix = `${base}:`

  /** All of them before any is used, as who deletes meanwhile could make a driver skip some. */
  const list = async (): Promise<string[]> => {
    // (A driver with a base of its own may leave what stood between the two.)
    const keys = (await items.keys(base)).map(key => key.replace(/[/\\:]+/g, ':').replace(/^:/, ''))
    return keys.filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
  }

  return {
    shared: !ownDrivers.has(name),
    ...(lateDrivers.has(name) && { lateMs }),

    async get(key) {
      return bytesOf(await (text ? items.getText(prefix + key) : items.get(prefix + key)), prefix + key)
    },

    async set(key, entry, { expiresAt }) {
      const lifeMs = expiresAt === undefined ? Infinity : Math.ceil(expiresAt - Date.now())
      // What is over replaces what was there as well: nothing is left of either.
      if (lifeMs <= 0) return items.remove(prefix + key)
      // In seconds. Drivers that know nothing of it keep the entry until it is replaced.
      const options = lifeMs < 1e15 ? { ttl: Math.ceil(lifeMs / 1000) } : {}
      if (text) await items.setText(prefix + key, mark + toBase64(entry), options)
      // A copy: a driver in memory keeps what it is given.
      else await items.set(prefix + key, entry.slice(), options)
    },

    async delete(key) {
      await items.remove(prefix + key)
    },

    ...(!partialDrivers.has(name) && {
      async *keys() {
        yield* await list()
      },

      // One by one: to clear a base does nothing at all with a storage whose driver is mounted above it, and the driver for files removes what is beside it, too.
      async clear() {
        const keys = await list()
        for (let i = 0; i < keys.length; i += mostAtOnce) await Promise.all(keys.slice(i, i + mostAtOnce).map(key => items.remove(prefix + key)))
      },
    }),
  }
}

/** Bytes of their own, and no subclass; undefined for nothing. */
function bytesOf(found: unknown, key: string): Uint8Array | undefined {
  if (found === null || found === undefined) return undefined
  if (typeof found === 'string' && found.startsWith(mark)) return fromBase64(found.slice(mark.length))
  const bytes = isBytes(found) ? new Uint8Array(found) : isA<ArrayBuffer>(found, 'ArrayBuffer') ? new Uint8Array(found.slice(0)) : undefined
  if (bytes === undefined) {
    throw new Error(`unstorage: under ${key} there is ${show(found)}, where bytes were set. If this driver keeps text only, give unstorage({ storage, encoding: 'base64' }); if it is shared, give a base of its own.`)
  }
  const marked = bytes.length >= mark.length && [...mark].every((character, i) => bytes[i] === character.charCodeAt(0))
  return marked ? fromBase64(new TextDecoder().decode(bytes.subarray(mark.length))) : bytes
}

// ---- what is given ------------------------------------------------------------------------------

/** Keys are whole ones. */
interface Items {
  get(key: string): unknown
  getText(key: string): unknown
  set(key: string, bytes: Uint8Array, options: object): unknown
  setText(key: string, text: string, options: object): unknown
  remove(key: string): Promise<void>
  keys(base: string): Promise<string[]>
}

function ofStorage(storage: UnstorageLike): Items {
  return {
    get: key => storage.getItemRaw(key),
    getText: key => storage.getItem(key),
    set: (key, bytes, options) => storage.setItemRaw(key, bytes, options),
    setText: (key, text, options) => storage.setItem(key, text, options),
    remove: key => storage.removeItem(key),
    keys: base => storage.getKeys(base),
  }
}

/** As unstorage itself uses a driver. */
function ofDriver(driver: UnstorageDriver): Items {
  return {
    get: key => (driver.getItemRaw === undefined ? driver.getItem(key, {}) : driver.getItemRaw(key, {})),
    getText: key => driver.getItem(key, {}),
    set: (key, bytes, options) => (driver.setItemRaw === undefined ? driver.setItem!(key, mark + toBase64(bytes), options) : driver.setItemRaw(key, bytes, options)),
    setText: (key, text, options) => driver.setItem!(key, text, options),
    async remove(key) {
      await driver.removeItem!(key, {})
    },
    async keys(base) {
      return [...((await driver.getKeys(base, {})) as Iterable<string>)]
    },
  }
}

function parse(given: unknown): { storage: UnstorageDriver | UnstorageLike; base: string; text: boolean; name: unknown } {
  const options: { storage?: unknown; base?: unknown; encoding?: unknown } = isDriver(given) || isStorage(given) ? { storage: given } : ((given ?? {}) as object)
  const { storage, base = 'reprise', encoding = 'bytes' } = options
  if (!isDriver(storage) && !isStorage(storage)) {
    throw new OptionError('unstorage', `${show(storage ?? given)} is neither a driver nor a storage of unstorage. Give what createStorage() made, a driver such as fsDriver({ base }), or { storage, base }.`)
  }
  if (options === given) checkNames('unstorage', options, ['storage', 'base', 'encoding'])
  if (typeof base !== 'string' || !/^[\w-]+(:[\w-]+)*$/.test(base)) {
    throw new OptionError('unstorage: base', `${show(base)} is not a base. Give letters, digits, '-' and '_', with colons between names, or leave it out for 'reprise'.`)
  }
  if (encoding !== 'bytes' && encoding !== 'base64') throw new OptionError('unstorage: encoding', `${show(encoding)} is not an encoding. Give 'bytes' or 'base64'.`)
  const driver = (isDriver(storage) ? storage : storage.getMount(`${base}:`).driver) as UnstorageDriver
  const writes = has(driver, 'removeItem') && (has(driver, 'setItem') || (encoding === 'bytes' && has(driver, 'setItemRaw')))
  // unstorage itself would drop without a word whatever is set.
  const { name } = driver as { name?: unknown }
  if (!writes) throw new OptionError('unstorage', `the driver ${show(name)} cannot be written to. Give one that has setItem and removeItem.`)
  return { storage, base, text: encoding === 'base64', name }
}

function has(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function'
}

function isStorage(value: unknown): value is UnstorageLike {
  return has(value, 'getMount') && has(value, 'getItemRaw') && has(value, 'setItemRaw')
}

function isDriver(value: unknown): value is UnstorageDriver {
  return has(value, 'getItem') && has(value, 'getKeys') && !has(value, 'getMount')
}
