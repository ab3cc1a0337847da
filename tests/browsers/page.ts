/**
 * What a page of these tests has: `story`, a cache whose function tells each of its runs apart. With `?in=worker` the same is in a
 * module worker, and the page hands on what it is asked.
 */
import { type CacheStats, createCache } from 'reprise'
import { recorder } from 'reprise/testing'

export interface Answer {
  answer: string
  /** What the call's info says: `computed` or where it was found. */
  from: string
}

export interface Story {
  /** Asks, and waits until what is to be kept is kept. */
  ask(prompt: string): Promise<Answer>
  /** Asks without waiting; `answers()` has what came. */
  begin(prompt: string): void
  answers(): Promise<string[]>
  /** From now on the function waits, until it may go on. */
  hold(): void
  go(): void
  runs(): number
  has(prompt: string): Promise<boolean>
  invalidate(prompt: string): Promise<void>
  /** What went wrong: events of the cache that are no part of ordinary calls, and what nobody caught. */
  troubles(): string[]
  stats(): CacheStats
  /** What of the platform there is. */
  there(names: string[]): string[]
}

/** A story as somebody elsewhere has it. */
export type AskedStory = { [name in keyof Story]: (...args: Parameters<Story[name]>) => Promise<Awaited<ReturnType<Story[name]>>> }

declare global {
  var story: AskedStory
  /** Resolves when `story` is there. */
  var ready: Promise<void>
  /** What nobody caught (first.js). */
  var problems: string[]
}

export async function begin(): Promise<Story> {
  const record = recorder()
  // What is invalidated elsewhere is heard of by messages only, and a machine that is busy has time.
  const cache = await createCache({ invalidationLag: 'forever', storageDeadline: '10s', onEvent: record.listen })
  const own = Math.random().toString(36).slice(2)
  let runs = 0
  let held = Promise.resolve()
  let release = (): void => {}
  const ask = cache.wrap(async (prompt: string) => {
    const run = ++runs
    await held
    return `${prompt}: run ${run} of ${own}`
  }, { name: 'ask', ttl: '1h' })
  const begun: Promise<string>[] = []
  const ordinary = ['hit', 'miss', 'joined', 'computed', 'stored', 'invalidated', 'bypass']
  await cache.settled()
  return {
    async ask(prompt) {
      const { value, info } = await ask.withInfo(prompt)
      await cache.settled()
      return { answer: value, from: info.tier ?? 'computed' }
    },
    begin: prompt => void begun.push(ask(prompt)),
    answers: () => Promise.all(begun.splice(0)),
    hold: () => { held = new Promise(resolve => { release = resolve }) },
    go: () => release(),
    runs: () => runs,
    has: async prompt => (await ask.peek(prompt)) !== undefined,
    invalidate: async prompt => void (await ask.invalidate(prompt)),
    troubles: () => [
      ...record.events.filter(({ type }) => !ordinary.includes(type)).map(event => `${event.type}${'why' in event ? `: ${event.why}` : ''}${'error' in event ? ` ${event.error}` : ''}${'state' in event ? `: ${event.state}` : ''}`),
      ...problems,
    ],
    stats: () => cache.stats(),
    there: names => names.filter(name => name.split('.').reduce<unknown>((found, part) => (found as Record<string, unknown> | undefined)?.[part], globalThis) !== undefined),
  }
}

/** Tells the test, by a page that nobody can ask. */
export async function post(content: object): Promise<void> {
  // What loads pages may be gone for a moment.
  while (!(await fetch('/', { method: 'POST', body: JSON.stringify(content) }).then(({ ok }) => ok, () => false))) await pause(50)
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

interface Question { id: number; name: keyof Story; args: unknown[] }

/** The worker's side: answers what it is asked. */
export function serve(): void {
  const story = begin()
  globalThis.onmessage = async ({ data: { id, name, args } }: MessageEvent<Question>) => {
    const answer = await story.then(story => (story[name] as (...args: unknown[]) => unknown)(...args)).then(value => ({ value }), error => ({ problem: String(error) }))
    postMessage({ id, ...answer })
  }
}

function inWorker(): AskedStory {
  const worker = new Worker('/worker.js', { type: 'module' })
  const waiting: ((answer: { value: never; problem?: string }) => void)[] = []
  worker.onmessage = ({ data }) => waiting[data.id]!(data)
  worker.onerror = event => problems.push(`the worker: ${event.message}`)
  return new Proxy({} as AskedStory, {
    get: (_, name: keyof Story | 'then') =>
      name === 'then' ? undefined : (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          const id = waiting.push(({ value, problem }) => (problem === undefined ? resolve(value) : reject(new Error(problem)))) - 1
          worker.postMessage({ id, name, args } satisfies Question)
        }),
  })
}

if ('document' in globalThis) {
  globalThis.ready = (async () => {
    globalThis.story = new URLSearchParams(location.search).get('in') === 'worker' ? inWorker() : ((await begin()) as unknown as AskedStory)
  })()
  // Whoever waits for it hears of that.
  ready.catch(() => {})
}
