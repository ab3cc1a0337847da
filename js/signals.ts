/**
 * Abort signals among arguments. A caller gives its own as usual (`ask(request, { signal })`): it ends that caller's wait. What the
 * function gets in its place is the signal of the computation, which aborts when nobody waits any more: the function works for all
 * who ask, not for the one who came first. A signal is found as an argument, or as a member of an argument that is a plain object.
 */
import { isAbortSignal, isPlain } from './encode.js'
import { OptionError, show } from './errors.js'

/** An option that is a signal. Throws OptionError. */
export function parseSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || typeof (signal as Partial<AbortSignal> | null)?.addEventListener === 'function') return signal as AbortSignal | undefined
  throw new OptionError('signal', `${show(signal)} is not an AbortSignal. Give new AbortController().signal, or AbortSignal.timeout(1000).`)
}

/** The signal among these arguments, or beside them; of several, one that aborts with any of them. */
export function signalIn(args: readonly unknown[], beside?: AbortSignal): AbortSignal | undefined {
  let found = beside && [beside]
  const note = (value: unknown): boolean => {
    if (!isAbortSignal(value)) return false
    ;(found ??= []).push(value)
    return true
  }
  for (const arg of args) {
    if (typeof arg !== 'object' || arg === null || note(arg) || !isPlain(arg)) continue
    // A getter may do anything, even call the cache: it is not asked.
    for (const name in arg) note(Object.getOwnPropertyDescriptor(arg, name)?.value)
  }
  if (found === undefined || found.length === 1) return found?.[0]
  return AbortSignal.any(found)
}

/** The arguments with `signal` in place of their own. */
export function withSignal(args: readonly unknown[], signal: AbortSignal): readonly unknown[] {
  return args.map(arg => {
    if (isAbortSignal(arg)) return signal
    if (typeof arg !== 'object' || arg === null || !isPlain(arg) || !Object.values(arg).some(isAbortSignal)) return arg
    return Object.fromEntries(Object.entries(arg).map(([name, value]) => [name, isAbortSignal(value) ? signal : value]))
  })
}
