/**
 * A cache with a clock that stands still until told otherwise, and everything that happens written down.
 *
 * A suite that imports this file fails if anything is rejected or thrown that nobody hears of, even after its last test.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { CoreExports, CoreSource } from '../../js/boundary.js'
import type { Cache } from '../../js/cache.js'
import { createCacheIn } from '../../js/create.js'
import type { CacheEvent } from '../../js/events.js'
import { fallback } from '../../js/fallback/index.js'
import type { CacheOptions } from '../../js/options.js'
import type { Runtime } from '../../js/runtimes/runtime.js'
import { compileInline } from '../../js/runtimes/web.js'
import type { Storage } from '../../js/storage/storage.js'
import { recorder, virtualClock, type VirtualClock } from '../../js/testing/index.js'

const strays: unknown[] = []
process.on('unhandledRejection', error => strays.push(error))
process.on('uncaughtExceptionMonitor', error => strays.push(error))
process.on('exit', () => {
  if (strays.length === 0) return
  console.error('Rejected or thrown, and nobody heard of it:', ...strays)
  process.exitCode = 1
})

export interface Bench {
  readonly cache: Cache
  readonly events: CacheEvent[]
  /** What happened since the last look, as `type` or `type:detail`. */
  transcript(): string[]
  /** The time of day; what is set here, timers do not notice. */
  clock: { now: number }
  /** The same clock, to let time pass. */
  time: VirtualClock
}

/** The suite `js-fallback` runs many of these files once more, on the core's twin (js/fallback). */
const onTwin = process.env['REPRISE_TEST_CORE'] === 'fallback'

/** Of a test that has nothing to say about the twin. */
export const wasmOnly = (why: string): { skip: string | false } => ({ skip: onTwin && why })

const compiled: Promise<WebAssembly.Module>[] = []
export const compileWasm = (dense = false): Promise<WebAssembly.Module> =>
  (compiled[Number(dense)] ??= compileInline(() => (dense ? import('#core-dense-wasm') : import('#core-wasm'))))

type Change = (exports: CoreExports) => Partial<CoreExports>

let changeTwin: Change = () => ({})

export const compile: (dense?: boolean) => Promise<CoreSource> = onTwin
  ? async () => () => {
      const { exports, control } = fallback()
      return { control, exports: { ...exports, ...changeTwin(exports) } }
    }
  : compileWasm

/** Puts what `change` returns in the place of exports, in every core that is made from now on, until the test ends. */
export function changeCores(t: TestContext, change: Change): void {
  if (onTwin) {
    changeTwin = change
    t.after(() => (changeTwin = () => ({})))
    return
  }
  const instantiate = WebAssembly.instantiate as (module: WebAssembly.Module, imports: WebAssembly.Imports) => Promise<WebAssembly.Instance>
  t.mock.method(WebAssembly, 'instantiate', async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const { exports } = await instantiate(module, imports)
    return { exports: { ...exports, ...change(exports as unknown as CoreExports) } }
  })
}

export async function bench(options: CacheOptions = {}, changes: Partial<Runtime> = {}): Promise<Bench> {
  const time = virtualClock({ now: 1_000_000 })
  const record = recorder()
  const runtime: Runtime = {
    ...time,
    name: 'test',
    compile,
    randomBytes: count => new Uint8Array(randomBytes(count)),
    digest: secret => bytes => new Uint8Array((secret ? createHmac('sha256', secret) : createHash('sha256')).update(bytes).digest()),
    background: () => {},
    ambient: () => new AsyncLocalStorage(),
    defaultStorage: () => undefined,
    ...changes,
  }
  const cache = await createCacheIn(runtime)({ onEvent: record.listen, ...options })
  return {
    cache,
    events: record.events,
    transcript: record.transcript,
    clock: {
      get now() {
        return time.now()
      },
      set now(now) {
        time.set(now)
      },
    },
    time,
  }
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

/** All that a storage lists, in order. */
export async function keysOf(storage: Storage): Promise<string[]> {
  const keys: string[] = []
  for await (const key of storage.keys!()) keys.push(key)
  return keys.sort()
}

/** A promise that is settled by hand. */
export function gate<T = void>(): { promise: Promise<T>; open(value: T): void; fail(error: unknown): void } {
  let open!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  promise.catch(() => {})
  return { promise, open, fail }
}

/** Waits until something is so, for as long as promises and the runtime's own work take; fails where it never gets so. */
export async function until(isSo: () => boolean): Promise<void> {
  // (Work on another thread takes its time on a busy machine, while turns are quick.)
  for (let turns = 0, end = performance.now() + 10_000; !isSo(); turns++) {
    if (turns >= 1000 && performance.now() > end) throw new Error(`this never came true: ${isSo}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** What is ready to go on has gone on. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}
