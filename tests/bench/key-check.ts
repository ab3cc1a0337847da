/**
 * Is it a key at all? Equal for an equal input whose names stand in another order; another one as soon as any single
 * part of the input changes.
 */
import { type Contestant, resultOf } from './harness.js'

export interface KeyMaker extends Contestant {
  /** Says of itself that the order of names matters to it. Such keys miss what they should hit. */
  readonly orderDependent?: boolean
}

/** What is wrong with the keys that this contestant makes of `input` and its like. */
export function keyProblems(maker: KeyMaker, input: unknown): string[] {
  const key = keyOf(maker, input)
  const problems: string[] = []
  if (keyOf(maker, copy(input)) !== key) problems.push('gives an equal copy another key')

  const turned = reordered(input)
  const sameWhenTurned = keyOf(maker, turned) === key
  if (!maker.orderDependent && !sameWhenTurned) problems.push('gives an equal copy with its names in another order another key')
  if (maker.orderDependent && sameWhenTurned && JSON.stringify(turned) !== JSON.stringify(input)) {
    problems.push('is marked as order-dependent and is not, so it has to be compared with')
  }

  for (const { path, value } of changedCopies(input)) {
    if (keyOf(maker, value) === key) problems.push(`gives the same key after ${path === '' ? 'the input' : path} has changed`)
  }
  return problems
}

/** As text, so that keys compare by what they are. */
function keyOf(maker: KeyMaker, input: unknown): string {
  const key = resultOf(maker, input)
  if (typeof key !== 'string' || key === '') throw new Error(`made ${key === '' ? 'an empty text' : typeof key} instead of a key.`)
  return key
}

function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Equal, with the names of each object the other way round. */
export function reordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(reordered)
  return Object.fromEntries(Object.entries(value).reverse().map(([name, member]) => [name, reordered(member)]))
}

/** For each part that is not an object or a list: a copy in which that part alone is another. */
export function* changedCopies(value: unknown, path = ''): Generator<{ path: string; value: unknown }> {
  if (typeof value !== 'object' || value === null) {
    yield { path, value: changed(value) }
    return
  }
  for (const [name, member] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`
    for (const inner of changedCopies(member, place)) {
      const holder: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value }
      ;(holder as Record<string, unknown>)[name] = inner.value
      yield { path: inner.path, value: holder }
    }
  }
}

function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return 0
  const middle = value.length >> 1
  return value.slice(0, middle) + (value[middle] === 'x' ? 'y' : 'x') + value.slice(middle + 1)
}
