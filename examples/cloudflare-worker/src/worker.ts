// A model for many tenants. Each asks it once for the same question, and none is ever given another's answer.

import { env, waitUntil } from 'cloudflare:workers'
import { type Cache, createCache, toCacheStatus } from 'reprise'
import { cloudflareKv } from 'reprise/cloudflare-kv'
import { tiered } from 'reprise/tiered'
import { webCache } from 'reprise/web-cache'

let opening: Promise<Cache> | undefined

// Memory, then the data centre, then the world. (In a request: a Worker has no random numbers before.)
function openCache(): Promise<Cache> {
  return (opening ??= createCache({
    storage: tiered(webCache(), cloudflareKv(env.CACHE), { waitUntil }),
    scope: 'tenants',
    ttl: '30d',
    storageDeadline: '1s',
    waitUntil, // What is written when the answer is out.
  }))
}

export default {
  async fetch(request) {
    const tenant = tenantOf(request)
    if (tenant === undefined) return new Response('Whose key is that?\n', { status: 401 })
    const cache = await openCache()

    if (request.method === 'DELETE') {
      await cache.invalidate({ scope: tenant }) // One write, however many answers there are.
      return new Response(null, { status: 204 })
    }

    const ask = cache.scope(tenant).wrap(askModel, { name: 'ask' })
    const { value, info } = await ask.withInfo({ model: env.MODEL, question: await request.text() })
    return new Response(`${value}\n`, { headers: { 'cache-status': toCacheStatus(info) } })
  },
} satisfies ExportedHandler

// What the answer depends on is an argument: so another model is another key.
async function askModel({ model, question }: { model: string, question: string }): Promise<string> {
  const reply = await fetch(`${env.MODEL_URL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: question }] }),
  })
  if (!reply.ok) throw new Error(`The model answered with ${reply.status}: ${await reply.text()}`)
  const { choices } = await reply.json<{ choices: [{ message: { content: string } }] }>()
  return choices[0].message.content
}

function tenantOf(request: Request): string | undefined {
  const key = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
  return new Map(Object.entries(env.TENANTS)).get(key)
}
