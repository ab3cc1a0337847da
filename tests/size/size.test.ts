// The size of what users load is a decision: each entry has a budget, and README.md shows it.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { budgetOf, complaints, readBudget, sizes, withTable } from '../../scripts/size.mjs'

const measured = await sizes()

test('Every entry keeps its budget, gzipped and by brotli, and none is far below it', async t => {
  for (const { label, js, core } of measured) t.diagnostic(`${label}: JS ${js.gz}${core ? ` + core ${core.gz} = ${js.gz + core.gz}` : ''} bytes, gzip -9`)
  assert.deepEqual(complaints(measured, await readBudget()), [])
})

test('A byte too many is complained of, and so are a budget that nobody needs and an entry without one', () => {
  const budget = budgetOf(measured)
  assert.deepEqual(complaints(measured, budget), [])
  const [first] = measured
  const { label, js } = first!
  assert.match(complaints(measured, { ...budget, [label]: { ...budget[label], js: { gz: js.gz - 1, br: js.br } } }).join(), /1 more than its budget/)
  assert.match(complaints(measured, { ...budget, [label]: { ...budget[label], js: { gz: 2 * js.gz, br: js.br } } }).join(), /Keep what was won/)
  assert.match(complaints(measured, { ...budget, [label]: undefined }).join(), /has no budget/)
})

test('Every entry of the package has one', async () => {
  const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as { exports: Record<string, unknown> }
  const names = new Set(measured.map(({ name }) => name))
  const forTests = /testing|package\.json|\.wasm$/
  for (const path of Object.keys(exports).filter(path => !forTests.test(path))) assert.ok(names.has(path.replace('.', 'reprise')), path)
})

test('README.md shows the budgets', async () => {
  const readme = await readFile('README.md', 'utf8')
  assert.equal(readme, withTable(readme, await readBudget()), 'To do: npm run size -- --write')
})

test('The core in JavaScript is loaded by nobody who has WebAssembly', () => {
  // It is large enough to be seen where it should not be.
  const core = measured.find(({ name }) => name === 'reprise/fallback')!.js.gz
  assert.ok(core > 5_000)
  for (const { label, later } of measured.filter(({ name }) => ['reprise', 'reprise/url'].includes(name))) assert.ok(later.gz > core, `${label}: it is among what is loaded at once`)
})
