// The rows of the matrix (scripts/matrix.mjs says what one is), as they are written in tests, and as a table in Markdown has them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow } from './files.mjs'
import { root } from './process.mjs'

const folders = ['tests/consumers', 'tests/browsers']
const begin = '<!-- matrix -->'
const end = '<!-- /matrix -->'

/** Every row that there is, read in the sources: { file, consumer, what }. */
export function rowsInTests() {
  return folders
    .flatMap((folder) => filesBelow(folder, '.test.ts'))
    .flatMap((file) => rowsIn(readFileSync(join(root, file), 'utf8')).map((row) => ({ file, ...row })))
}

/** @param {string} source of a file with tests */
export function rowsIn(source) {
  return [...source.matchAll(/^test\('([^'|\n]+) \| ([^'|\n]+)'/gm)].map(([, consumer, what]) => ({ consumer, what }))
}

/** The title of a test, apart; undefined where it is no row. */
export function rowOf(title) {
  const [consumer, what, ...more] = title.split(' | ')
  return what === undefined || more.length > 0 ? undefined : { consumer, what }
}

/**
 * A table with a line for each consumer. No seconds: they differ each time, and who commits the table wants to see what has changed.
 *
 * @param {{ consumer: string, version: string, what: string, result: string }[]} rows
 */
export function markdownOf(rows) {
  const consumers = [...new Set(rows.map(({ consumer }) => consumer))].sort((a, b) => a.localeCompare(b, 'en'))
  const lines = consumers.map((consumer) => {
    const own = rows.filter((row) => row.consumer === consumer)
    const distinct = (field) => [...new Set(own.map((row) => row[field]))]
    const results = distinct('result').length === 1 ? distinct('result') : own.map(({ result }) => result)
    return `| ${consumer} | ${distinct('version').filter(Boolean).join(', ')} | ${own.map(({ what }) => what).join('<br>')} | ${results.join('<br>')} |`
  })
  return ['| consumer | version | what was run | result |', '|---|---|---|---|', ...lines].join('\n')
}

/** The same in short: how many of each consumer's rows passed. */
export function shortMarkdownOf(rows) {
  const consumers = [...new Set(rows.map(({ consumer }) => consumer))].sort((a, b) => a.localeCompare(b, 'en'))
  const lines = consumers.map((consumer) => {
    const own = rows.filter((row) => row.consumer === consumer)
    const versions = [...new Set(own.map(({ version }) => version))].filter(Boolean)
    return `| ${consumer} | ${versions.join(', ')} | ${own.filter(({ result }) => result === 'pass').length} of ${own.length} |`
  })
  return ['| where | version | passed |', '|---|---|---|', ...lines].join('\n')
}

/** What the short form says of each consumer: { consumer, count }, of which all are to be. */
export function countsInMarkdown(text) {
  return between(text)
    .table.split('\n')
    .slice(2)
    .map((line) => {
      const [consumer, , passed] = line.split('|').slice(1).map((cell) => cell.trim())
      return { consumer, passed }
    })
}

/** The rows that a text has between its markers: { consumer, what }. */
export function rowsInMarkdown(text) {
  const lines = between(text).table.split('\n').slice(2)
  return lines.flatMap((line) => {
    const [consumer, , whats] = line.split('|').slice(1).map((cell) => cell.trim())
    return whats.split('<br>').map((what) => ({ consumer, what }))
  })
}

/** The same text, with another table between its markers. */
export function withTable(text, table) {
  const { before, after } = between(text)
  return `${before}${begin}\n${table}\n${end}${after}`
}

function between(text) {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`There is no "${begin}" with an "${end}" after it.`)
  return { before: text.slice(0, start), table: text.slice(start + begin.length, stop).trim(), after: text.slice(stop + end.length) }
}
