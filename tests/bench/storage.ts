/**
 * `npm run bench -- storage`: what it costs to keep entries elsewhere.
 *
 *   storage/redis-get64    each of 64 entries of 2 KB that are asked for at once, out of Redis on loopback; asked: half of node-redis's time
 */
import { main } from './main.js'
import { redisRow } from './storage-redis-rows.js'

await main(async ({ pace, progress }) => [await redisRow(pace, progress)])
