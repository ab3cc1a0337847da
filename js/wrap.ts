/** A wrapped function, and what hangs on it. */
import { call, type How, type Note } from './call.js'
import type { Context } from './context.js'
import { infoOf } from './info.js'
import type { Job } from './journey.js'
import type { CallOptions } from './options.js'
import type { Parts } from './parts.js'
import type { Plan, Planner } from './plan.js'
import { parseSignal, signalIn, withSignal } from './signals.js'
import type { Tag } from './tokens.js'
import { checkNames, parseDuration, parseSwitch } from './units.js'
import { expire, forget, nameOf, peek } from './verbs.js'
import type { WrappedMethods } from './wrapped.js'

type Run = (...args: unknown[]) => unknown

/** What all calls of a wrapped function have in common. */
interface Wrapping {
  readonly fn: Run
  readonly planner: Planner
  readonly takesContext: boolean
  readonly identify: Plan['identify']
}

/** One call of a wrapped function. (Each hit makes one: so it holds little.) */
class WrappedJob implements Job {
  constructor(
    private readonly of: Wrapping,
    private readonly self: unknown,
    readonly args: readonly unknown[],
  ) {}

  identity(): readonly unknown[] {
    const { identify } = this.of
    return identify === undefined ? this.args : identify.call(this.self, this.args)
  }

  run(context: Context): unknown {
    const { self, args } = this
    const { fn, takesContext } = this.of
    // The caller's signal is the caller's; the function works for all who wait.
    const own = signalIn(args) === undefined ? args : withSignal(args, context.signal)
    return takesContext ? fn.call(self, context, ...own) : fn.apply(self, own as unknown[])
  }

  tagsOf(values: unknown): Tag[] {
    return this.of.planner.tagsOf(values, 'ctx.tags')
  }
}

/** `fn`, asking the cache first. */
export function wrapped(parts: Parts, planner: Planner, plan: Plan, fn: Run, takesContext: boolean): Run {
  const { identify } = plan
  const wrapping: Wrapping = { fn, planner, takesContext, identify }
  const ask = (self: unknown, args: unknown[], how?: How): Promise<unknown> => {
    try {
      return call(parts, plan, identify === undefined ? args : identify.call(self, args), new WrappedJob(wrapping, self, args), how)
    } catch (error) {
      return Promise.reject(error)
    }
  }
  const ofKey = <T>(verb: (parts: Parts, plan: Plan, args: readonly unknown[]) => Promise<T>) =>
    async function (this: unknown, ...args: unknown[]): Promise<T> {
      return verb(parts, plan, identify === undefined ? args : identify.call(selfOf(this), args))
    }
  const outer = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return ask(this, args)
  }
  // `ask.fresh(x)` has `ask` for its `this`, which is none of the function's.
  const selfOf = (self: unknown): unknown => (self === outer ? undefined : self)
  const having = (how: How) =>
    function (this: unknown, ...args: unknown[]): Promise<unknown> {
      return ask(selfOf(this), args, how)
    }
  const methods: WrappedMethods<never> = {
    key: ofKey(nameOf),
    peek: ofKey(peek) as never,
    invalidate: ofKey(forget),
    expire: ofKey(expire),
    async withInfo(this: unknown, ...args: unknown[]) {
      const self = selfOf(this)
      const identity = identify === undefined ? args : identify.call(self, args)
      const started = parts.stopwatch()
      const note: Note = {}
      const [value, key] = await Promise.all([
        call(parts, plan, identity, new WrappedJob(wrapping, self, args), { ...patient, note }),
        nameOf(parts, plan, identity).catch(() => undefined),
      ])
      return { value: value as never, info: infoOf(note, key, parts.stopwatch() - started) }
    },
    fresh: having({ ...patient, forceFresh: true }) as never,
    with: (options: CallOptions) => having(parseHow('with', options)) as never,
  }
  Object.defineProperty(outer, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(outer, 'length', { value: Math.max(0, fn.length - Number(takesContext)), configurable: true })
  return Object.assign(outer, methods) as Run
}

/** Who waits as long as it takes. */
export const patient: How = { signal: undefined, deadlineMs: Infinity, forceFresh: false }

export const howNames = ['signal', 'deadline', 'forceFresh'] as const

/** Throws OptionError. */
export function parseHow(what: string, options: CallOptions): How {
  checkNames(what, options, howNames)
  return readHow(options)
}

/** The same of options that are checked for others, too. */
export function readHow({ signal, deadline, forceFresh }: CallOptions): How {
  return {
    signal: parseSignal(signal),
    deadlineMs: deadline === undefined ? Infinity : parseDuration('deadline', deadline),
    forceFresh: forceFresh !== undefined && parseSwitch('forceFresh', forceFresh),
  }
}
