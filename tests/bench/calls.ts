/**
 * `npm run bench -- calls`: what calls cost beyond plain hits.
 *
 *   calls/waiters          1,000 calls at once of a key that nobody has asked for: one run, and what each caller pays for it
 *   calls/miss             a whole wrapped call that is a miss: the function returns at once, so this is what the cache adds
 *   calls/invalidate-tag   invalidate({ tag }) with 100,000 entries in memory
 *   calls/get-5-tags       get(key) of an entry with 5 tags
 *   calls/get-tagged       the same in relation to an entry without any
 */
import { main } from './main.js'
import { callRows, taggedRatio, waiterRow } from './call-rows.js'
import { runRows } from './harness.js'

await main(async ({ pace, progress }) => {
  const entries = pace.rounds < 100 ? 20_000 : 100_000
  const waiters = await waiterRow(pace, progress)
  const rows = await runRows(await callRows(entries), pace, progress)
  return [waiters, ...rows, await taggedRatio(pace, progress)]
})
