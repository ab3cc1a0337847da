/**
 * The Cache API: `caches.default` of Cloudflare, or a named cache of a browser or Deno. An entry is the body of a response, its key a URL that nobody fetches.
 *
 * A cache is not a database. It drops what it likes, whenever it likes; on Cloudflare each data centre has its own, so what is written, or deleted,
 * here is not seen there. Cloudflare obeys Cache-Control and drops what is over; browsers and Deno keep it, so what is over is removed here when it is met.
 */
import { OptionError, show } from '../errors.js'
import { checkNames } from '../units.js'
import type { Storage } from './storage.js'

/** What is used of a `Cache`. */
export interface WebCacheLike {
  match(url: string): Promise<Response | undefined>
  put(url: string, response: Response): Promise<void>
  delete(url: string): Promise<boolean>
  keys?(): Promise<readonly { readonly url: string }[]>
}

export interface WebCacheOptions {
  /** Default: `caches.default` where there is one (Cloudflare), else `caches.open('reprise')`. */
  cache?: WebCacheLike
  /** Keys are URLs below it. Default `'https://reprise.invalid/'`. On Cloudflare, give one of a host name of your Worker's own: `'https://www.example.com/reprise/'`. */
  baseUrl?: string
}

/** What has no end is kept for so long: the Cache API knows no forever. */
const mostSeconds = 365 * 86_400

/**
 * Takes a cache, options, or nothing. `invalidate({ match })` and `clear()` need a cache that can list its keys, as browsers' can.
 * Throws OptionError where it is given something else; where there is no Cache API, the storage throws.
 */
export function webCache(given: WebCacheLike | WebCacheOptions = {}): Storage {
  const { cache: own, base } = parse(given)
  const urlOf = (key: string): string => base + encodeURIComponent(key)
  let opening: Promise<WebCacheLike> | undefined

  function opened(): Promise<WebCacheLike> {
    return (opening ??= (own === undefined ? open() : Promise.resolve(own)).catch((error: unknown) => {
      opening = undefined
      throw error
    }))
  }

  const storage: Storage = {
    async get(key) {
      const cache = await opened()
      const response = await cache.match(urlOf(key))
      if (response === undefined) return undefined
      // Read also where it is over: what is not read to its end would stay open.
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (!(Date.parse(response.headers.get('expires') ?? '') < Date.now())) return bytes
      await cache.delete(urlOf(key))
      return undefined
    },

    async set(key, entry, { expiresAt }) {
      const cache = await opened()
      const seconds = expiresAt === undefined ? mostSeconds : Math.min(Math.ceil((expiresAt - Date.now()) / 1000), mostSeconds)
      // What is over replaces what was there as well: nothing is left of either.
      if (!(seconds > 0)) return void (await cache.delete(urlOf(key)))
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': `${entry.length}`,
        'cache-control': `public, max-age=${seconds}`,
        expires: new Date(Date.now() + seconds * 1000 + 999).toUTCString(),
      }
      // A copy: not every runtime makes its own before it goes on.
      await cache.put(urlOf(key), new Response(entry.slice(), { headers }))
    },

    async delete(key) {
      await (await opened()).delete(urlOf(key))
    },
  }
  return canList(own) ? { ...storage, keys, clear } : storage

  async function* keys(): AsyncGenerator<string> {
    for (const { url } of await (await opened()).keys!()) if (url.startsWith(base)) yield decodeURIComponent(url.slice(base.length))
  }

  async function clear(): Promise<void> {
    for await (const key of keys()) await storage.delete(key)
  }
}

interface Caches {
  readonly default?: WebCacheLike
  open(name: string): Promise<WebCacheLike>
}

async function open(): Promise<WebCacheLike> {
  const { caches } = globalThis as { caches?: Caches }
  if (caches === undefined) throw new Error('webCache: there is no Cache API here (caches is not defined). Browsers have it on pages that came over https, or from localhost; Node has none.')
  return caches.default ?? caches.open('reprise')
}

/** In Workers, which are known by their default cache, keys() is there and always throws. */
function canList(cache: WebCacheLike | undefined): boolean {
  const { caches, Cache } = globalThis as { caches?: Caches; Cache?: { prototype?: WebCacheLike } }
  return caches?.default === undefined && typeof (cache ?? Cache?.prototype)?.keys === 'function'
}

function parse(given: unknown): { cache: WebCacheLike | undefined; base: string } {
  const options = (isCache(given) ? { cache: given } : (given ?? {})) as WebCacheOptions
  checkNames('webCache', options, ['cache', 'baseUrl'])
  const { cache, baseUrl = 'https://reprise.invalid/' } = options
  if (cache !== undefined && !isCache(cache)) throw new OptionError('webCache: cache', `${show(cache)} is no Cache. Give caches.default, or what caches.open(name) resolves to.`)
  if (typeof baseUrl !== 'string' || !URL.canParse(baseUrl) || !/^https?:/.test(baseUrl) || /[?#]/.test(baseUrl)) {
    throw new OptionError('webCache: baseUrl', `${show(baseUrl)} is not the beginning of a URL. Give one such as 'https://www.example.com/reprise/'.`)
  }
  return { cache, base: new URL(baseUrl).href.replace(/\/?$/, '/') }
}

function isCache(value: unknown): value is WebCacheLike {
  const found = value as Partial<WebCacheLike> | null | undefined
  return typeof found?.match === 'function' && typeof found.put === 'function'
}
