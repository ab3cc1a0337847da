/** What a function can tell the cache about the result that it is making, and what it is told. */
import { OptionError, show } from './errors.js'
import type { Tag } from './tokens.js'
import { type Duration, parseDuration } from './units.js'

/**
 * The first argument of a function with `{ context: true }`, and of the `load` of getOrSet. `(ctx) => …` will do; who reads `ctx.stale` says
 * of what: `(ctx: CallContext<User>) => …`.
 */
export interface CallContext<Result = unknown> {
  /** Aborts when nobody waits for the result any more, or when `timeout` is over. */
  readonly signal: AbortSignal
  /** The result that this one is to replace, if there is one and it may still answer somebody (`swr`, `staleIfError`; where it was asked for by `fresh()`, `staleIfError`): a copy. */
  readonly stale: Result | undefined
  /** How long this result is fresh, in place of the option. Throws OptionError for what is not a duration. */
  ttl(ttl: Duration): void
  /** What this result depends on, besides the options' tags. */
  tags(...tags: string[]): void
  /**
   * What making this result cost, from 0 to 1e30, in place of the milliseconds it took: the same unit for all functions of a cache, as eviction compares them;
   * milliseconds where `earlyExpiry` is used. Throws OptionError for what is no such number.
   */
  cost(cost: number): void
  /** `return ctx.skip(value)`: the value is returned and not stored. */
  skip<Value>(value: Value): Value
  /** `return ctx.notModified()`: the result is `stale`, as good as new. Throws where there is none. (A context that does not say of what it is adds nothing to the function's type.) */
  notModified(): unknown extends Result ? never : Result
}

/** (Memory holds costs as floats of 32 bits.) */
const mostCost = 1e30

export class Context implements CallContext {
  ttlMs: number | undefined
  costGiven: number | undefined
  skipped = false

  /** `flight`: of which this is the computation. `old`: makes a copy of the stale result. */
  constructor(
    private readonly flight: { readonly signal: AbortSignal; readonly moreTags: Tag[] },
    private readonly old: (() => unknown) | undefined,
    private readonly tagsOf: (values: unknown) => Tag[],
  ) {}

  get signal(): AbortSignal {
    return this.flight.signal
  }

  get stale(): unknown {
    return this.old?.()
  }

  // Arrow functions, so that they can be taken out of the context.
  readonly ttl = (ttl: Duration): void => {
    this.ttlMs = parseDuration('ctx.ttl', ttl)
  }

  readonly tags = (...tags: string[]): void => {
    const more = this.tagsOf(tags)
    this.flight.moreTags.push(...more)
  }

  readonly cost = (cost: number): void => {
    if (!(cost >= 0 && cost <= mostCost)) throw new OptionError('ctx.cost', `${show(cost)} is not a cost. Give a number from 0 to ${mostCost}.`)
    this.costGiven = cost
  }

  readonly skip = <Value>(value: Value): Value => {
    this.skipped = true
    return value
  }

  readonly notModified = (): never => {
    if (this.old === undefined) throw new OptionError('ctx.notModified', 'there is no result to keep. Ask ctx.stale first, or make a new one.')
    return this.old() as never
  }
}
