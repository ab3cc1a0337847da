/**
 * Are two calls the same? The rules of docs/keys.md as an answer of its own: two values are walked side by side, and no
 * bytes are made. What the encoder says is held against this.
 */

/** The arguments of two calls, which should share an entry exactly when this is true. */
export function sameArguments(a: readonly unknown[], b: readonly unknown[]): boolean {
  return sameList(withoutLastSignals(a), withoutLastSignals(b))
}

function withoutLastSignals(args: readonly unknown[]): readonly unknown[] {
  let end = args.length
  while (end > 0 && isSignal(args[end - 1])) end--
  return args.slice(0, end)
}

const isSignal = (value: unknown): boolean => value instanceof AbortSignal

export function same(a: unknown, b: unknown): boolean {
  // An AbortSignal that holds a place counts as undefined.
  if (isSignal(a)) a = undefined
  if (isSignal(b)) b = undefined
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b || (typeof a === 'number' && typeof b === 'number' && a !== a && b !== b)
  }
  const kind = kindOf(a)
  return kind === kindOf(b) && rules[kind]!(a as never, b as never)
}

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)
const classes = [Map, Set, Date, RegExp, URL, URLSearchParams, ArrayBuffer]

function kindOf(value: object): string {
  if (Array.isArray(value)) return 'Array'
  if (value instanceof DataView) return 'DataView'
  if (ArrayBuffer.isView(value)) return `bytes of ${Buffer.isBuffer(value) ? 'Uint8Array' : value.constructor.name}`
  if (value instanceof Error) return 'Error'
  const found = classes.find(type => value instanceof type)
  if (found !== undefined) return found.name
  const speaks = typeof (value as { toJSON?: unknown }).toJSON === 'function'
  // What is not enumerable does not count in a plain object.
  if (isPlain(value)) return speaks && Object.keys(value).includes('toJSON') ? 'toJSON' : 'Object'
  if (speaks) return 'toJSON'
  throw new Error(`a value that has no identity: ${String(value)}`)
}

const rules: Record<string, (a: never, b: never) => boolean> = {
  Array: sameList,
  Object: samePlain,
  Map: (a: Map<unknown, unknown>, b: Map<unknown, unknown>) => sameBag(entriesOf(a), entriesOf(b), (x, y) => same(x[0], y[0]) && same(x[1], y[1])),
  Set: (a: Set<unknown>, b: Set<unknown>) => sameBag(membersOf(a), membersOf(b), same),
  Date: (a: Date, b: Date) => same(a.getTime(), b.getTime()),
  RegExp: (a: RegExp, b: RegExp) => a.source === b.source && a.flags === b.flags,
  Error: (a: Error, b: Error) => a.name === b.name && a.message === b.message && 'cause' in a === 'cause' in b && same(a.cause, b.cause),
  URL: (a: URL, b: URL) => a.href === b.href,
  URLSearchParams: (a: URLSearchParams, b: URLSearchParams) => a.toString() === b.toString(),
  ArrayBuffer: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
  DataView: sameBytes,
  toJSON: (a: { toJSON(key: string): unknown }, b: { toJSON(key: string): unknown }) => same(a.toJSON(''), b.toJSON('')),
}
for (const name of ['Uint8', 'Uint8Clamped', 'Uint16', 'Uint32', 'BigUint64', 'Int8', 'Int16', 'Int32', 'BigInt64', 'Float32', 'Float64']) {
  rules[`bytes of ${name}Array`] = sameBytes
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  return bytes(a).equals(bytes(b))
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (i in a !== i in b || !same(a[i], b[i])) return false
  return true
}

function samePlain(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const names = (object: Record<string, unknown>): string[] => Object.keys(object).filter(name => !isSignal(object[name]))
  const ours = names(a)
  return ours.length === names(b).length && ours.every(name => Object.hasOwn(b, name) && Object.getOwnPropertyDescriptor(b, name)!.enumerable && !isSignal(b[name]) && same(a[name], b[name]))
}

const entriesOf = (map: Map<unknown, unknown>): [unknown, unknown][] => [...map].filter(([, value]) => !isSignal(value))
const membersOf = (set: Set<unknown>): unknown[] => [...set].filter(member => !isSignal(member))

/** The same things equally often, in any order. */
function sameBag<T>(a: readonly T[], b: readonly T[], sameItem: (x: T, y: T) => boolean): boolean {
  const rest = [...b]
  return (
    a.length === b.length &&
    a.every(x => {
      const found = rest.findIndex(y => sameItem(x, y))
      if (found >= 0) rest.splice(found, 1)
      return found >= 0
    })
  )
}
