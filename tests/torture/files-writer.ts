/**
 * Writes into a directory through a whole cache until it is killed, and says on stdout, a line each, what was acknowledged.
 *
 *   node program.mjs <directory> <slot>
 *
 * It has keys of its own and keys that all writers have. Each value knows its key and its number, and the numbers rise from one process to the next.
 */
import { writeSync } from 'node:fs'
import { createCache, fileSystem } from '../../js/runtimes/node.js'
import { valueOf } from './files-value.js'

const [directory, slot] = process.argv.slice(2) as [string, string]
const cache = await createCache({ storage: fileSystem({ directory }), storageDeadline: '10s' })
const keys = [0, 1, 2, 3].flatMap(i => [`own-${slot}-${i}`, `shared-${i}`])

for (let turn = 0, number = Date.now() * 1_000; ; turn++) {
  const key = keys[turn % keys.length]!
  await cache.set(key, valueOf(key, ++number))
  await cache.settled()
  if (cache.stats().storageErrors > 0) throw new Error('the storage failed, and nobody made it')
  writeSync(1, `${key} ${number}\n`)
}
