// Which chat model the demo talks to: the one that is configured, else the one that runs on this machine, else our own.

import { startEndpoint, ownModelName, type Endpoint } from './endpoint.js'

export interface Upstream {
  readonly kind: 'configured' | 'ollama' | 'own'
  readonly baseUrl: string
  readonly apiKey?: string
  readonly model: string
  /** One sentence for the person who watches: what answers here. */
  readonly description: string
  /** Our own endpoint, if it is ours. */
  readonly endpoint?: Endpoint
  close(): Promise<void>
}

export interface UpstreamOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly ollamaUrl?: string
}

const OLLAMA_URL = 'http://127.0.0.1:11434/v1'
const OLLAMA_DEADLINE_MS = 300
const DEFAULT_HOSTED_MODEL = 'gpt-4o-mini'

export async function findUpstream({ env, ollamaUrl = OLLAMA_URL }: UpstreamOptions): Promise<Upstream> {
  return configured(env) ?? (await ollama(ollamaUrl, env['OPENAI_MODEL'])) ?? (await own())
}

const nothingToClose = async (): Promise<void> => {}

function configured(env: UpstreamOptions['env']): Upstream | undefined {
  const baseUrl = env['OPENAI_BASE_URL']
  if (!baseUrl) return undefined
  if (!URL.canParse(baseUrl)) {
    throw new Error(`OPENAI_BASE_URL is not a URL: ${JSON.stringify(baseUrl)}. It should look like https://api.openai.com/v1; unset it to do without.`)
  }
  const apiKey = env['OPENAI_API_KEY']
  const model = env['OPENAI_MODEL'] || DEFAULT_HOSTED_MODEL
  return {
    kind: 'configured',
    baseUrl,
    ...(apiKey ? { apiKey } : {}),
    model,
    description: `${model} at ${baseUrl} (from OPENAI_BASE_URL)`,
    close: nothingToClose,
  }
}

async function ollama(baseUrl: string, wantedModel: string | undefined): Promise<Upstream | undefined> {
  const installed = await firstModel(baseUrl)
  if (installed === undefined) return undefined
  const model = wantedModel || installed
  return { kind: 'ollama', baseUrl, model, description: `${model} in the Ollama on this machine`, close: nothingToClose }
}

/** The first model that Ollama has; undefined if there is no Ollama, or none that answers soon, or it has no model. */
async function firstModel(baseUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${baseUrl}/models`, { signal: AbortSignal.timeout(OLLAMA_DEADLINE_MS) })
    if (!response.ok) return undefined
    const { data } = (await response.json()) as { data?: { id?: string }[] | null }
    return data?.[0]?.id
  } catch {
    return undefined
  }
}

async function own(): Promise<Upstream> {
  const endpoint = await startEndpoint()
  return {
    kind: 'own',
    baseUrl: endpoint.baseUrl,
    model: ownModelName,
    description: "the project's own n-gram model on this machine, at the pace of a hosted model: not an LLM",
    endpoint,
    close: () => endpoint.close(),
  }
}
