import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chat, type ChatRequest } from '../../demo/chat.js'
import { startEndpoint } from '../../demo/endpoint.js'
import { findUpstream } from '../../demo/upstream.js'

const request: ChatRequest = { model: 'reprise-ngram', messages: [{ role: 'user', content: 'What is a key?' }], seed: 5 }
const baseUrl = 'https://chat.example/v1'

/** A server that answers everything with these bytes, cut into these pieces. */
function answering(pieces: readonly string[], init: ResponseInit = {}): typeof fetch {
  return async () =>
    new Response(new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
        controller.close()
      },
    }), init)
}
const eventStream = { headers: { 'content-type': 'text/event-stream' } }
const contentChunk = (content: string): string => `data: ${JSON.stringify({ id: 'c1', created: 1, model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`

describe('a chat call', () => {
  test('brings the same answer whole and streamed', async () => {
    const endpoint = await startEndpoint({ pace: { firstTokenMs: 0, tokenMs: 0 } })
    const tokens: string[] = []
    const whole = await chat(request, endpoint)
    const streamed = await chat(request, { baseUrl: endpoint.baseUrl, onToken: (token) => tokens.push(token) })
    await endpoint.close()
    assert.deepEqual({ ...streamed, id: '', created: 0 }, { ...whole, id: '', created: 0 })
    assert.equal(tokens.join(''), whole.choices[0]!.message.content)
    assert.ok(tokens.length > 20)
  })

  test('sends the request as JSON, with the key if there is one', async () => {
    const sent: Request[] = []
    const record: typeof fetch = async (url, init) => {
      sent.push(new Request(url, init))
      return Response.json({ choices: [] })
    }
    await chat(request, { baseUrl: `${baseUrl}/`, apiKey: 'secret', fetch: record })
    await chat(request, { baseUrl, fetch: record })
    assert.equal(sent[0]!.url, 'https://chat.example/v1/chat/completions')
    assert.equal(sent[0]!.headers.get('authorization'), 'Bearer secret')
    assert.equal(sent[1]!.headers.get('authorization'), null)
    assert.deepEqual(await sent[0]!.json(), request)
  })
})

describe('a stream', () => {
  const read = (pieces: readonly string[]) => chat(request, { baseUrl, fetch: answering(pieces, eventStream), onToken: () => {} })
  const contentOf = async (pieces: readonly string[]) => (await read(pieces)).choices[0]!.message.content

  test('may be cut anywhere, with any line ends and comments', async () => {
    const text = `: hello\n\n${contentChunk('käse')}${contentChunk(' 🧀')}data: [DONE]\n\n`
    assert.equal(await contentOf([...text]), 'käse 🧀')
    assert.equal(await contentOf([text.replaceAll('\n', '\r\n')]), 'käse 🧀')
    assert.equal(await contentOf([...text.replaceAll('\n', '\r\n')]), 'käse 🧀')
  })

  test('that ends without [DONE] throws', async () => {
    await assert.rejects(read([contentChunk('half')]), /broke off in the middle.*no \[DONE\]/)
    await assert.rejects(read([contentChunk('half'), 'data: [DO']), /broke off/)
    await assert.rejects(read([]), /broke off/)
  })

  test('whose connection breaks throws', async () => {
    const broken: typeof fetch = async () =>
      new Response(new ReadableStream({
        pull(controller) {
          controller.error(new Error('connection reset'))
        },
      }), eventStream)
    await assert.rejects(chat(request, { baseUrl, fetch: broken, onToken: () => {} }), /broke off/)
  })

  test('that reports an error throws its message', async () => {
    await assert.rejects(read([contentChunk('half'), 'data: {"error":{"message":"overloaded"}}\n\n']), /overloaded/)
  })

  test('with an event that is no JSON throws', async () => {
    await assert.rejects(read(['data: {"id"\n\n']), /not JSON: \{"id"/)
  })
})

describe('a failure', () => {
  test('throws the status and the message of the server', async () => {
    const body = JSON.stringify({ error: { message: 'Incorrect API key provided' } })
    await assert.rejects(chat(request, { baseUrl, fetch: answering([body], { status: 401 }) }), /answered 401: Incorrect API key provided/)
  })

  test('throws the text of a server that does not speak JSON', async () => {
    await assert.rejects(chat(request, { baseUrl, fetch: answering(['<h1>Bad Gateway</h1>'], { status: 502 }) }), /answered 502: <h1>Bad Gateway/)
  })

  test('throws when the answer is no completion', async () => {
    await assert.rejects(chat(request, { baseUrl, fetch: answering(['hello']) }), /not JSON/)
    await assert.rejects(chat(request, { baseUrl, fetch: answering(['{}']) }), /no chat completion/)
  })

  test('throws the address that cannot be reached', async () => {
    const endpoint = await startEndpoint()
    await endpoint.close()
    await assert.rejects(chat(request, endpoint), (error: Error) => error.message.startsWith(`Could not reach ${endpoint.baseUrl}`) && /ECONNREFUSED/.test(error.message))
  })
})

describe('the model that the demo talks to', () => {
  test('is the configured one', async () => {
    const upstream = await findUpstream({ env: { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: 'k', OPENAI_MODEL: 'm' } })
    assert.deepEqual([upstream.kind, upstream.baseUrl, upstream.apiKey, upstream.model], ['configured', baseUrl, 'k', 'm'])
  })

  test('is the first one of a local Ollama if nothing is configured', async () => {
    const ollama = await startEndpoint()
    const upstream = await findUpstream({ env: {}, ollamaUrl: ollama.baseUrl })
    await ollama.close()
    assert.deepEqual([upstream.kind, upstream.model], ['ollama', 'reprise-ngram'])
  })

  test('is our own, and says that it is no LLM, if there is nothing else', async () => {
    const gone = await startEndpoint()
    await gone.close()
    const upstream = await findUpstream({ env: {}, ollamaUrl: gone.baseUrl })
    await upstream.close()
    assert.equal(upstream.kind, 'own')
    assert.match(upstream.description, /n-gram.*not an LLM/)
  })

  test('is asked for in a way that a person can fix', async () => {
    await assert.rejects(findUpstream({ env: { OPENAI_BASE_URL: 'nonsense' } }), /OPENAI_BASE_URL is not a URL: "nonsense"/)
  })
})
