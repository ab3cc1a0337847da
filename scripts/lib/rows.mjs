// The rows of the matrix (scripts/matrix.mjs says what one is), as they are written in tests, and as a table in Markdown has them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow } from './files.mjs'
import { between, withBetween } from './marks.mjs'
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
  const lines = byConsumer(rows).map(({ consumer, own, versions }) => {
    const results = distinct(own, 'result').length === 1 ? distinct(own, 'result') : own.map(({ result }) => result)
    return `| ${consumer} | ${versions} | ${own.map(({ what }) => what).join('<br>')} | ${results.join('<br>')} |`
  })
  return ['| consumer | version | what was run | result |', '|---|---|---|---|', ...lines].join('\n')
}

/** The same in short: how many of each consumer's rows passed. */
export function shortMarkdownOf(rows) {
  const lines = byConsumer(rows).map(({ consumer, own, versions }) => `| ${consumer} | ${versions} | ${own.filter(({ result }) => result === 'pass').length} of ${own.length} |`)
  return ['| where | version | passed |', '|---|---|---|', ...lines].join('\n')
}

/** What the short form says of each consumer: { consumer, count }, of which all are to be. */
export function countsInMarkdown(text) {
  return between(text, begin, end)
    .table.split('\n')
    .slice(2)
    .map((line) => {
      const [consumer, , passed] = line.split('|').slice(1).map((cell) => cell.trim())
      return { consumer, passed }
    })
}

/** The rows that a text has between its markers: { consumer, what }. */
export function rowsInMarkdown(text) {
  const lines = between(text, begin, end).table.split('\n').slice(2)
  return lines.flatMap((line) => {
    const [consumer, , whats] = line.split('|').slice(1).map((cell) => cell.trim())
    return whats.split('<br>').map((what) => ({ consumer, what }))
  })
}

/** The same text, with another table between its markers. */
export function withTable(text, table) {
  return withBetween(text, begin, end, table)
}

/** Each once, by name, with what is its own. */
function byConsumer(rows) {
  const consumers = [...new Set(rows.map(({ consumer }) => consumer))].sort((a, b) => a.localeCompare(b, 'en'))
  return consumers.map((consumer) => {
    const own = rows.filter((row) => row.consumer === consumer)
    return { consumer, own, versions: distinct(own, 'version').filter(Boolean).join(', ') }
  })
}

function distinct(rows, field) {
  return [...new Set(rows.map((row) => row[field]))]
}
