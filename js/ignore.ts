/**
 * Parts of the arguments that do not count: `ignore: ['user', 'metadata.traceId']`. What lies on a path is copied without
 * the named member, the rest is shared; the caller's objects are not touched.
 */
import { isPlain, maxDepth } from './encode.js'
import { KeyError, OptionError, show } from './errors.js'

/** Takes what does not count out of the arguments. */
export type Prune = (args: readonly unknown[]) => readonly unknown[]

/** The members that a path names below a value: `null` where the path ends. */
type Paths = Map<string, Paths | null>

/** Throws OptionError where `ignore` is not a list of paths. */
export function parseIgnore(ignore: unknown): Prune | undefined {
  if (ignore === undefined) return undefined
  const wrong = (what: unknown): never => {
    throw new OptionError('ignore', `${show(what)} is not a list of paths. Give names of members, such as ['user', 'metadata.traceId'].`)
  }
  if (!Array.isArray(ignore)) return wrong(ignore)
  const paths: Paths = new Map()
  for (const path of ignore as unknown[]) {
    const steps = typeof path === 'string' ? path.split('.') : []
    if (steps.length === 0 || steps.includes('')) return wrong(path)
    add(paths, steps)
  }
  return args => args.map(arg => without(arg, paths))
}

function add(paths: Paths, [step, ...rest]: string[]): void {
  const below = paths.get(step!)
  if (below === null) return
  if (rest.length === 0) paths.set(step!, null)
  else {
    const deeper: Paths = below ?? new Map()
    paths.set(step!, deeper)
    add(deeper, rest)
  }
}

/** Through an array a path goes to each of its items. */
function without(value: unknown, paths: Paths, depth = 0): unknown {
  if (depth > maxDepth) throw new KeyError('args', `are nested deeper than ${maxDepth} levels, or contain themselves. Pass plain data, or say what counts with the \`key\` option.`)
  if (Array.isArray(value)) return value.map(item => without(item, paths, depth + 1))
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const below = paths.get(name)
    if (below === null) continue
    const member = (value as Record<string, unknown>)[name]
    Object.defineProperty(kept, name, { value: below === undefined ? member : without(member, below, depth + 1), enumerable: true, configurable: true, writable: true })
  }
  return kept
}
