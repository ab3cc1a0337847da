// GET /5000000 counts the primes below five millions: slowly, and once.

import { createCache, toCacheStatus } from 'reprise'
import { denoKv } from 'reprise/deno-kv'

const cache = await createCache({ storage: denoKv(await Deno.openKv()), scope: 'primes' })
const count = cache.wrap(primesBelow, { name: 'primesBelow' })

const server = Deno.serve(async request => {
  const limit = Number(new URL(request.url).pathname.slice(1))
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000_000) return new Response('Ask for /5000000, say.\n', { status: 404 })
  const { value, info } = await count.withInfo(limit)
  return new Response(`${value} primes below ${limit}\n`, { headers: { 'cache-status': toCacheStatus(info) } })
})

Deno.addSignalListener('SIGTERM', async () => {
  await server.shutdown()
  await cache.close() // What is being written is written.
  Deno.exit()
})

function primesBelow(limit: number): number {
  console.log(`counting to ${limit}`)
  let primes = 0
  for (let n = 2; n < limit; n++) if (isPrime(n)) primes++
  return primes
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
