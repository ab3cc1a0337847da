/** The table of README.md that says where the package was tried has the rows that there are, and no others. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { markdownOf, rowOf, rowsIn, rowsInMarkdown, rowsInTests, withTable } from '../../scripts/lib/rows.mjs'

const titles = (rows: { consumer: string; what: string }[]): string[] => rows.map(({ consumer, what }) => `${consumer} | ${what}`).sort()

test('README names exactly the rows that exist', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const rows = rowsInTests()
  assert.ok(rows.some(({ consumer }) => consumer === 'Vite'))
  assert.equal(new Set(titles(rows)).size, rows.length, 'no two rows have the same title')
  assert.deepEqual(titles(rowsInMarkdown(readme)), titles(rows), 'To do: npm run matrix -- --write')
})

test('A row is a test at the top of its file whose title has a bar', () => {
  const source = `
test('Vite | a page', async () => {})
test('Deno | two processes', t => run(t))
test('no row', () => {})
  test('Vite | within another', () => {})
`
  assert.deepEqual(rowsIn(source), [{ consumer: 'Vite', what: 'a page' }, { consumer: 'Deno', what: 'two processes' }])
  assert.deepEqual(rowOf('Vite | a page'), { consumer: 'Vite', what: 'a page' })
  assert.equal(rowOf('no row'), undefined)
})

test('A table that is written is read again, whatever was there before', () => {
  const rows = [
    { consumer: 'Vite', version: '8.3.8', what: 'a page', result: 'pass' },
    { consumer: 'Deno', version: '2.9.5', what: 'two processes', result: 'pass' },
    { consumer: 'Vite', version: '8.3.8', what: 'a server', result: 'fail' },
  ]
  const table = markdownOf(rows)
  assert.equal(table, '| consumer | version | what was run | result |\n|---|---|---|---|\n| Deno | 2.9.5 | two processes | pass |\n| Vite | 8.3.8 | a page<br>a server | pass<br>fail |')
  const text = withTable('before\n<!-- matrix -->\nold\n<!-- /matrix -->\nafter', table)
  assert.equal(text, `before\n<!-- matrix -->\n${table}\n<!-- /matrix -->\nafter`)
  assert.deepEqual(titles(rowsInMarkdown(text)), titles(rows))
  assert.throws(() => withTable('no table', table), /There is no "<!-- matrix -->"/)
})
