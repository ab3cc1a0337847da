// `npm run matrix`: where the package was tried, in which version, and how that went.
//
//   npm run matrix                   runs every row, and prints a table; exit code 1 if one failed
//   npm run matrix -- vite next      the rows of files of that name: tests/consumers/vite.test.ts
//   npm run matrix -- --markdown     prints the table of docs/runtimes.md
//   npm run matrix -- --write        writes it there, and in short into README.md
//
// A row is a test of tests/consumers/ or tests/browsers/, at the top of its file, whose title is a literal
// in single quotes that has one ` | `: test('<consumer> | <what was run>', …). The names are read from the
// sources, too: tests/js/matrix.test.ts holds both tables against them. A row tells its version by
// t.diagnostic('version 1.2.3'), and what is not on this machine by t.skip('why'). Tests with other titles
// run as well, and are no rows; one that fails is shown, and makes the exit code 1.
//
// In `npm test` the same tests are the suites `consumers` and `browsers`.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { capture, fail, root, StepError } from './lib/process.mjs'
import { markdownOf, rowOf, rowsInTests, shortMarkdownOf, withTable } from './lib/rows.mjs'
import { installConsumers, setup } from './setup.mjs'

const reporter = join(root, 'scripts/lib/row-reporter.mjs')

/** Runs a file, and answers with its tests in order: { consumer, what, version, result, why, seconds, output }. Without consumer: no row. */
async function results(file) {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-matrix-'))
  const report = join(folder, 'rows')
  try {
    const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', `--test-reporter=${reporter}`, `--test-reporter-destination=${report}`]
    const { code, output } = await capture(process.execPath, ['--import', 'tsx', '--test', ...reporters, file], { timeoutSeconds: 300 })
    const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    const found = lines.map((line) => resultOf(JSON.parse(line)))
    if (code !== 0 && found.every(({ result }) => result !== 'fail')) found.push({ what: file, version: '', result: 'fail', why: '', seconds: 0 })
    return { found, output: code === 0 ? '' : output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function resultOf({ title, passed, skipped, ms, told }) {
  const version = told.find((text) => text.startsWith('version '))?.slice('version '.length) ?? ''
  const result = !passed ? 'fail' : skipped !== undefined ? 'skipped' : 'pass'
  return { ...(rowOf(title) ?? { what: title }), version, result, why: typeof skipped === 'string' ? skipped : '', seconds: ms / 1000 }
}

function tableOf(rows) {
  const cells = rows.map(({ consumer, version, what, result, why, seconds }) => [consumer, version, what, why ? `${result}: ${why}` : result, seconds.toFixed(1)])
  const table = [['consumer', 'version', 'what was run', 'result', 'seconds'], ...cells]
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)))
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n')
}

async function main() {
  helpIfAsked()
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { markdown: { type: 'boolean' }, write: { type: 'boolean' } } })
  if (values.write && positionals.length > 0) throw new StepError('--write wants every row: run it without names.')
  const rows = rowsInTests()
  const files = [...new Set(rows.map(({ file }) => file))].filter((file) => positionals.length === 0 || positionals.some((part) => basename(file).includes(part)))
  if (files.length === 0) throw new StepError(`No file of tests/consumers/ or tests/browsers/ that has rows is named like ${positionals.join(' or ')}.`)

  const print = process.stdout.write.bind(process.stdout)
  // The table is all that is on stdout, for whoever wants to keep it.
  process.stdout.write = process.stderr.write.bind(process.stderr)
  await setup('test')
  await installConsumers()
  await build({ wasm: true })

  const all = []
  for (const file of files) {
    const { found, output } = await results(file)
    for (const { consumer, what, result, seconds } of found) console.error(`${result.padEnd(8)} ${consumer === undefined ? '' : `${consumer} | `}${what}, ${seconds.toFixed(1)} s`)
    if (output !== '') console.error(`${output.trim().replace(/^/gm, '  | ')}\n`)
    all.push(...found)
  }
  const ran = all.filter(({ consumer }) => consumer !== undefined)
  const expected = rows.filter(({ file }) => files.includes(file)).map(titleOf)
  const unknown = ran.map(titleOf).filter((title) => !expected.includes(title))
  if (unknown.length > 0) throw new StepError(`These rows ran, but their titles are not in the sources as literals of their own:\n${unknown.join('\n')}`)
  const absent = expected.filter((title) => !ran.map(titleOf).includes(title))
  for (const title of absent) console.error(`fail     ${title}: it did not run`)

  if (values.write) {
    for (const [page, table] of [['docs/runtimes.md', markdownOf(ran)], ['README.md', shortMarkdownOf(ran)]]) {
      await writeFile(join(root, page), withTable(await readFile(join(root, page), 'utf8'), table))
    }
  }
  print(`${values.markdown ? markdownOf(ran) : `\n${tableOf(ran)}`}\n`)
  const failed = all.filter(({ result }) => result === 'fail').length + absent.length
  const count = (result) => ran.filter((row) => row.result === result).length
  console.error(`\n${count('pass')} passed, ${count('skipped')} skipped, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}

const titleOf = ({ consumer, what }) => `${consumer} | ${what}`

await main().catch(fail)
