// One question to a chat model over OpenAI's wire format, in Node and in browsers: the call that the demo caches.
//
// With `onToken` the answer is streamed, and put together here into the same object that a request without streaming
// would have brought. A stream counts as an answer only when it ended with [DONE]; anything less throws, because half an
// answer that is returned is half an answer that is cached.

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly temperature?: number
  readonly max_tokens?: number
  readonly seed?: number
}

export interface ChatCompletion {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  choices: { index: number, message: { role: string, content: string }, finish_reason: string | null }[]
  usage?: ChatUsage
}

export interface ChatUsage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

export interface ChatOptions {
  /** Up to and including /v1. */
  readonly baseUrl: string
  readonly apiKey?: string
  readonly fetch?: typeof fetch
  /** Called with each piece of text as it arrives. */
  readonly onToken?: (text: string) => void
  readonly signal?: AbortSignal
}

export async function chat(request: ChatRequest, options: ChatOptions): Promise<ChatCompletion> {
  const { baseUrl, apiKey, onToken, signal } = options
  const send = options.fetch ?? fetch
  const url = `${baseUrl.replace(/\/+$/, '')}/chat/completions`
  const response = await send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
    body: JSON.stringify(onToken ? { ...request, stream: true, stream_options: { include_usage: true } } : request),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Error(`Could not reach ${url}: ${reasonOf(error)}`, { cause: error })
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await errorMessage(response)}`)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  return onToken && isStream ? assembled(response, url, onToken) : whole(response, url)
}

async function whole(response: Response, url: string): Promise<ChatCompletion> {
  const completion = (await response.json().catch((error: unknown) => {
    throw new Error(`${url} sent an answer that is not JSON: ${reasonOf(error)}`, { cause: error })
  })) as ChatCompletion
  if (!Array.isArray(completion.choices)) throw new Error(`${url} sent JSON that is no chat completion: it has no choices.`)
  return completion
}

interface Chunk {
  id?: string
  created?: number
  model?: string
  choices?: { index: number, delta?: { role?: string, content?: string | null }, finish_reason?: string | null }[]
  usage?: ChatUsage | null
  error?: { message?: string }
}

/** Puts the first choice of a stream together. */
async function assembled(response: Response, url: string, onToken: (text: string) => void): Promise<ChatCompletion> {
  const choice = { index: 0, message: { role: 'assistant', content: '' }, finish_reason: null as string | null }
  const completion: ChatCompletion = { id: '', object: 'chat.completion', created: 0, model: '', choices: [choice] }
  for await (const data of eventsOf(response, url)) {
    if (data === '[DONE]') return completion
    const chunk = parseChunk(data, url)
    completion.id ||= chunk.id ?? ''
    completion.created ||= chunk.created ?? 0
    completion.model ||= chunk.model ?? ''
    if (chunk.usage) completion.usage = chunk.usage
    const part = chunk.choices?.find((part) => part.index === 0)
    if (part?.delta?.content) {
      choice.message.content += part.delta.content
      onToken(part.delta.content)
    }
    if (part?.finish_reason) choice.finish_reason = part.finish_reason
  }
  throw truncated(url)
}

function parseChunk(data: string, url: string): Chunk {
  let chunk: Chunk
  try {
    chunk = JSON.parse(data) as Chunk
  } catch (cause) {
    throw new Error(`${url} sent an event that is not JSON: ${data.slice(0, 80)}`, { cause })
  }
  if (chunk.error) throw new Error(`${url} failed in the middle of its answer: ${chunk.error.message ?? data.slice(0, 200)}`)
  return chunk
}

/** The data of each server-sent event. Events end with an empty line; the bytes are cut anywhere. */
async function* eventsOf(response: Response, url: string): AsyncGenerator<string, void, undefined> {
  if (!response.body) throw truncated(url)
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw truncated(url, cause)
      })
      if (done) return
      // A \r at the end may be half of a line end: it waits for what follows.
      rest = (rest + decoder.decode(value, { stream: true })).replace(/\r\n/g, '\n')
      const events = rest.split('\n\n')
      rest = events.pop()!
      for (const event of events) {
        const data = event.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart())
        if (data.length > 0) yield data.join('\n')
      }
    }
  } finally {
    // Also when the caller is done with us: a connection that nobody reads should not stay open.
    await reader.cancel().catch(() => {})
  }
}

function truncated(url: string, cause?: unknown): Error {
  return new Error(`${url} broke off in the middle of its answer (no [DONE]). Nothing was kept; ask again.`, { cause })
}

async function errorMessage(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const { error } = JSON.parse(text) as { error?: string | { message?: string } }
    const message = typeof error === 'string' ? error : error?.message
    if (message) return message
  } catch {
    // Not JSON: the text says what there is to say.
  }
  return text.trim().slice(0, 300) || response.statusText || 'no message'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message
}
