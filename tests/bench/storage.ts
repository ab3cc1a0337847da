/**
 * `npm run bench -- storage`: what it costs to keep entries elsewhere.
 *
 *   storage/file-set, -replace, -get    2 KB in files
 *   storage/redis-get64    each of 64 entries of 2 KB that are asked for at once, out of Redis on loopback; asked: half of node-redis's time
 *   storage/idb-set, -get  each of 64 entries of 2 KB that are set, or asked for, at once, in IndexedDB in Chromium; asked: a third of what idb-keyval takes one by one
 */
import { fileURLToPath } from 'node:url'
import { runPage } from './chromium.js'
import { runRows } from './harness.js'
import { main } from './main.js'
import { fileRows } from './storage-file-rows.js'
import { redisRow } from './storage-redis-rows.js'

await main(async ({ pace, progress }) => {
  const files = await fileRows()
  try {
    const inNode = [...(await runRows(files.rows, pace, progress)), await redisRow(pace, progress)]
    return [...inNode, ...(await runPage(fileURLToPath(new URL('./storage-page.js', import.meta.url)), pace, progress))]
  } finally {
    await files.remove()
  }
})
