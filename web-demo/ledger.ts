/** The table of the last calls, and their sum. */
import { formatBytes, formatMs, formatTotals, type Row, savedMs } from '../demo/report.js'
import { element, make } from './page.js'
import { sourceOf, timeOf } from './verdict.js'

const ROWS_SHOWN = 8

/** Newest first: it is the one that was asked for just now. */
export function showCalls(rows: readonly Row[]): void {
  element('#no-calls').hidden = rows.length > 0
  element('#calls').hidden = rows.length === 0
  element('#calls tbody').replaceChildren(...rows.slice(-ROWS_SHOWN).reverse().map(lineOf))
  element('#totals').textContent = rows.some((row) => row.result === 'hit') ? formatTotals(rows) : ''
}

function lineOf(row: Row): HTMLTableRowElement {
  const source = sourceOf(row)
  const from = make('td', {}, make('span', { className: 'source' }, source))
  from.dataset['source'] = source
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, row.call),
    from,
    numberCell(timeOf(row.ms)),
    numberCell(row.bytes === undefined ? '–' : formatBytes(row.bytes)),
    numberCell(source === 'computed' ? '–' : formatMs(savedMs(row))),
  )
}

function numberCell(text: string): HTMLTableCellElement {
  return make('td', { className: 'number' }, text)
}
