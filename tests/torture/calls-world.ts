/** The world of one seed: time that moves when it is told, a storage with its bad days, processes that share it, functions that end when they are told. */
import { createHash } from 'node:crypto'
import type { Cache } from '../../js/cache.js'
import type { CallContext } from '../../js/context.js'
import { createCacheIn } from '../../js/create.js'
import type { Clock, ReadOptions } from '../../js/options.js'
import type { Runtime } from '../../js/runtimes/runtime.js'
import { memory } from '../../js/storage/memory.js'
import { type FaultyStorage, faultyStorage } from '../../js/testing/index.js'
import { compile } from '../js/harness.js'
import type { KeySpec, Rules } from './calls-model.js'
import type { Random } from './random.js'

/** Stands still until it is moved. What falls due runs at its own time, and has its turn before time goes on. */
export class Time implements Clock {
  wall = 1_000_000
  elapsed = 0
  private readonly timers = new Set<{ readonly at: number; readonly run: () => void }>()

  /** `moved`: told of every change of the time of day. */
  constructor(private readonly chance: () => number, private readonly moved: () => void) {}

  readonly now = (): number => this.wall
  readonly stopwatch = (): number => this.elapsed
  readonly random = (): number => this.chance()

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.elapsed + Math.max(0, ms), run }
    this.timers.add(timer)
    return () => void this.timers.delete(timer)
  }

  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.elapsed + ms
    for (;;) {
      await settle()
      let due: { readonly at: number; readonly run: () => void } | undefined
      for (const timer of this.timers) if (timer.at <= end && (due === undefined || timer.at < due.at)) due = timer
      const to = Math.max(this.elapsed, due?.at ?? end)
      this.wall += to - this.elapsed
      this.elapsed = to
      this.moved()
      if (due === undefined) return
      this.timers.delete(due)
      due.run()
    }
  }

  /** Someone turns the hands of the clock. */
  step(ms: number): void {
    this.wall = Math.max(0, this.wall + ms)
    this.moved()
  }
}

/** A wrapped function, or the options of keys that users make. */
export interface Spec {
  readonly name: string | undefined
  readonly scope: string | undefined
  readonly options: ReadOptions
  readonly rules: Rules
  readonly tags: readonly string[]
  readonly tagsByArgument: boolean
  readonly keys: readonly KeySpec[]
}

export const tagNames = ['red', 'green', 'blue'] as const

export function tagsOf(spec: Spec, n: number): string[] {
  return spec.tagsByArgument ? [tagNames[n % tagNames.length]!] : [...spec.tags]
}

/** As a value says what is wrong with it: what `validate` looks for. */
const isValid = (value: unknown): boolean => (value as { valid?: boolean } | undefined)?.valid !== false

/** A function of the seed: each option is there or not. */
export function randomSpec(random: Random, name: string | undefined, scope: string | undefined): Spec {
  const maybe = <T>(n: number, value: T): T | undefined => (random.oneIn(n) ? value : undefined)
  const ttl = random.pick([0, 40, 150, 600, 5_000, 'forever'] as const)
  const idle = maybe(5, random.pick([60, 400]))
  const swr = maybe(2, random.pick([50, 300, 2_000]))
  const staleIfError = maybe(2, random.pick([50, 400, 3_000]))
  const softTimeout = staleIfError === undefined ? undefined : maybe(2, random.pick([20, 120]))
  const timeout = maybe(5, random.pick([80, 300]))
  const errorTtl = maybe(4, random.pick([60, 500]))
  const validates = random.oneIn(4)
  const freeze = random.oneIn(4)
  const keepAlive = random.oneIn(4)
  const options: ReadOptions = {
    ttl,
    ...given({ idle, swr, staleIfError, softTimeout, timeout, jitter: maybe(4, 0.5), refreshAt: maybe(4, 0.6), earlyExpiry: maybe(8, 1) }),
    ...(errorTtl === undefined ? {} : { cacheErrors: { ttl: errorTtl, when: (error: unknown) => error instanceof Error && error.message.startsWith('run ') } }),
    ...(validates ? { validate: random.oneIn(2) ? isValid : async (value: unknown) => isValid(value) } : {}),
    freeze,
    keepAlive,
  }
  return {
    name,
    scope,
    options,
    rules: {
      ttlMs: ttl === 'forever' ? Infinity : ttl,
      idleMs: idle ?? Infinity,
      swrMs: swr ?? 0,
      staleIfErrorMs: staleIfError ?? 0,
      softTimeoutMs: softTimeout ?? Infinity,
      timeoutMs: timeout ?? Infinity,
      errorTtlMs: errorTtl ?? 0,
      validates,
      freezes: freeze,
      keepAlive,
    },
    tags: random.shuffled(tagNames).slice(0, random.below(3)),
    tagsByArgument: name !== undefined && random.oneIn(3),
    keys: [0, 1, 2].slice(0, name === undefined ? 1 : 1 + random.below(3)).map(n => ({ text: `${scope ?? ''}/${name ?? 'user'}:${n}`, scope, name })),
  }
}

function given(options: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(options).filter((entry): entry is [string, number] => entry[1] !== undefined))
}

export interface Shape {
  /** bad: fails, and damages what it reads. lying: the same, and says that it has written what it has not. */
  readonly storage: 'none' | 'clean' | 'slow' | 'bad' | 'bad and slow' | 'lying' | 'lying and slow'
  readonly processes: number
  readonly lag: number | 'forever'
  readonly maxBytes: number
}

export function randomShape(random: Random): Shape {
  return {
    storage: random.pick(['none', 'clean', 'clean', 'slow', 'slow', 'bad', 'bad and slow', 'lying', 'lying and slow'] as const),
    processes: random.oneIn(2) ? 2 : 1,
    lag: random.pick([100, 100, 1_000, 'forever'] as const),
    maxBytes: random.oneIn(3) ? 1_000_000 : 4_000_000,
  }
}

export function openStorage(shape: Shape, seed: number, clock: Clock): FaultyStorage | undefined {
  if (shape.storage === 'none') return undefined
  return faultyStorage({ seed, clock, storage: memory(), delayMs: shape.storage.endsWith('slow') ? 20 : 0 })
}

export type Compute = (process: number, spec: Spec, n: number, context: CallContext) => Promise<unknown>

/** What one process has open. */
export interface Process {
  readonly id: number
  readonly cache: Cache
  readonly scoped: Cache
  readonly asks: Map<Spec, Ask>
  readonly openedSeq: number
  enabled: boolean
  closed: boolean
  /** How often it was turned off, on or closed. */
  turns: number
  /** Calls that its stats should count. */
  calls: number
}

export type Ask = ((n: number) => Promise<unknown>) & {
  with(options: { signal?: AbortSignal; deadline?: number; forceFresh?: boolean }): (n: number) => Promise<unknown>
  peek(n: number): Promise<unknown>
  invalidate(n: number): Promise<void>
  expire(n: number): Promise<void>
}

export async function openProcess(id: number, seq: number, shape: Shape, specs: readonly Spec[], storage: FaultyStorage | undefined, time: Time, random: Random, compute: Compute): Promise<Process> {
  const runtime: Runtime = {
    ...{ now: time.now, stopwatch: time.stopwatch, after: time.after, random: time.random },
    name: 'simulated',
    compile,
    randomBytes: count => new Uint8Array(count).map(() => random.below(256)),
    digest: () => bytes => new Uint8Array(createHash('sha256').update(bytes).digest()),
    background: () => {},
    defaultStorage: () => undefined,
  }
  const cache = await createCacheIn(runtime)({ storage: storage ?? false, memory: { maxBytes: shape.maxBytes }, invalidationLag: shape.lag })
  const scoped = cache.scope('inner')
  const asks = new Map<Spec, Ask>()
  for (const spec of specs) {
    if (spec.name === undefined) continue
    const fn = (context: CallContext, n: number): Promise<unknown> => compute(id, spec, n, context)
    const tags = spec.tagsByArgument ? (n: number) => tagsOf(spec, n) : spec.tags
    asks.set(spec, (spec.scope === undefined ? cache : scoped).wrap(fn, { ...spec.options, name: spec.name, tags, context: true }))
  }
  return { id, cache, scoped, asks, openedSeq: seq, enabled: true, closed: false, turns: 0, calls: 0 }
}
