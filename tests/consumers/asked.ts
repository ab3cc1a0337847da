/**
 * What every consumer runs: a cache with its defaults, asked twice, and one that compresses. (But for the deadline: on a busy machine a browser's database
 * may take longer than a user would wait.) Its value is a Map and its core one of two, so that a bundle has to find what is loaded only when it is needed. It
 * tells what it saw; what that has to be is here, too.
 */
import assert from 'node:assert/strict'

/** Code: a module that exports `asked()`, with the cache of this entry of the package. */
export const asked = (entry = 'reprise'): string => `
  import { createCache } from '${entry}'

  export async function asked() {
    const events = []
    const onEvent = (event) => events.push(event)
    let runs = 0
    const add = async (a, b) => {
      runs++
      return new Map([['sum', a + b]])
    }
    const cache = await createCache({ onEvent, storageDeadline: '10s' })
    const cached = cache.wrap(add, { name: 'add', ttl: '1h' })
    const values = [await cached(1, 2), await cached(1, 2)].map((value) => value.get('sum'))
    await cache.close()
    const tiers = events.filter(({ type }) => type === 'hit').map(({ tier }) => tier)

    const dense = await createCache({ storage: false, memory: { compression: 'lz4' }, onEvent })
    let denseRuns = 0
    const repeat = dense.wrap(async (text) => (denseRuns++, text.repeat(100)), { name: 'repeat' })
    const denseValues = [await repeat('ab'), await repeat('ab')]
    const denseHits = dense.stats().hits
    await dense.close()

    const troubles = events.filter(({ type }) => ['uncached', 'storage-error'].includes(type)).map(({ type, error }) => type + ': ' + error)
    return { values, runs, tiers, dense: { same: denseValues.every((value) => value === 'ab'.repeat(100)), runs: denseRuns, hits: denseHits }, troubles }
  }
`

/** Code: a program that prints what it saw as JSON. */
export const printed = `${asked()}
  asked().then((told) => console.log(JSON.stringify(told)))
`

/** Code: a page that leaves what it saw for whoever visits it. */
export const shown = (entry = 'reprise'): string => `${asked(entry)}
  asked().then((told) => (globalThis.told = told), (error) => (globalThis.told = String(error?.stack ?? error)))
`

/** Code: the same, with the core as a file that is compiled while it arrives; told is also how often that was so. */
export const streamed = `${asked('reprise/url')}
  const { compileStreaming } = WebAssembly
  let streamed = 0
  WebAssembly.compileStreaming = (response) => (streamed++, compileStreaming(response))
  asked().then((told) => (globalThis.told = { ...told, streamed }), (error) => (globalThis.told = String(error?.stack ?? error)))
`

const dense = { same: true, runs: 1, hits: 1 }

/** Of a storage that has nothing yet. */
export const computed = { values: [3, 3], runs: 1, tiers: ['memory'], dense, troubles: [] }

/** Of the next process, or the next page, over the same storage. */
export const found = { values: [3, 3], runs: 0, tiers: ['storage', 'memory'], dense, troubles: [] }

/** `visit` runs the program once more each time; `besides` is what else it tells. */
export async function computesOnce(visit: () => Promise<unknown>, besides: object = {}): Promise<void> {
  assert.deepEqual(await visit(), { ...computed, ...besides }, 'the first time')
  assert.deepEqual(await visit(), { ...found, ...besides }, 'the second time')
}

/**
 * Code: a handler for runtimes of the edge, whose cache lives as long as the isolate. Not made at the top, where there are no random numbers.
 * `answer()` is a Response.
 */
export const answering = answeringBy("import { createCache } from 'reprise'", '', "memory: { compression: 'lz4' }")

/** Code: the same by `reprise/slim`, with both modules as these two expressions say. */
export function answeringSlim(imports: string, core: string, dense: string): string {
  return answeringBy(`import { createCache } from 'reprise/slim'\n${imports}`, `module: ${core}`, `module: ${dense}`)
}

function answeringBy(imports: string, option: string, denseOption: string): string {
  return `
  ${imports}

  let making
  let runs = 0
  const troubles = []

  async function make() {
    const onEvent = ({ type, error }) => type === 'uncached' && troubles.push(String(error))
    const [cache, dense] = [await createCache({ onEvent, ${option} }), await createCache({ onEvent, ${denseOption} })]
    const add = async (a, b) => {
      runs++
      return new Map([['sum', a + b]])
    }
    return { add: cache.wrap(add, { name: 'add' }), dense: dense.wrap(add, { name: 'add' }) }
  }

  export async function answer() {
    const { add, dense } = await (making ??= make())
    const values = [await add(1, 2), await dense(1, 2)].map((value) => value.get('sum'))
    return Response.json({ values, runs, troubles })
  }
`
}

/** Two requests to one isolate: each of its two caches computes once. */
export async function answersTwice(get: () => Promise<unknown>): Promise<void> {
  const expected = { values: [3, 3], runs: 2, troubles: [] }
  assert.deepEqual(await get(), expected, 'the first request')
  assert.deepEqual(await get(), expected, 'the second request')
}
