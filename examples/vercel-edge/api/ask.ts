// GET /api/ask?question=… asks a model: once for the same question, whichever isolate of whichever region is asked.

import { Redis } from '@upstash/redis'
import { createCache, toCacheStatus } from 'reprise'
import { upstash } from 'reprise/upstash'

export const config = { runtime: 'edge' }

let opening: ReturnType<typeof open> | undefined

async function open() {
  const cache = await createCache({ storage: upstash(Redis.fromEnv()), scope: 'public', storageDeadline: '1s' })
  return { cache, ask: cache.wrap(askModel, { name: 'ask', ttl: '30d' }) }
}

export default async function handler(request: Request, context: { waitUntil(work: Promise<unknown>): void }): Promise<Response> {
  const question = new URL(request.url).searchParams.get('question')
  if (!question) return new Response('Ask something: /api/ask?question=Why is the sky blue?\n', { status: 400 })

  // In a request: the cache needs random numbers, which are not to be had before.
  const { cache, ask } = await (opening ??= open())
  const { value, info } = await ask.withInfo({ model: process.env.MODEL ?? 'gpt-5-mini', question })
  context.waitUntil(cache.settled()) // What is written when the answer is out.
  return new Response(`${value}\n`, { headers: { 'cache-status': toCacheStatus(info) } })
}

// What the answer depends on is an argument: so another model is another key.
async function askModel({ model, question }: { model: string, question: string }): Promise<string> {
  const reply = await fetch(`${process.env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1'}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: question }] }),
  })
  if (!reply.ok) throw new Error(`The model answered with ${reply.status}: ${await reply.text()}`)
  const { choices } = (await reply.json()) as { choices: [{ message: { content: string } }] }
  return choices[0].message.content
}
