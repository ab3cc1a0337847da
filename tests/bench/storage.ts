/**
 * `npm run bench -- storage`: what it costs to keep entries elsewhere.
 *
 *   storage/file-set, -replace, -get    2 KB in files
 *   storage/redis-get64    each of 64 entries of 2 KB that are asked for at once, out of Redis on loopback; asked: half of node-redis's time
 *   storage/idb-set, -get  each of 64 entries of 2 KB that are set, or asked for, at once, in IndexedDB in Chromium; asked: a third of what idb-keyval takes one by one
 *   storage/fleet-redis, -directory  4 processes x 250 calls of one key: 1 run; those who wait have the value within 5 ms (p50), 20 (p99)
 *   storage/tabs           two tabs, the same call: 1 run
 *   storage/blackhole      a Redis that has fallen silent: at most 300 ms for the first call, below 1 ms for the others
 */
import { fileURLToPath } from 'node:url'
import { runPage } from './chromium.js'
import { runRows } from './harness.js'
import { main } from './main.js'
import { fileRows } from './storage-file-rows.js'
import { blackholeRows, fleetRows, tabsRow } from './storage-fleet-rows.js'
import { redisRow } from './storage-redis-rows.js'

await main(async ({ pace, progress }) => {
  const files = await fileRows()
  try {
    const inNode = [...(await runRows(files.rows, pace, progress)), await redisRow(pace, progress)]
    const inPage = await runPage(fileURLToPath(new URL('./storage-page.js', import.meta.url)), pace, progress)
    return [...inNode, ...inPage, ...(await fleetRows(pace, progress)), await tabsRow(pace, progress), ...(await blackholeRows(progress))]
  } finally {
    await files.remove()
  }
})
