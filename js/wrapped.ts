/** What a wrapped function is to TypeScript: the function itself, whatever its overloads, generics and `this`. */

export type AnyFunction = (...args: never[]) => unknown

/** A function that returns a promise keeps its type; another one returns a promise of what it returned. */
export type Wrapped<F extends AnyFunction> = (F extends (...args: never[]) => Promise<unknown>
  ? F
  : (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>) &
  WrappedMethods<F>

export interface WrappedMethods<F extends AnyFunction> {
  /**
   * Forgets the result of these arguments, in memory and in storage. A computation that is running is not kept.
   * Rejects with KeyError where the arguments cannot be a key.
   */
  invalidate(...args: Parameters<F>): Promise<void>
}
