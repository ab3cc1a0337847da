/**
 * `npm run bench -- storage`: what it costs to keep entries elsewhere.
 *
 *   storage/file-set, -replace, -get    2 KB in files
 */
import { runRows } from './harness.js'
import { main } from './main.js'
import { fileRows } from './storage-file-rows.js'

await main(async ({ pace, progress }) => {
  const files = await fileRows()
  try {
    return await runRows(files.rows, pace, progress)
  } finally {
    await files.remove()
  }
})
