import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { boundaryVersion, inboxSize, maxTokens, offset, outlineSize, status, verdict } from '../../js/boundary.js'
import { statNames } from '../../js/core-stats.js'
import { flag, kind } from '../../js/value.js'

const source = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** An enum without the way back from its numbers to their names. */
const named = (numbers: Record<string, string | number>): object => Object.fromEntries(Object.entries(numbers).filter(([, n]) => typeof n === 'number'))

test('Every offset is the one that C++ asserts', () => {
  const asserted = Object.fromEntries(
    [...source('bindings/boundary.h').matchAll(/static_assert\(offsetof\(Block, (\w+)\) == (\d+)\)/g)].map(([, name, at]) => [name, Number(at)]),
  )
  assert.deepEqual(named(offset), asserted)
  assert.match(source('bindings/boundary.h'), new RegExp(`kInboxSize = ${inboxSize / 1024} \\* 1024`))
  assert.match(source('bindings/boundary.h'), new RegExp(`kOutlineSize = ${outlineSize / 1024} \\* 1024`))
  assert.match(source('src/entry.h'), new RegExp(`kMaxTokens = ${maxTokens};`))
})

test('Every status and verdict has the number that C++ gives it', () => {
  const numbers = (path: string, name: string): Record<string, number> => {
    const body = new RegExp(`enum class ${name} : std::uint8_t \\{([^}]*)\\}`).exec(source(path))![1]!
    return Object.fromEntries([...body.matchAll(/(\w+) = (\d+)/g)].map(([, word, n]) => [word!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), Number(n)]))
  }
  assert.deepEqual(named(status), numbers('src/status.h', 'Status'))
  assert.deepEqual(named(verdict), numbers('src/cache.h', 'Verdict'))
})

test('Every kind of payload, every flag and the version are those of C++', () => {
  const numberOf = (text: RegExp, path: string): number => Number(text.exec(source(path))![1])
  for (const name of ['cbor', 'text', 'bytes', 'packed'] as const) assert.equal(kind[name], numberOf(new RegExp(`PayloadKind[^}]*\\b${name} = (\\d)`), 'src/entry.h'))
  assert.equal(flag.labelled, numberOf(/kLabelled = (\d+);/, 'src/entry.h'))
  assert.equal(flag.failed, numberOf(/kFailed = (\d+);/, 'src/entry.h'))
  assert.equal(boundaryVersion, numberOf(/int version\(\) \{ return (\d+); \}/, 'bindings/control.cpp'))
})

test('The counters come in the order in which C++ leaves them', () => {
  const body = /struct ControlStats \{([^}]*)\}/.exec(source('bindings/control.cpp'))![1]!
  const names = [...body.replaceAll('double', '').matchAll(/\w+/g)].map(([word]) => word.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()))
  assert.deepEqual([...statNames], names)
})
