/** The tables that say where the package was tried (docs/runtimes.md, and README.md in short) have the rows that there are, and no others. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { countsInMarkdown, markdownOf, rowOf, rowsIn, rowsInMarkdown, rowsInTests, shortMarkdownOf, withTable } from '../../scripts/lib/rows.mjs'

const titles = (rows: { consumer: string; what: string }[]): string[] => rows.map(({ consumer, what }) => `${consumer} | ${what}`).sort()

const text = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

test('docs/runtimes.md names exactly the rows that exist', async () => {
  const rows = rowsInTests()
  assert.ok(rows.some(({ consumer }) => consumer === 'Vite'))
  assert.equal(new Set(titles(rows)).size, rows.length, 'no two rows have the same title')
  assert.deepEqual(titles(rowsInMarkdown(await text('docs/runtimes.md'))), titles(rows), 'To do: npm run matrix -- --write')
})

test('README says how many rows there are of each, and that all of them passed', async () => {
  const rows = rowsInTests()
  const consumers = [...new Set(rows.map(({ consumer }) => consumer))].sort((a, b) => a.localeCompare(b, 'en'))
  const expected = consumers.map(consumer => {
    const count = rows.filter(row => row.consumer === consumer).length
    return { consumer, passed: `${count} of ${count}` }
  })
  assert.deepEqual(countsInMarkdown(await text('README.md')), expected, 'To do: npm run matrix -- --write')
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
  assert.equal(shortMarkdownOf(rows), '| where | version | passed |\n|---|---|---|\n| Deno | 2.9.5 | 1 of 1 |\n| Vite | 8.3.8 | 1 of 2 |')
  const page = withTable('before\n<!-- matrix -->\nold\n<!-- /matrix -->\nafter', table)
  assert.equal(page, `before\n<!-- matrix -->\n${table}\n<!-- /matrix -->\nafter`)
  assert.deepEqual(titles(rowsInMarkdown(page)), titles(rows))
  assert.throws(() => withTable('no table', table), /There is no "<!-- matrix -->"/)
})
