// Tables in Markdown that a script writes, each between two comments of its own.

import { StepError } from './process.mjs'

/** A text in three: what is before `begin`, what is between the two without space around it, and what is after `end`. */
export function between(text, begin, end) {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start < 0 || stop < start) throw new StepError(`There is no "${begin}" with an "${end}" after it. Put both lines where the table is to be.`)
  return { before: text.slice(0, start), table: text.slice(start + begin.length, stop).trim(), after: text.slice(stop + end.length) }
}

/** The same text, with another table between them. */
export function withBetween(text, begin, end, table) {
  const { before, after } = between(text, begin, end)
  return `${before}${begin}\n${table}\n${end}${after}`
}
