/** createCache() for one runtime: puts the parts together, and starts a core. */
import type { CoreSource } from './boundary.js'
import { Cache } from './cache.js'
import { Core, type Key } from './core.js'
import { OptionError, StorageError } from './errors.js'
import { type Emit, named, safely } from './events.js'
import { Flights, SyncAmbient } from './flights.js'
import { type CacheOptions, type Clock, parseOptions } from './options.js'
import type { Parts } from './parts.js'
import { Planner } from './plan.js'
import { isTrap, type Landing } from './results.js'
import type { Runtime } from './runtimes/runtime.js'
import { labelOf, tokensOf } from './sealed.js'
import { totals } from './stats.js'
import { StorageGuard } from './storage/guard.js'
import { hex, Tokens } from './tokens.js'
import { decodePayload, encodeLoaded, loadFor } from './value.js'

export function createCacheIn(runtime: Runtime): (options?: CacheOptions) => Promise<Cache> {
  // One module for all caches, and one for all that compress; each cache has an instance of its own.
  const compiled = new Map<boolean, Promise<CoreSource>>()
  const compile = (dense: boolean): Promise<CoreSource> => {
    let module = compiled.get(dense)
    if (module === undefined) {
      module = runtime.compile(dense).catch((error: unknown) => {
        compiled.delete(dense)
        throw error
      })
      compiled.set(dense, module)
    }
    return module
  }
  return async options => {
    const parsed = parseOptions(options)
    const clock: Clock = parsed.clock ?? runtime
    const background = handedOver(parsed.waitUntil ?? (work => runtime.background(work)))
    const listener = safely(parsed.onEvent)
    const namesKeys = listener !== undefined && parsed.eventKeys
    const emit: Emit | undefined = namesKeys ? named(listener, background) : listener
    const trust = parsed.secret === undefined && parsed.encrypt === undefined ? undefined : await (await import('./trust.js')).trustIn(parsed, runtime, emit, OptionError)
    // Where no random number is to be had there is no core and no storage, and nothing that a token could be of.
    const draws = canDraw(runtime)
    const chosen = draws && (parsed.storage ?? runtime.defaultStorage())
    const storage = chosen ? new StorageGuard(trust?.around(chosen) ?? chosen, background, emit, clock, parsed.storageDeadlineMs ?? runtime.storageDeadlineMs ?? 250) : undefined
    if (trust !== undefined) trust.guard = storage
    const platformDigest = trust?.names ?? runtime.digest(undefined)
    const digest = async (bytes: Uint8Array): Promise<Uint8Array | undefined> => {
      try {
        return await platformDigest(bytes)
      } catch (error) {
        emit?.({ type: 'storage-error', operation: 'get', error: new StorageError('no SHA-256 can be had here, so storage is not used.', { cause: error }) })
        return undefined
      }
    }
    /** For events: at once where the platform can. */
    const nameOf = (canonical: Uint8Array): Key['name'] => {
      try {
        const digest = platformDigest(canonical)
        return digest instanceof Promise ? digest.then(hex).catch(() => undefined) : hex(digest)
      } catch {
        return undefined
      }
    }
    let starting: Promise<void>
    /** Undefined where there is no core, or none any more: the next one is told all that counts. */
    const tell = <T>(what: (core: Core) => T): T | undefined => {
      const core = parts.core ?? parts.standby
      try {
        return core && what(core)
      } catch (error) {
        if (!isTrap(error)) throw error
        parts.trapped(error)
        return undefined
      }
    }
    const parts: Parts = {
      core: undefined,
      standby: undefined,
      out: 'no-core',
      before: { hits: 0, misses: 0, notStored: 0, savedMs: 0 },
      bypasses: 0,
      joined: 0,
      forced: 0,
      disowned: 0,
      disownedMs: 0,
      damaged: 0,
      verdict: 0,
      unstored: 0,
      flights: new Flights<Landing>(),
      ambient: runtime.ambient?.() ?? new SyncAmbient(),
      tokens: new Tokens({
        storage,
        lagMs: parsed.invalidationLagMs,
        now: () => clock.now(),
        stopwatch: () => clock.stopwatch(),
        digest,
        randomBytes: count => (draws ? runtime.randomBytes(count) : Uint8Array.from({ length: count }, () => 256 * clock.random())),
        setToken: pair => void tell(core => core.setToken(pair)),
        forgetToken: pair => tell(core => core.forgetToken(pair)) ?? true,
        inUse: () => parts.flights.tags(),
        renewed: (tag, soft) => parts.flights.doomTagged(tag, soft ? 'expired' : 'invalidated'),
        told: number => parts.news?.tokenRenewed(number),
      }),
      storage,
      news: undefined,
      trust,
      emit,
      maxEntryBytes: parsed.maxEntryBytes,
      leaseMs: parsed.leaseMs,
      labels: trust === undefined || storage === undefined,
      now: () => clock.now(),
      stopwatch: () => clock.stopwatch(),
      after: (ms, run, idly) => clock.after(ms, run, idly),
      random: () => clock.random(),
      background,
      encodeValue: encodeLoaded,
      labelOf,
      tokensOf,
      decodable: kind => loadFor(kind).then(() => true, () => false),
      decodePayload,
      keyOf(core) {
        const key = core.key()
        if (namesKeys) key.name = nameOf(core.canonicalBytes())
        return key
      },
      async storageName(canonical) {
        const bytes = await digest(canonical)
        return bytes && { bytes, text: hex(bytes) }
      },
      judge: () => newCore(1e6, false),
      trapped(error) {
        const failed = parts.core ?? parts.standby
        if (failed === undefined) return // Somebody else has met it, too.
        parts.core = parts.standby = undefined
        try {
          // Its counters can still be read, mostly; that of a trap, if any, is the last of them.
          parts.before = totals(parts.before, failed.stats())
        } catch {
          // They are lost with it.
        }
        emit?.({ type: 'uncached', why: 'the core failed; it is being built anew, and until then calls run their functions.', error })
        starting = start()
      },
      ready: () => starting,
    }
    if (storage !== undefined) storage.returned = () => Promise.all([parts.tokens.makeUp(), parts.news?.listen()]).then(() => {})
    // Before the first call, so that what that changes is told. Where it cannot be, what others invalidate is noticed late, as news may be lost anyway.
    const toldOf = storage?.publishes !== true ? undefined : import('./news.js').then(({ News }) => {
      parts.news = new News(parts, runtime.randomBytes(8), trust === undefined)
      background(parts.news.listen().catch(() => {}))
    }).catch(() => {})
    let enabled = runtime.disabled?.() !== true
    let closed: Promise<void> | undefined
    /** The core answers calls, or stands by. */
    const place = (core: Core | undefined): void => {
      const out = closed !== undefined ? 'closed' : enabled ? undefined : 'disabled'
      parts.out = out ?? 'no-core'
      parts.core = out === undefined ? core : undefined
      parts.standby = out === undefined ? undefined : core
    }
    let told = false
    const newCore = async (maxBytes: number, keepsKeys: boolean): Promise<Core> => {
      const secret = new Uint32Array(runtime.randomBytes(16).buffer)
      const made = (source: CoreSource): Promise<Core> => Core.create(source, { ...parsed, maxBytes }, secret, keepsKeys)
      try {
        return await made(await compile(parsed.compress))
      } catch (error) {
        // Another failure than a refusal, as of the network, is no reason to work more slowly from then on.
        if (runtime.fallback === undefined || !isRefusal(error)) throw error
        const core = await made(await runtime.fallback())
        if (!told) emit?.({ type: 'fallback', why: whyFallback(error), error })
        told = true
        return core
      }
    }
    const start = async (): Promise<void> => {
      try {
        const core = await newCore(parsed.maxBytes, storage !== undefined || namesKeys)
        place(core)
        parts.tokens.retell(pair => core.setToken(pair))
      } catch (error) {
        place(undefined)
        emit?.({ type: 'uncached', why: whyNoCore(error), error })
      }
    }
    const turn = (on: boolean): void => {
      enabled = on
      place(parts.core ?? parts.standby)
    }
    const letGo = (): Promise<void> => {
      closed ??= (async () => {
        parts.flights.abandonBackground()
        await parts.flights.unloaded()
        await parts.tokens.settled()
        await storage?.close(parts.tokens.untold)
      })()
      place(parts.core ?? parts.standby)
      return closed
    }
    await Promise.all([(starting = start()), toldOf])
    return new Cache(parts, parsed, new Planner(parsed.scope, parsed), letGo, turn)
  }
}

/** A host that refuses work in the background (a waitUntil after its request has ended) does not fail the call; the work goes on as far as the host lets it. */
function handedOver(take: (work: Promise<unknown>) => void): (work: Promise<unknown>) => void {
  return work => {
    try {
      take(work)
    } catch {
      // The work has begun all the same.
    }
  }
}

function canDraw(runtime: Runtime): boolean {
  try {
    return runtime.randomBytes(1).length === 1
  } catch {
    return false
  }
}

/** There is no WebAssembly here, or nothing to unpack it with, or this page may not use it. (Some browsers refuse to compile, WebKit to make an instance, and older ones by EvalError.) */
function isRefusal(error: unknown): boolean {
  return error instanceof ReferenceError || error instanceof EvalError || (typeof WebAssembly === 'object' && error instanceof WebAssembly.CompileError)
}

function whyFallback(error: unknown): string {
  return `WebAssembly could not be started here, so the cache runs on its core in JavaScript, which is slower. ${whatToDo(error)}`
}

function whyNoCore(error: unknown): string {
  return `WebAssembly could not be started here, so calls run their functions uncached. ${whatToDo(error)}`
}

function whatToDo(error: unknown): string {
  const byPolicy = error instanceof Error && /content security policy|unsafe-eval|by CSP/i.test(error.message)
  return byPolicy ? "Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy." : 'The error says what was refused.'
}
