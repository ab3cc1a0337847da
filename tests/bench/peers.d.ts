// What the benches use of their peers. Declared here, so that types are checked where the peers are not installed.

declare module 'bentocache' {
  interface Bentostore {
    useL1Layer(driver: unknown): Bentostore
    useL2Layer(driver: unknown): Bentostore
  }
  export const bentostore: () => Bentostore
  export class BentoCache {
    constructor(options: object)
    set(options: object): Promise<unknown>
    get(options: object): Promise<unknown>
    getOrSet(options: object): Promise<unknown>
    deleteByTag(options: { tags: string[] }): Promise<unknown>
    disconnectAll(): Promise<unknown>
  }
}

declare module 'cacheable' {
  export class Cacheable {
    constructor(options: { tags?: boolean })
    set(key: string, value: unknown, options?: { tags?: string[] }): Promise<unknown>
    get(key: string): Promise<unknown>
    readonly tags: { invalidateTag(tag: string): Promise<unknown> }
  }
}

declare module 'async-cache-dedupe' {
  export function createCache(options: object): { define(name: string, fn: (key: string) => Promise<unknown>): { ask(key: string): Promise<unknown> } }
}

declare module 'bentocache/drivers/memory' {
  export function memoryDriver(options?: { maxItems: number }): unknown
}

declare module 'bentocache/drivers/file' {
  export function fileDriver(options: { directory: string; pruneInterval?: false }): {
    factory(config: object): { set(key: string, value: string): Promise<boolean>; get(key: string): Promise<string | undefined> }
  }
}

declare module 'bentocache/drivers/redis' {
  export function redisDriver(options: { connection: unknown }): unknown
}

declare module 'cacache' {
  const cacache: {
    put(directory: string, key: string, data: string): Promise<unknown>
    get(directory: string, key: string): Promise<{ data: Buffer }>
  }
  export default cacache
}

declare module 'node-persist' {
  const nodePersist: {
    create(): { init(options: { dir: string }): Promise<unknown>; setItem(key: string, value: unknown): Promise<unknown>; getItem(key: string): Promise<string | undefined> }
  }
  export default nodePersist
}

declare module 'idb-keyval' {
  export interface Place {
    readonly idbKeyval: true
  }
  export function createStore(database: string, store: string): Place
  export function get(key: string, place: Place): Promise<unknown>
  export function set(key: string, value: unknown, place: Place): Promise<void>
  export function getMany(keys: string[], place: Place): Promise<unknown[]>
  export function setMany(entries: [string, unknown][], place: Place): Promise<void>
}

declare module 'layered-loader/core' {
  export class Loader<T> {
    constructor(options: object)
    get(key: string): Promise<T | undefined | null>
  }
}

declare module 'lru-cache' {
  export class LRUCache<Key, Value> {
    constructor(options: object)
    readonly size: number
    get(key: Key): Value | undefined
    set(key: Key, value: Value): unknown
    fetch(key: Key): Promise<Value | undefined>
  }
}

declare module 'ocache' {
  export function defineCachedFunction<Args extends unknown[], T>(fn: (...args: Args) => Promise<T>, options: object): (...args: Args) => Promise<T>
}

declare module 'p-memoize' {
  export default function pMemoize<Args extends unknown[], T>(fn: (...args: Args) => Promise<T>, options: { cacheKey(args: unknown[]): string }): (...args: Args) => Promise<T>
}

declare module 'ohash' {
  export function hash(input: unknown): string
}

declare module 'safe-stable-stringify' {
  export function stringify(input: unknown): string | undefined
}

declare module 'object-hash' {
  export default function objectHash(input: object): string
}

/** The version of each package, put in by run.mjs. */
declare const versions: Readonly<Record<string, string>>
