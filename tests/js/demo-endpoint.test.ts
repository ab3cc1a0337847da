import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEndpoint, type Endpoint } from '../../demo/endpoint.js'

const noWaiting = { firstTokenMs: 0, tokenMs: 0 }
const messages = [{ role: 'user', content: 'Why is invalidation hard?' }]

let endpoint: Endpoint
beforeEach(async () => { endpoint = await startEndpoint({ pace: noWaiting }) })
afterEach(() => endpoint.close())

const post = (body: string | object, init: RequestInit = {}): Promise<Response> =>
  fetch(`${endpoint.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  })

describe('a chat completion', () => {
  test('has the shape of the OpenAI API', async () => {
    const response = await post({ model: 'some-model', messages, seed: 1 })
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type')!, /^application\/json/)
    const { id, created, choices, usage, ...rest } = await response.json()
    assert.match(id, /^chatcmpl-/)
    assert.ok(Math.abs(created - Date.now() / 1000) < 60)
    assert.deepEqual(rest, { object: 'chat.completion', model: 'some-model' })
    assert.equal(choices.length, 1)
    assert.equal(choices[0].message.role, 'assistant')
    assert.match(choices[0].message.content, /invalidat/i)
    assert.equal(usage.prompt_tokens, 5)
    assert.ok(usage.completion_tokens > 60 && usage.completion_tokens <= 90)
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
  })

  test('is as long as it may be, and says whether it was cut', async () => {
    const { choices, usage } = await (await post({ messages, max_tokens: 5 })).json()
    assert.equal(usage.completion_tokens, 5)
    assert.equal(choices[0].finish_reason, 'length')
  })

  test('reads text parts as well as text', async () => {
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'Why is invalidation hard?' }] }]
    assert.equal(await contentOf(await post({ messages: parts, seed: 4 })), await contentOf(await post({ messages, seed: 4 })))
  })

  test('comes as a stream of chunks that ends with [DONE]', async () => {
    const response = await post({ messages, seed: 1, stream: true, stream_options: { include_usage: true } })
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/)
    const events = (await response.text()).split('\n\n').filter(Boolean).map((event) => event.replace(/^data: /, ''))
    assert.equal(events.pop(), '[DONE]')
    const chunks = events.map((event) => JSON.parse(event))
    assert.ok(chunks.every((chunk) => chunk.object === 'chat.completion.chunk' && chunk.id === chunks[0].id))
    assert.deepEqual(chunks.pop().choices, [])
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop')
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')
    assert.equal(text, await contentOf(await post({ messages, seed: 1 })))
  })
})

describe('the endpoint', () => {
  test('keeps its pace', async () => {
    const slow = await startEndpoint({ pace: { firstTokenMs: 40, tokenMs: 10 } })
    const start = performance.now()
    await (await fetch(`${slow.baseUrl}/chat/completions`, { method: 'POST', body: JSON.stringify({ messages, max_tokens: 5 }) })).json()
    assert.ok(performance.now() - start >= 75)
    await slow.close()
  })

  test('stops generating when the client is gone', async () => {
    const slow = await startEndpoint({ pace: { firstTokenMs: 0, tokenMs: 5 } })
    const abort = new AbortController()
    const response = await fetch(`${slow.baseUrl}/chat/completions`, {
      method: 'POST', body: JSON.stringify({ messages, stream: true, max_tokens: 4000 }), signal: abort.signal,
    })
    await response.body!.getReader().read()
    abort.abort()
    await sleep(50)
    const tokens = slow.tokens
    await sleep(50)
    assert.equal(slow.tokens, tokens)
    await slow.close()
  })

  test('counts the completions it was asked for, and nothing else', async () => {
    await fetch(`${endpoint.baseUrl}/models`)
    await post('{')
    assert.equal(endpoint.requests, 0)
    await post({ messages })
    await post({ messages, stream: true })
    assert.equal(endpoint.requests, 2)
  })

  test('lists its one model', async () => {
    const { object, data } = await (await fetch(`${endpoint.baseUrl}/models`)).json()
    assert.equal(object, 'list')
    assert.deepEqual(data.map((model: { id: string }) => model.id), ['reprise-ngram'])
  })

  test('answers a page of this machine across origins, and no other page', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${endpoint.baseUrl}/chat/completions`, { method: 'OPTIONS', headers: { origin, 'access-control-request-headers': 'content-type' } })
    const local = await preflight('http://localhost:4173')
    assert.equal(local.status, 204)
    assert.equal(local.headers.get('access-control-allow-origin'), 'http://localhost:4173')
    assert.equal(local.headers.get('access-control-allow-headers'), 'content-type')
    assert.equal((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), null)
  })

  test('closes while somebody waits', async () => {
    const slow = await startEndpoint({ pace: { firstTokenMs: 60_000, tokenMs: 0 } })
    const answer = fetch(`${slow.baseUrl}/chat/completions`, { method: 'POST', body: JSON.stringify({ messages }) })
    const refused = assert.rejects(answer)
    while (slow.requests === 0) await sleep(5)
    await slow.close()
    await refused
  })
})

describe('a mistake in a request', () => {
  const mistakes: [string, string | object, number, RegExp][] = [
    ['no JSON', '{"messages":', 400, /not JSON/],
    ['no object', '[1]', 400, /must be a JSON object/],
    ['no messages', {}, 400, /'messages'/],
    ['an empty list of messages', { messages: [] }, 400, /'messages'/],
    ['a message without content', { messages: [{ role: 'user' }] }, 400, /messages\[0\]/],
    ['a temperature out of range', { messages, temperature: 3 }, 400, /'temperature'.*0 to 2/],
    ['a body above 1 MB', JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }), 413, /larger than 1048576 bytes/],
  ]
  for (const [what, body, status, message] of mistakes) {
    test(`is told in OpenAI's shape: ${what}`, async () => {
      const response = await post(body)
      assert.equal(response.status, status)
      const { error } = await response.json()
      assert.match(error.message, message)
      assert.equal(error.type, 'invalid_request_error')
    })
  }

  test('is told for a path that does not exist', async () => {
    const response = await fetch(`${endpoint.baseUrl}/embeddings`, { method: 'POST', body: '{}' })
    assert.equal(response.status, 404)
    assert.match((await response.json()).error.message, /POST \/v1\/embeddings.*POST \/v1\/chat\/completions/)
  })
})

async function contentOf(response: Response): Promise<string> {
  return (await response.json()).choices[0].message.content
}
