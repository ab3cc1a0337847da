// A chat endpoint with OpenAI's wire format and the project's n-gram model behind it. It keeps the pace of a hosted
// model, so that what a cache saves here is what it would save there. It says what it is: the model's name is
// `reprise-ngram`, and nobody should take it for an LLM.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { corpus } from './corpus.js'
import {
  abortWhenClosed, closeServer, HttpError, isLocalHost, isLocalOrigin, listen, LOCAL_HOST, readBody, sendError, sendJson,
} from './http.js'
import { Model, tokenize } from './model.js'

export const ownModelName = 'reprise-ngram'

export interface Pace {
  readonly firstTokenMs: number
  readonly tokenMs: number
}

const hostedPace: Pace = { firstTokenMs: 350, tokenMs: 25 }

export interface EndpointOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  readonly pace?: Pace
}

export interface Endpoint {
  /** What an OpenAI client takes as base URL; ends in /v1. */
  readonly baseUrl: string
  /** Chat completions asked for since the start. A hit of a cache does not count here: it never arrives. */
  readonly requests: number
  /** Tokens generated since the start. */
  readonly tokens: number
  close(): Promise<void>
}

export async function startEndpoint({ port = 0, pace = hostedPace }: EndpointOptions = {}): Promise<Endpoint> {
  const model = new Model(corpus)
  const counters = { requests: 0, tokens: 0 }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendError(response, error))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLocalHost(request.headers.host)) throw new HttpError(403, 'This endpoint answers requests to 127.0.0.1 and localhost only.')
    allowLocalPages(request, response)
    const path = request.url?.split('?')[0]
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end()
    } else if (request.method === 'GET' && path === '/v1/models') {
      sendJson(response, 200, { object: 'list', data: [{ id: ownModelName, object: 'model', created: 0, owned_by: 'reprise' }] })
    } else if (request.method === 'POST' && path === '/v1/chat/completions') {
      await complete(request, response)
    } else {
      throw new HttpError(404, `There is no ${request.method} ${path}. Try POST /v1/chat/completions or GET /v1/models.`)
    }
  }

  async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = parseQuestion((await readBody(request)).toString('utf8'))
    const number = ++counters.requests
    const signal = abortWhenClosed(response)
    const completion = new Completion(question, number)
    const tokens = paced(model.generate(question.prompt, question), pace, signal)
    try {
      if (question.stream) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
      for await (const token of tokens) {
        counters.tokens++
        const chunk = completion.add(token)
        if (question.stream) sendEvent(response, chunk)
      }
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    if (!question.stream) return sendJson(response, 200, completion.whole())
    for (const chunk of completion.lastChunks()) sendEvent(response, chunk)
    response.end('data: [DONE]\n\n')
  }

  const address = `http://${LOCAL_HOST}:${await listen(server, port)}/v1`
  return {
    baseUrl: address,
    get requests() { return counters.requests },
    get tokens() { return counters.tokens },
    close: () => closeServer(server),
  }
}

function allowLocalPages(request: IncomingMessage, response: ServerResponse): void {
  const origin = request.headers.origin
  response.setHeader('vary', 'Origin')
  if (origin === undefined || !isLocalOrigin(origin)) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS')
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? 'content-type, authorization')
  response.setHeader('access-control-max-age', '600')
}

function sendEvent(response: ServerResponse, chunk: object): void {
  response.write(`data: ${JSON.stringify(chunk)}\n\n`)
}

interface Question {
  readonly model: string
  readonly prompt: string
  readonly promptTokens: number
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly seed: number
  readonly temperature?: number
  readonly maxTokens: number
}

const DEFAULT_MAX_TOKENS = 90
const MOST_TOKENS = 4096

function parseQuestion(text: string): Question {
  const body = parseObject(text)
  const messages = body['messages']
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new HttpError(400, "Missing required parameter: 'messages', a list of at least one { role, content }.")
  }
  const contents = messages.map(contentOf)
  const temperature = optionalNumber(body, 'temperature', 0, 2)
  const streamOptions = body['stream_options']
  return {
    model: typeof body['model'] === 'string' ? body['model'] : ownModelName,
    prompt: contents.at(-1)!,
    promptTokens: contents.reduce((sum, content) => sum + tokenize(content).length, 0),
    stream: body['stream'] === true,
    includeUsage: isRecord(streamOptions) && streamOptions['include_usage'] === true,
    seed: optionalNumber(body, 'seed', -(2 ** 53), 2 ** 53) ?? Math.floor(Math.random() * 2 ** 31),
    maxTokens: Math.round(
      optionalNumber(body, 'max_completion_tokens', 1, MOST_TOKENS) ?? optionalNumber(body, 'max_tokens', 1, MOST_TOKENS) ?? DEFAULT_MAX_TOKENS,
    ),
    ...(temperature === undefined ? {} : { temperature }),
  }
}

function parseObject(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new HttpError(400, `The request body is not JSON: ${(error as Error).message}`)
  }
  if (!isRecord(body)) throw new HttpError(400, 'The request body must be a JSON object.')
  return body
}

/** The text of a message; of its text parts, if it has parts. */
function contentOf(message: unknown, index: number): string {
  const content = isRecord(message) ? message['content'] : undefined
  if (typeof content === 'string') return content
  if (Array.isArray(content)) return content.map((part) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '')).join(' ')
  throw new HttpError(400, `Invalid 'messages[${index}]': it must be an object with a 'content' of text.`)
}

function optionalNumber(body: Record<string, unknown>, name: string, low: number, high: number): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && value >= low && value <= high) return value
  throw new HttpError(400, `Invalid '${name}': it must be a number from ${low} to ${high}.`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function* paced(tokens: Iterable<string>, { firstTokenMs, tokenMs }: Pace, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  let waitMs = firstTokenMs
  for (const token of tokens) {
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    signal.throwIfAborted()
    yield token
    waitMs = tokenMs
  }
}

/** One answer on its way, and its forms on the wire. */
class Completion {
  readonly #question: Question
  readonly #id: string
  readonly #created = Math.floor(Date.now() / 1000)
  #text = ''
  #tokens = 0

  constructor(question: Question, number: number) {
    this.#question = question
    this.#id = `chatcmpl-${number}-${this.#created}`
  }

  add(token: string): object {
    const delta = this.#tokens === 0 ? { role: 'assistant', content: token } : { content: token }
    this.#text += token
    this.#tokens++
    return this.#chunk([{ index: 0, delta, finish_reason: null }])
  }

  lastChunks(): object[] {
    const last = this.#chunk([{ index: 0, delta: {}, finish_reason: this.#finishReason() }])
    return this.#question.includeUsage ? [last, { ...this.#chunk([]), usage: this.#usage() }] : [last]
  }

  whole(): object {
    return {
      id: this.#id,
      object: 'chat.completion',
      created: this.#created,
      model: this.#question.model,
      choices: [{ index: 0, message: { role: 'assistant', content: this.#text }, finish_reason: this.#finishReason() }],
      usage: this.#usage(),
    }
  }

  #chunk(choices: object[]) {
    return { id: this.#id, object: 'chat.completion.chunk', created: this.#created, model: this.#question.model, choices }
  }

  #finishReason(): 'stop' | 'length' {
    return this.#tokens < this.#question.maxTokens ? 'stop' : 'length'
  }

  #usage() {
    const { promptTokens } = this.#question
    return { prompt_tokens: promptTokens, completion_tokens: this.#tokens, total_tokens: promptTokens + this.#tokens }
  }
}
