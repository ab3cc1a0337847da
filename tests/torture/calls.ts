/**
 * Thousands of interleavings of calls, of what their functions do, of invalidations, aborts, clocks and storage faults; every answer is
 * compared with what calls-model.ts says may be one. All of it comes from a seed: the same seed, the same course.
 *
 * Operations are issued one after the other without waiting for any; now and then a drain lets everything go on that can. So what the cache
 * does between two of its awaits meets whatever a program may do there.
 */
import { inspect } from 'node:util'
import { DeadlineError } from '../../js/errors.js'
import type { Group } from '../../js/cache.js'
import type { CallContext } from '../../js/context.js'
import type { FaultyStorage } from '../../js/testing/index.js'
import { type Call, type Invalidation, Model, type KeySpec, type Rules, type Run, type Surroundings } from './calls-model.js'
import { openProcess, openStorage, type Process, randomShape, randomSpec, type Shape, type Spec, tagNames, tagsOf, Time } from './calls-world.js'
import { kind, loadFor } from '../../js/value.js'
import { freshSeed, Random } from './random.js'

export interface Divergence {
  readonly seed: number
  /** The number of the operation. */
  readonly step: number
  readonly expected: string
  /** What kind of world it is, and what went before, one line each. */
  readonly operations: readonly string[]
}

/** A call that was made, and what the simulator can do to it. */
interface Pending extends Call {
  readonly controller: AbortController | undefined
  readonly deadlineMs: number
  /** It may have run its function without any cache. */
  bypass: boolean
  /** The computation that it certainly waits for. */
  aboard: Computation | undefined
  done: boolean
  /** By its signal or its deadline. */
  left: boolean
}

/** A run that the simulator can end. */
interface Computation {
  readonly run: Run
  readonly spec: Spec
  readonly context: CallContext
  readonly bypass: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Later calls of its key certainly wait for it. */
  current: boolean
  /** The one call for which it was begun, where that is certain. */
  owner: Pending | undefined
}

/** What the simulator changes about an answer, to see whether anybody else notices. */
interface Answer {
  run: number
  valid?: boolean
  inner: { n: number }
  list: number[]
  pad?: string
  spoiled?: true
}

const defaults: Rules = {
  ttlMs: Infinity, idleMs: Infinity, swrMs: 0, staleIfErrorMs: 0, softTimeoutMs: Infinity, timeoutMs: Infinity, errorTtlMs: 0, validates: false, freezes: false, keepAlive: false,
}

const never = { seq: -1, elapsed: -Infinity }

class Diverged extends Error {}

class Simulation implements Surroundings {
  seq = 0
  clean = true
  drainedWall = 0
  honest = true
  lastBack = 0
  readonly hasStorage: boolean
  readonly single: boolean
  readonly lagMs: number
  readonly delayMs: number
  failure: string | undefined
  private readonly random: Random
  private readonly shape: Shape
  private readonly time: Time
  private readonly model: Model
  private readonly storage: FaultyStorage | undefined
  private readonly specs: readonly Spec[]
  private readonly processes: Process[] = []
  private readonly opened: number[] = []
  private pending: Pending[] = []
  private running: Computation[] = []
  /** Runs that have ended, and may not have landed yet. */
  private landing: Run[] = []
  /** Promises other than calls' that are still open. */
  private verbs = 0
  private readonly handedOut = new WeakSet<object>()
  private readonly lines: string[] = []
  private batch: Pending[] = []
  private batchSize = 0
  /** The first operation since the last drain. */
  private batchFrom = 0
  private readonly loosened = new Map<string, { readonly seq: number; readonly elapsed: number }>()
  private lastWall = 0

  constructor(readonly seed: number) {
    this.random = new Random(seed, 0)
    this.shape = randomShape(this.random)
    const { storage, processes, lag } = this.shape
    this.hasStorage = storage !== 'none'
    this.single = processes === 1
    this.lagMs = lag === 'forever' ? Infinity : lag
    this.delayMs = storage.endsWith('slow') ? 20 : 0
    const chance = new Random(seed, 1)
    this.time = new Time(() => chance.bits() / 2 ** 32, () => this.timeMoved())
    this.lastWall = this.time.wall
    this.model = new Model(this)
    this.storage = openStorage(this.shape, seed, this.time)
    const scope = (): string | undefined => (this.random.oneIn(3) ? 'inner' : undefined)
    this.specs = [
      ...['f', 'g', 'h'].map(name => randomSpec(this.random, name, scope())),
      ...[0, 1].map(() => randomSpec(this.random, undefined, undefined)),
    ].map((spec, i) => (spec.name === undefined ? { ...spec, keys: [{ ...spec.keys[0]!, text: `user:${i}` }] } : spec))
  }

  get wall(): number {
    return this.time.wall
  }

  get elapsed(): number {
    return this.time.elapsed
  }

  openedSeq(process: number): number {
    return this.opened[process]!
  }

  async run(steps: number): Promise<void> {
    for (let i = 0; i < this.shape.processes; i++) await this.open(i)
    while (this.seq < steps) {
      this.seq++
      await this.step()
      if (this.random.oneIn(2)) await this.drain()
    }
    await this.end()
  }

  report(expected: string): Divergence {
    return { seed: this.seed, step: this.seq, expected, operations: [inspect(this.shape, { breakLength: Infinity }), ...this.lines.slice(-15)] }
  }

  // ---- what can happen ----------------------------------------------------------------------------

  private async step(): Promise<void> {
    const { random } = this
    const dice = random.below(100)
    const process = random.pick(this.processes)
    if (dice < 38) return this.call(process)
    if (dice < 62 || this.running.length > 12) return this.finish()
    if (dice < 67) return this.abort()
    if (dice < 76) return this.advance(random.pick([1, 5, 15, 40, 120, 500]))
    if (dice < 77) return this.turnClock()
    if (dice < 83) return this.invalidate(process, false)
    if (dice < 86) return this.invalidate(process, true)
    if (dice < 88) return this.invalidateKey(process)
    if (dice < 91) return this.set(process, random.oneIn(6))
    if (dice < 95) return this.look(process)
    if (dice < 97) return this.peek(process)
    if (dice < 98) return this.turnStorage()
    return random.oneIn(4) ? this.reopen(process) : random.oneIn(2) ? this.match(process) : this.turnCache(process)
  }

  private call(process: Process): void {
    const { random } = this
    const spec = random.pick(this.specs)
    const n = random.below(spec.keys.length)
    const key = spec.keys[n]!
    const controller = random.oneIn(3) ? new AbortController() : undefined
    const deadlineMs = random.oneIn(6) ? random.pick([10, 60, 250]) : Infinity
    const forceFresh = random.oneIn(10)
    const options = { ...(controller && { signal: controller.signal }), ...(deadlineMs < Infinity && { deadline: deadlineMs }), ...(forceFresh && { forceFresh }) }
    const call = this.begin(process, key, spec.rules, 'boards', controller, deadlineMs)
    this.note(`${process.id}: call ${key.text} ${Object.keys(options).join(' ')}`)
    if (forceFresh) this.loosen(process.id, key)
    const ask = process.asks.get(spec)
    const { cache } = process
    const answer = ask === undefined
      ? cache.getOrSet(key.text, context => this.compute(process.id, spec, n, context), { ...spec.options, tags: spec.tags, ...options })
      : Object.keys(options).length > 0 ? ask.with(options)(n) : ask(n)
    this.await(call, answer)
  }

  private look(process: Process): void {
    const [key] = this.random.pick(this.specs.filter(({ name }) => name === undefined)).keys
    this.note(`${process.id}: get ${key!.text}`)
    this.await(this.begin(process, key!, defaults, 'looks'), process.cache.get(key!.text))
  }

  private peek(process: Process): void {
    const spec = this.random.pick(this.specs.filter(({ name }) => name !== undefined))
    const n = this.random.below(spec.keys.length)
    this.note(`${process.id}: peek ${spec.keys[n]!.text}`)
    this.await(this.begin(process, spec.keys[n]!, spec.rules, 'peeks'), process.asks.get(spec)!.peek(n))
  }

  private set(process: Process, big: boolean): void {
    const { random } = this
    const spec = random.pick(this.specs.filter(({ name }) => name === undefined))
    const key = big ? { text: `big:${random.below(40)}`, scope: undefined, name: undefined } : spec.keys[0]!
    const ttl = random.pick([60, 400, 'forever'] as const)
    const swr = random.pick([0, 200])
    const rules: Rules = { ...defaults, ttlMs: ttl === 'forever' ? Infinity : ttl, swrMs: swr }
    const run = this.newRun(process.id, key, rules, [...spec.tags], true)
    run.valid = !random.oneIn(4)
    this.note(`${process.id}: set ${key.text} to run ${run.id}`)
    this.loosen(process.id, key)
    this.ended(run, 'value')
    const value = this.valueOf(run, big ? 60_000 : 0)
    const invalidation: Invalidation = { seq: this.seq, process: process.id, what: { key: key.text }, soft: false, atOnce: false, doneSeq: Infinity, doneElapsed: Infinity }
    const kept = process.enabled && !process.closed
    const turns = process.turns
    this.verb(process.cache.set(key.text, value, { ttl, swr, tags: spec.tags }), () => {
      run.startSeq = Math.max(run.startSeq, this.seq)
      this.landed(run)
      this.spoil(value)
      if (process.turns === turns) invalidation.doneSeq = this.seq
    })
    // What it replaces is over.
    if (kept && !big) this.model.invalidations.push(invalidation)
  }

  private finish(): void {
    const { random } = this
    if (this.running.length === 0) return
    const computation = random.pick(this.running)
    const { run, context } = computation
    const dice = random.below(10)
    const tells = random.oneIn(6)
    if (tells) {
      const tag = random.pick(tagNames)
      this.note(`run ${run.id} of ${run.key.text} in ${run.process} tells its tag ${tag}`)
      run.toldTags.push({ tag, seq: this.seq })
      context.tags(tag)
      // If it was renewed since, later callers have another run.
      this.loosen(run.process, run.key)
      if (random.oneIn(2)) return
    }
    if (random.oneIn(8)) {
      run.ttlMs = random.pick([0, 30, 300])
      context.ttl(run.ttlMs)
    }
    if (dice < 3) {
      this.note(`run ${run.id} of ${run.key.text} in ${run.process} fails`)
      run.ttlMs = run.rules.errorTtlMs
      this.over(computation, 'error')
      computation.reject(new Error(`run ${run.id}`))
    } else if (dice < 4 && !run.rules.validates) {
      this.note(`run ${run.id} of ${run.key.text} in ${run.process} returns undefined`)
      this.over(computation, 'undefined')
      computation.resolve(undefined)
    } else {
      run.valid = !random.oneIn(5)
      run.skipped = random.oneIn(10)
      this.note(`run ${run.id} of ${run.key.text} in ${run.process} returns${run.skipped ? ', skipped' : ''}${run.valid ? '' : ', not valid'}`)
      this.over(computation, 'value')
      const value = this.valueOf(run, 0)
      computation.resolve(run.skipped ? context.skip(value) : value)
    }
  }

  private async abort(): Promise<void> {
    const able = this.pending.filter(({ controller }) => controller !== undefined && !controller.signal.aborted)
    if (able.length === 0) return
    const call = this.random.pick(able)
    this.note(`abort the call #${call.seq} of ${call.key.text}`)
    call.controller!.abort(new Error(`abort #${call.seq}`))
    await this.drain()
    if (!call.done && call.aboard !== undefined) this.diverged(`the call #${call.seq} of ${call.key.text} should have rejected with the reason of its signal, and waits on`)
  }

  private async advance(ms: number): Promise<void> {
    this.note(`${ms} ms go by: ${this.elapsed + ms}`)
    await this.time.advance(ms, () => this.drain())
  }

  private turnClock(): void {
    const ms = this.random.pick([-2_000, -300, -50, 50, 300, 2_000, 86_400_000])
    this.note(`the clock is turned by ${ms} ms`)
    this.time.step(ms)
  }

  private invalidate(process: Process, soft: boolean): void {
    const { random } = this
    const inner = random.oneIn(3)
    const scope = inner ? 'inner' : undefined
    const cache = inner ? process.scoped : process.cache
    const tag = random.pick(tagNames)
    const name = random.pick(['f', 'g', 'h'])
    const [group, what] = random.pick<readonly [Group, Invalidation['what']]>([
      [{ tag }, { tag, scope }], [{ tag }, { tag, scope }], [{ name }, { name, scope }], ['all', { all: scope }], inner ? ['all', { all: scope }] : [{ scope: 'inner' }, { all: 'inner' }],
    ])
    this.note(`${process.id}: ${soft ? 'expire' : 'invalidate'} ${inspect(what)}`)
    this.invalidated(process, what, soft, soft ? cache.expire(group) : cache.invalidate(group))
  }

  private invalidateKey(process: Process): void {
    const { random } = this
    const spec = random.pick(this.specs)
    const n = random.below(spec.keys.length)
    const key = spec.keys[n]!
    const ask = process.asks.get(spec)
    const soft = ask !== undefined && random.oneIn(2)
    this.note(`${process.id}: ${soft ? 'expire' : 'forget'} ${key.text}`)
    this.invalidated(process, { key: key.text }, soft, ask === undefined ? process.cache.delete(key.text) : soft ? ask.expire(n) : ask.invalidate(n))
  }

  private async match(process: Process): Promise<void> {
    if (process.closed) return
    await this.drain()
    this.note(`${process.id}: invalidate { match: 'user:*' }`)
    for (const { name, keys } of this.specs) {
      if (name === undefined) this.loosen(process.id, keys[0]!)
    }
    const found = this.specs.filter(({ name }) => name === undefined).map(({ keys }): Invalidation => ({
      seq: this.seq, process: process.id, what: { key: keys[0]!.text }, soft: false, atOnce: false, doneSeq: Infinity, doneElapsed: Infinity,
    }))
    if (process.enabled) this.model.invalidations.push(...found)
    let over = false
    this.verb(process.cache.invalidate({ match: 'user:*' }).finally(() => { over = true }), () => {
      for (const invalidation of found) invalidation.doneSeq = this.seq
    })
    // The module is there, but asking for it takes turns of its own, which no seed repeats: as many are waited for as can be needed.
    await import('../../js/scan.js')
    for (let turns = 0; turns < 20 || (this.delayMs === 0 && !over && turns < 1_000); turns++) await new Promise<void>(resolve => setImmediate(resolve))
  }

  private turnStorage(): void {
    const { random, storage } = this
    if (storage === undefined || this.shape.storage === 'clean' || this.shape.storage === 'slow') return
    const { faults } = storage
    faults.fail = random.pick([0, 0, 0.3, 1])
    faults.lose = this.shape.storage.startsWith('lying') ? random.pick([0, 0, 0.3]) : 0
    faults.damage = random.pick([0, 0, 0.3])
    if (faults.lose > 0) this.honest = false
    if (faults.fail + faults.lose + faults.damage > 0) this.clean = false
    for (const { id } of this.processes) this.loosen(id)
    this.note(`storage: fail ${faults.fail} lose ${faults.lose} damage ${faults.damage}`)
  }

  private turnCache(process: Process): void {
    this.note(`${process.id}: ${process.enabled ? 'disable' : 'enable'}`)
    this.loosen(process.id)
    this.bypassed(process)
    process.enabled = !process.enabled
    process.turns++
    if (process.enabled) process.cache.enable()
    else process.cache.disable()
  }

  /** Calls that still wait for tokens will find no cache. */
  private bypassed({ id }: Process): void {
    for (const call of this.delayMs === 0 ? this.batch : this.pending) if (call.process === id) call.bypass = true
  }

  /** The process ends, and another begins on the same storage. */
  private async reopen(process: Process): Promise<void> {
    this.note(`${process.id}: close`)
    await this.drain()
    this.loosen(process.id)
    this.bypassed(process)
    process.closed = true
    process.turns++
    let closed = false
    void process.cache.close().then(() => {
      closed = true
    })
    while (!closed) await this.advance(20)
    if (this.hasStorage || this.pending.every(call => call.process !== process.id)) {
      const next = this.opened.length
      this.processes.splice(this.processes.indexOf(process), 1)
      await this.open(next)
    }
  }

  private async open(id: number): Promise<void> {
    this.note(`${id}: open`)
    this.opened[id] = this.seq
    this.processes.push(await openProcess(id, this.seq, this.shape, this.specs, this.storage, this.time, new Random(this.seed, 2 + id), (...run) => this.compute(...run)))
  }

  // ---- calls, runs and verbs, from their beginning to their end -------------------------------------

  private begin(process: Process, key: KeySpec, rules: Rules, kind: Call['kind'], controller?: AbortController, deadlineMs = Infinity): Pending {
    const bypass = process.closed || !process.enabled
    if (kind !== 'peeks') process.calls++
    return { seq: this.seq, process: process.id, key, rules, kind, startElapsed: this.elapsed, startWall: this.wall, earliest: this.wall, controller, deadlineMs, bypass, aboard: undefined, done: false, left: false }
  }

  private await(call: Pending, answer: Promise<unknown>): void {
    this.pending.push(call)
    this.batch.push(call)
    answer.then(
      value => this.check(call, () => this.answered(call, value)),
      (error: unknown) => this.check(call, () => this.rejected(call, error)),
    )
  }

  private check(call: Pending, judge: () => string | undefined): void {
    call.done = true
    if (this.delayMs > 0 && call.kind === 'boards') this.loosen(call.process, call.key)
    const wrong = judge()
    if (wrong !== undefined) this.failure ??= `the call #${call.seq} of ${call.key.text} in ${call.process}, made at ${call.startWall}, ${wrong}; options: ${inspect(call.rules, { breakLength: Infinity })}`
  }

  private answered(call: Pending, value: unknown): string | undefined {
    if (value === undefined) {
      if (call.kind !== 'boards') return undefined
      const runs = this.model.ofKey(call.key).filter(({ end }) => end === 'undefined')
      const reasons = runs.map(run => this.verdict(call, run))
      return reasons.includes(undefined) ? undefined : `was answered undefined, and ${reasons.length === 0 ? 'no run returned that' : `that ${reasons.at(-1)}`}`
    }
    const answer = value as Answer
    const run = this.model.runs[answer.run]
    if (run === undefined) return `was answered ${inspect(value)}, which nobody made`
    if (answer.spoiled === true || answer.inner.n !== run.id || answer.list.length !== 1) return `was answered ${inspect(value)}, which another caller has changed`
    if (this.handedOut.has(answer)) return `was given the very object that another caller has, of run ${run.id}`
    const direct = run.skipped || (run.rules.validates && !run.valid) || call.bypass
    if (call.rules.freezes && call.kind !== 'looks' && !direct && !(Object.isFrozen(answer) && Object.isFrozen(answer.inner))) {
      // A peek's is the caller's own copy, where it comes from storage.
      if (call.kind === 'boards') return `was answered run ${run.id}, which is not frozen`
    }
    const wrong = this.verdict(call, run)
    if (!Object.isFrozen(answer)) {
      this.handedOut.add(answer)
      this.spoil(answer)
    }
    return wrong && `was answered run ${run.id}, which ${wrong}`
  }

  private rejected(call: Pending, error: unknown): string | undefined {
    const { controller } = call
    call.left = true
    if (controller?.signal.aborted === true && error === controller.signal.reason) return undefined
    const told = `rejected with ${inspect(error, { depth: 0 }).split('\n')[0]}`
    if (error instanceof DeadlineError) {
      if (error.message.includes("caller's deadline")) return this.elapsed >= call.startElapsed + call.deadlineMs ? undefined : `${told} after ${this.elapsed - call.startElapsed} ms`
      return this.model.tookTooLong(call) ? undefined : `${told}, though nothing took so long`
    }
    call.left = false
    const id = error instanceof Error ? /^run (\d+)$/.exec(error.message)?.[1] : undefined
    if (id === undefined) return told
    const run = this.model.runs[Number(id)]!
    const wrong = this.verdict(call, run)
    return wrong && `${told}, which ${wrong}`
  }

  private verdict(call: Pending, run: Run): string | undefined {
    const wrong = this.model.refuses(call, run)
    run.touched = Math.max(run.touched, this.wall, call.startWall)
    return wrong
  }

  /** A function was called. */
  private compute(process: number, spec: Spec, n: number, context: CallContext): Promise<unknown> {
    const key = spec.keys[n]!
    const bypass = !this.answers(process)
    const { random } = this
    if (!bypass) {
      for (const { run, current } of this.running) {
        if (current && run.process === process && run.key === key && this.elapsed < run.startElapsed + run.rules.timeoutMs) {
          this.failure ??= `the function of ${key.text} was called while run ${run.id} was making its result, in process ${process}`
        }
      }
    }
    const run = this.newRun(process, key, spec.rules, tagsOf(spec, n), false)
    if (!bypass && context.signal.aborted) this.failure ??= `the function of ${key.text} was called when nobody wanted its result any more`
    const { stale } = context
    if (stale !== undefined && this.model.runs[(stale as Answer).run]?.key !== key) this.failure ??= `run ${run.id} of ${key.text} was told that ${inspect(stale)} is stale`
    const obeys = random.oneIn(2)
    return new Promise((resolve, reject) => {
      const computation: Computation = { run, spec, context, bypass, resolve, reject, current: !bypass && this.isCurrent(process, key), owner: undefined }
      this.running.push(computation)
      // (What is stale is refreshed whether somebody waits or not, also where `validate` then refuses it.)
      const mayRefresh = spec.rules.validates && spec.rules.swrMs > 0
      if (this.batchSize === 1 && this.batch.length === 1 && !bypass && this.delayMs === 0 && !mayRefresh) computation.owner = this.batch[0]
      if (bypass) return
      context.signal.addEventListener('abort', () => {
        if (run.end !== 'running') return
        run.aborted = true
        computation.current = false
        const timedOut = this.elapsed >= run.startElapsed + run.rules.timeoutMs
        const stillAboard = this.pending.find(call => call.aboard === computation && !call.done && call.controller?.signal.aborted !== true && this.elapsed < call.startElapsed + call.deadlineMs)
        if (!timedOut && stillAboard !== undefined) this.failure ??= `the signal of run ${run.id} aborted, and the call #${stillAboard.seq} of ${key.text} still waits for it`
        if (!obeys) return
        this.over(computation, 'error')
        run.ttlMs = 0
        reject(context.signal.reason)
      })
    })
  }

  private answers(id: number): boolean {
    const process = this.processes.find(process => process.id === id)
    return process !== undefined && process.enabled && !process.closed
  }

  private newRun(process: number, key: KeySpec, rules: Rules, tags: string[], given: boolean): Run {
    const run: Run = {
      id: this.model.runs.length, process, key, rules, tags, toldTags: [], given, startSeq: this.seq, startElapsed: this.elapsed, end: 'running',
      landSeq: Infinity, endElapsed: Infinity, made: 0, touched: 0, ttlMs: rules.ttlMs, skipped: false, valid: true, aborted: false,
    }
    this.model.add(run)
    return run
  }

  private valueOf(run: Run, pad: number): Answer {
    return { run: run.id, valid: run.valid, inner: { n: run.id }, list: [run.id], ...(pad > 0 && { pad: 'x'.repeat(pad) }) }
  }

  private spoil(answer: Answer): void {
    answer.spoiled = true
    answer.inner.n = -1
    answer.list.push(-1)
  }

  private over(computation: Computation, end: 'value' | 'undefined' | 'error'): void {
    this.running.splice(this.running.indexOf(computation), 1)
    computation.current = false
    this.ended(computation.run, end)
  }

  private ended(run: Run, end: 'value' | 'undefined' | 'error'): void {
    run.end = end
    run.endElapsed = this.elapsed
    run.made = run.touched = this.wall
    this.landing.push(run)
  }

  private landed(run: Run): void {
    run.landSeq = this.seq
    this.landing = this.landing.filter(other => other !== run)
  }

  private invalidated(process: Process, what: Invalidation['what'], soft: boolean, done: Promise<void>): void {
    this.loosen(process.id)
    if (process.closed) return void done.catch(() => {})
    const invalidation: Invalidation = { seq: this.seq, process: process.id, what, soft, atOnce: true, doneSeq: Infinity, doneElapsed: Infinity }
    this.model.invalidations.push(invalidation)
    this.verb(done, () => {
      invalidation.doneSeq = this.seq
      invalidation.doneElapsed = this.elapsed
    })
  }

  private verb(work: Promise<unknown>, done: () => void): void {
    this.verbs++
    const ended = (): void => void this.verbs--
    work.then(done).catch((error: unknown) => {
      if (this.clean) this.failure ??= `a verb rejected with ${inspect(error)}`
    }).finally(ended)
  }

  /** Whoever calls next for this key, or, without one, for any, may wait for another run. */
  private loosen(process: number, key?: KeySpec): void {
    for (const computation of this.running) {
      if (computation.run.process === process && (key === undefined || computation.run.key === key)) computation.current = false
    }
    this.loosened.set(`${process} ${key?.text ?? ''}`, { seq: this.seq, elapsed: this.elapsed })
  }

  /** The last time that was done. */
  private lastLoosened(process: number, key: KeySpec): { readonly seq: number; readonly elapsed: number } {
    const one = this.loosened.get(`${process} ${key.text}`) ?? never
    const all = this.loosened.get(`${process} `) ?? never
    return one.seq > all.seq ? one : all
  }

  /** A run that begins now was wanted by someone who called after that. */
  private isCurrent(process: number, key: KeySpec): boolean {
    // What was renewed elsewhere, or lost, may be learned at any time.
    if (this.hasStorage && !(this.single && this.clean)) return false
    const { seq, elapsed } = this.lastLoosened(process, key)
    return this.delayMs === 0 ? seq < this.batchFrom : elapsed + 12 * this.delayMs < this.elapsed
  }

  private timeMoved(): void {
    const { wall } = this.time
    for (const run of this.landing) run.touched = run.made = Math.max(run.made, wall)
    if (wall < this.lastWall) {
      this.lastBack = this.seq
      for (const call of this.pending) call.earliest = Math.min(call.earliest, wall)
    }
    this.lastWall = wall
  }

  // ---- what must hold between operations -----------------------------------------------------------

  /** Everything goes on that can. */
  private async drain(): Promise<void> {
    await new Promise<void>(resolve => setImmediate(resolve))
    if (this.failure !== undefined) throw new Diverged(this.failure)
    this.landing = this.landing.filter(run => {
      if (run.given || (this.delayMs > 0 && this.elapsed < run.endElapsed + 10 * this.delayMs)) return true
      run.landSeq = this.seq
      return false
    })
    const { batch } = this
    this.drainedWall = this.wall
    this.batch = []
    this.batchSize = 0
    this.batchFrom = this.seq + 1
    if (this.pending.some(({ done }) => done)) this.pending = this.pending.filter(({ done }) => !done)
    if (this.delayMs > 0) return
    for (const call of batch) {
      if (!call.done && this.lastLoosened(call.process, call.key).seq <= call.seq) {
        call.aboard = this.running.find(({ run, current }) => current && run.process === call.process && run.key === call.key && this.elapsed < run.startElapsed + run.rules.timeoutMs)
      }
    }
    if (this.verbs > 0) this.diverged(`${this.verbs} verbs wait for nothing`)
    for (const call of this.pending) {
      if (!this.running.some(({ run }) => run.process === call.process && run.key === call.key)) this.diverged(`the call #${call.seq} of ${call.key.text} in ${call.process} waits, and nothing runs that could answer it`)
      if (call.aboard !== undefined && call.aboard.run.end !== 'running') this.diverged(`the call #${call.seq} of ${call.key.text} was not answered when run ${call.aboard.run.id} ended`)
      if (this.elapsed > call.startElapsed + call.deadlineMs && !call.bypass) this.diverged(`the call #${call.seq} of ${call.key.text} waits beyond its deadline`)
    }
    for (const { run, owner, context, bypass } of this.running) {
      if (bypass || owner === undefined || !owner.left || run.rules.keepAlive || context.signal.aborted || this.elapsed >= run.startElapsed + run.rules.softTimeoutMs) continue
      if (!this.pending.some(call => call.process === run.process && call.key === run.key)) this.diverged(`nobody waits for run ${run.id} of ${run.key.text} any more, and its signal did not abort`)
    }
  }

  /** All that is open comes to its end. */
  private async end(): Promise<void> {
    this.note('the end')
    if (this.storage !== undefined) Object.assign(this.storage.faults, { fail: 0, lose: 0, damage: 0 })
    for (let turns = 0; turns < 50; turns++) {
      await this.advance(500)
      await this.drain()
      for (const computation of [...this.running]) {
        this.over(computation, 'value')
        computation.resolve(this.valueOf(computation.run, 0))
      }
      if (this.pending.length === 0 && this.verbs === 0 && this.running.length === 0 && turns > 2) break
    }
    await this.drain()
    const [call] = this.pending
    if (call !== undefined) this.diverged(`the call #${call.seq} of ${call.key.text} was never answered`)
    if (this.verbs > 0) this.diverged(`${this.verbs} verbs never ended`)
    for (const { id, cache, calls } of this.processes) {
      const stats = cache.stats()
      if (stats.calls !== calls || stats.hits + stats.misses + stats.bypasses !== calls) {
        this.diverged(`process ${id} was called ${calls} times, and counted ${stats.calls}: ${stats.hits} hits, ${stats.misses} misses, ${stats.bypasses} bypasses`)
      }
    }
  }

  private note(operation: string): void {
    this.batchSize++;
    this.lines.push(`#${this.seq} ${operation}`)
    if (this.lines.length > 200) this.lines.splice(0, 150)
  }

  private diverged(what: string): never {
    throw new Diverged(what)
  }
}

/** Plays a seed; what was not as it must be, or undefined. */
export async function simulate(seed: number, steps: number): Promise<Divergence | undefined> {
  // What is loaded when it is first needed takes time of its own, which no seed repeats.
  await Promise.all([loadFor(kind.cbor), import('../../js/scan.js')])
  const simulation = new Simulation(seed)
  const note = (error: unknown): void => void (simulation.failure ??= `nobody handled ${inspect(error)}`)
  process.on('unhandledRejection', note)
  try {
    await simulation.run(steps)
    return undefined
  } catch (error) {
    return simulation.report(error instanceof Diverged ? error.message : `an error came out of the cache: ${inspect(error)}`)
  } finally {
    process.off('unhandledRejection', note)
  }
}

export function tell({ seed, step, expected, operations }: Divergence): string {
  return [
    `Seed ${seed}, operation ${step}: ${expected}`,
    ...operations.map(line => `  ${line}`),
    `See it again: npm run torture -- calls --seed ${seed} --steps ${step}`,
  ].join('\n')
}

export const summary = 'A million interleaved calls, invalidations, aborts and faults against a model (--seeds N --steps N --seed S)'
export const options = ['seeds', 'steps', 'seed']

/** `npm run torture -- calls`; answers whether all is well. */
export async function run(options: ReadonlyMap<string, number>): Promise<boolean> {
  const steps = options.get('steps') ?? 1_000
  const seed = options.get('seed') ?? freshSeed()
  const seeds = options.get('seeds') ?? (options.has('seed') ? 1 : 1_000)
  // Most errors are expected, and their stacks would take a quarter of the time; who sees one seed again wants them.
  if (seeds > 1) Error.stackTraceLimit = 0
  const start = performance.now()
  console.log(`calls: seeds ${seed} to ${seed + seeds - 1}, ${steps} operations each`)
  for (let i = 0; i < seeds; i++) {
    const divergence = await simulate(seed + i, steps)
    if (divergence !== undefined) {
      console.error(tell(divergence))
      return false
    }
    if ((i + 1) % 100 === 0) console.log(`${i + 1} seeds, ${((performance.now() - start) / 1000).toFixed(0)} s`)
  }
  return true
}
