/** A cache with a clock that stands still until told otherwise, and everything that happens written down. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type Cache, createCacheIn } from '../../js/cache.js'
import type { CacheEvent } from '../../js/events.js'
import type { CacheOptions } from '../../js/options.js'
import type { Runtime } from '../../js/runtimes/runtime.js'
import { compileInline } from '../../js/runtimes/web.js'
import type { Storage } from '../../js/storage/storage.js'

export interface Bench {
  readonly cache: Cache
  readonly events: CacheEvent[]
  /** What happened since the last look, as `type` or `type:detail`. */
  transcript(): string[]
  clock: { now: number }
}

const compiled: Promise<WebAssembly.Module>[] = []
export const compile = (dense = false): Promise<WebAssembly.Module> =>
  (compiled[Number(dense)] ??= compileInline(() => (dense ? import('#core-dense-wasm') : import('#core-wasm'))))

export async function bench(options: CacheOptions = {}, changes: Partial<Runtime> = {}): Promise<Bench> {
  const clock = { now: 1_000_000 }
  const events: CacheEvent[] = []
  const runtime: Runtime = {
    name: 'test',
    compile,
    now: () => clock.now,
    randomBytes: count => new Uint8Array(randomBytes(count)),
    digest: secret => bytes => new Uint8Array((secret ? createHmac('sha256', secret) : createHash('sha256')).update(bytes).digest()),
    background: () => {},
    defaultStorage: () => undefined,
    ...changes,
  }
  const cache = await createCacheIn(runtime)({ onEvent: event => events.push(event), ...options })
  let seen = 0
  return {
    cache,
    events,
    clock,
    transcript() {
      const news = events.slice(seen).map(line)
      seen = events.length
      return news
    },
  }
}

function line(event: CacheEvent): string {
  if ('tier' in event) return `${event.type}:${event.tier}`
  if ('reason' in event) return `${event.type}:${event.reason}`
  if ('operation' in event) return `${event.type}:${event.operation}`
  return event.type
}

/** A storage in a Map that counts its calls, and fails where told. */
export function countedStorage(entries = new Map<string, Uint8Array>()): Storage & { calls: string[]; entries: Map<string, Uint8Array>; failing: boolean } {
  const storage = {
    calls: [] as string[],
    entries,
    failing: false,
    async get(key: string) {
      storage.note('get')
      return entries.get(key)?.slice()
    },
    async set(key: string, entry: Uint8Array) {
      storage.note('set')
      entries.set(key, entry.slice())
    },
    async delete(key: string) {
      storage.note('delete')
      entries.delete(key)
    },
    note(call: string) {
      storage.calls.push(call)
      if (storage.failing) throw new Error(`the storage cannot ${call}`)
    },
  }
  return storage
}

/** The entries among what a storage holds; the rest are tokens, whose names are shorter. */
export function entriesIn(storage: { entries: Map<string, Uint8Array> }): [string, Uint8Array][] {
  return [...storage.entries].filter(([key]) => key.length === 64)
}
