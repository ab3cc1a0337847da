/** What a wrapped function is to TypeScript: the function itself, whatever its overloads, generics and `this`. */
import type { CallContext } from './context.js'
import type { CallInfo } from './info.js'
import type { CallOptions } from './options.js'

export type AnyFunction = (...args: never[]) => unknown

/** A function that returns a promise keeps its type; another one returns a promise of what it returned. */
export type Asynchronous<F extends AnyFunction> = F extends (...args: never[]) => Promise<unknown>
  ? F
  : (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>

export type Wrapped<F extends AnyFunction> = Asynchronous<F> & WrappedMethods<F>

/** A function with `{ context: true }`, as its callers see it. */
export type WithoutContext<F extends AnyFunction> = F extends (context: CallContext<never>, ...args: infer Args) => infer Result
  ? (this: ThisParameterType<F>, ...args: Args) => Result
  : F extends (context: CallContext, ...args: infer Args) => infer Result
    ? (this: ThisParameterType<F>, ...args: Args) => Result
    : never

/** Each rejects with KeyError where the arguments cannot be a key. */
export interface WrappedMethods<F extends AnyFunction> {
  /** What the call of these arguments is called in storage: 64 hexadecimal digits, the same in every runtime. Undefined where no digest can be had. */
  key(...args: Parameters<F>): Promise<string | undefined>
  /** The fresh result that there is, in memory or in storage, without running anything or counting a call; else undefined. */
  peek(...args: Parameters<F>): Promise<Awaited<ReturnType<F>> | undefined>
  /** Forgets the result of these arguments, in memory and in storage. A computation that is running is not kept. */
  invalidate(...args: Parameters<F>): Promise<void>
  /** The same, but the result may still answer as a stale one (`swr`, `staleIfError`), from now on. */
  expire(...args: Parameters<F>): Promise<void>
  /** The call, and where its answer came from. */
  withInfo(...args: Parameters<F>): Promise<{ value: Awaited<ReturnType<F>>; info: CallInfo }>
  /** The call, with a new result in any case: `with({ forceFresh: true })`. */
  fresh: Asynchronous<F>
  /** The function with options for single calls: `ask.with({ signal, deadline: '2s' })(request)`. */
  with(options: CallOptions): Asynchronous<F>
}
