// Reports about teams, from a database that takes two seconds for each. Any number of these servers share one Redis, and
// read each report once.

import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { createCache, toCacheStatus } from 'reprise'
import { redis } from 'reprise/redis'

const client = createClient({ url: process.env.REDIS_URL ?? 'redis://localhost:6379' })
await client.on('error', console.error).connect()

const cache = await createCache({ storage: redis(client), scope: 'reports', ttl: '1h' })
const report = cache.wrap(readReport, { name: 'report', tags: team => [`team:${team}`] })

const server = createServer(async (request, response) => {
  const team = /^\/teams\/(\d+)$/.exec(request.url ?? '')?.[1]
  if (team === undefined) return response.writeHead(404).end('Ask for /teams/7, say.\n')

  // The team has changed: forget all that was made of it, whatever function made it.
  if (request.method === 'POST') {
    await cache.invalidate({ tag: `team:${team}` })
    return response.writeHead(204).end()
  }

  const { value, info } = await report.withInfo(team)
  response.setHeader('cache-status', toCacheStatus(info))
  response.end(`${JSON.stringify(value)}\n`)
})

/** @param {string} team */
async function readReport(team) {
  console.log(`reading the report of team ${team}`)
  await sleep(2_000)
  return { team, readBy: process.pid, at: new Date() }
}

server.listen(Number(process.env.PORT ?? 3000), () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`listening on http://localhost:${port}`)
})

process.once('SIGTERM', async () => {
  server.close()
  await cache.close()
  await client.close()
})
