/** What a wrapped function is to TypeScript: the function itself, whatever its overloads, generics and `this`. */
import type { CallInfo } from './info.js'
import type { CallOptions } from './options.js'

export type AnyFunction = (...args: never[]) => unknown

/**
 * A function that returns promises keeps its type, overloads and type parameters and all; another one returns a promise of what it
 * returned. (TypeScript cannot carry type parameters through that: a generic function that is to stay one has to be async.)
 */
export type Asynchronous<F extends AnyFunction> = [Kept<ReturnOf<F>>] extends [true] ? F : Promised<Signatures<F>>

export type Wrapped<F extends AnyFunction> = Asynchronous<F> & WrappedMethods<F>

/** A function with `{ context: true }`, as its callers see it. */
export type WithoutContext<F extends AnyFunction> = F extends (context: never, ...args: infer Args) => infer Result ? Signature<ThisParameterType<F>, Args, Result> : never

/** What identifies a call: the arguments. Of a function with overloads: those of any of them. */
export type ArgumentsOf<F extends AnyFunction> = Signatures<F>['args']

/** What a call resolves with. */
export type ResultOf<F extends AnyFunction> = Awaited<ReturnOf<F>>

/** Each rejects with KeyError where the arguments cannot be a key. */
export interface WrappedMethods<F extends AnyFunction> {
  /** What the call of these arguments is called in storage: 64 hexadecimal digits, the same in every runtime. Undefined where no digest can be had. */
  key(...args: ArgumentsOf<F>): Promise<string | undefined>
  /** The fresh result that there is, in memory or in storage, without running anything or counting a call; else undefined. */
  peek(...args: ArgumentsOf<F>): Promise<ResultOf<F> | undefined>
  /** Forgets the result of these arguments, in memory and in storage. A computation that is running is not kept. */
  invalidate(...args: ArgumentsOf<F>): Promise<void>
  /** The same, but the result may still answer as a stale one (`swr`, `staleIfError`), from now on. */
  expire(...args: ArgumentsOf<F>): Promise<void>
  /** The call, and where its answer came from. */
  withInfo(...args: ArgumentsOf<F>): Promise<{ value: ResultOf<F>; info: CallInfo }>
  /** The call, with a new result in any case: `with({ forceFresh: true })`. */
  fresh: Asynchronous<F>
  /** The function with options for single calls: `ask.with({ signal, deadline: '2s' })(request)`. */
  with(options: CallOptions): Asynchronous<F>
}

// ---- overloads --------------------------------------------------------------------------------

/** The signatures of a function as a union, up to four of them; of more, the last four. */
type Signatures<F extends AnyFunction> = F extends (this: infer This, ...args: infer Args) => infer Result ? (Signature<This, Args, Result> extends F ? One<This, Args, Result> : Several<F>) : never

type Several<F extends AnyFunction> = F extends {
  (this: infer T1, ...args: infer A1): infer R1
  (this: infer T2, ...args: infer A2): infer R2
  (this: infer T3, ...args: infer A3): infer R3
  (this: infer T4, ...args: infer A4): infer R4
}
  ? Real<T1, A1, R1> | Real<T2, A2, R2> | Real<T3, A3, R3> | One<T4, A4, R4>
  : F extends {
        (this: infer T1, ...args: infer A1): infer R1
        (this: infer T2, ...args: infer A2): infer R2
        (this: infer T3, ...args: infer A3): infer R3
      }
    ? Real<T1, A1, R1> | Real<T2, A2, R2> | One<T3, A3, R3>
    : F extends { (this: infer T1, ...args: infer A1): infer R1; (this: infer T2, ...args: infer A2): infer R2 }
      ? Real<T1, A1, R1> | One<T2, A2, R2>
      : F extends (this: infer T, ...args: infer A) => infer R
        ? One<T, A, R>
        : never

interface One<This, Args extends readonly unknown[], Result> {
  readonly this: This
  readonly args: Args
  readonly result: Result
}

/** A function that takes anything fits more signatures than it has: those are `(...args: unknown[]) => unknown`. */
type Real<This, Args extends readonly unknown[], Result> = unknown extends Result ? (unknown[] extends Args ? never : One<This, Args, Result>) : One<This, Args, Result>

type ReturnOf<F extends AnyFunction> = Signatures<F>['result']

/** Is what a function returns surely a promise? */
type Kept<Result> = [Result] extends [never] ? false : 0 extends 1 & Result ? false : Result extends Promise<unknown> ? true : false

/** One function with all these signatures, each of them with a promise. */
type Promised<S> = (S extends One<infer This, infer Args, infer Result> ? (one: Signature<This, Args, Promise<Awaited<Result>>>) => void : never) extends (all: infer All) => void ? All : never

type Signature<This, Args extends readonly unknown[], Result> = unknown extends This ? (...args: Args) => Result : (this: This, ...args: Args) => Result
