/** Storages in real workerd, from the package as it is built: the contract, one test after the other, and whole caches. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { storageContract } from '../../js/testing/storage.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a worker does with a storage that `open(env, place)` makes: a place is a text that others do not have. */
const program = (imports: string, open: string): string => `
  import { createCache } from 'reprise'
  import { storageContract } from 'reprise/testing/storage'
  ${imports}

  const open = ${open}
  const caches_ = new Map()
  let runs = 0
  let places = 0

  async function contract(env, n) {
    const bodies = []
    storageContract('', async () => {
      const place = 'place-' + places++
      return { open: () => open(env, place), remove: async () => {} }
    }, { test: (name, body) => bodies.push(body) })
    return bodies[n]().then(() => '', (error) => String(error?.stack ?? error))
  }

  // Each name is a cache of its own, with a memory of its own.
  async function ask(env, name) {
    if (!caches_.has(name)) {
      const events = []
      const cache = await createCache({ scope: 'test', storage: open(env, 'shared'), storageDeadline: '20s', invalidationLag: 0, onEvent: (event) => events.push(event) })
      caches_.set(name, { cache, events, ask: cache.wrap(async (n) => ({ n, run: ++runs }), { name: 'ask', ttl: '1h', tags: (n) => ['tag-' + n] }) })
    }
    return caches_.get(name)
  }

  export default {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url)
      const of = (name) => searchParams.get(name)
      if (pathname === '/contract') return new Response(await contract(env, Number(of('n'))))
      if (pathname === '/set') {
        await open(env, of('place')).set(of('key'), Uint8Array.of(1), of('life') === null ? {} : { expiresAt: Date.now() + Number(of('life')) })
        return new Response()
      }
      if (pathname === '/has') return Response.json(Object.keys(open(env, 'x')))
      const { cache, events, ask: call } = await ask(env, of('cache'))
      if (pathname === '/invalidate') await cache.invalidate({ tag: 'tag-' + of('n') })
      const value = pathname === '/ask' ? await call(Number(of('n'))) : undefined
      await cache.settled()
      return Response.json({ value, failed: events.filter(({ type }) => type === 'storage-error').map(({ error }) => String(error)) })
    },
  }
`

/** What is used here of the namespace `CACHE`, and of the default cache. */
export interface Namespace {
  get(name: string): Promise<string | null>
  put(name: string, value: string, options?: { expirationTtl: number }): Promise<void>
  list(options: { prefix: string }): Promise<{ keys: { name: string; expiration?: number }[] }>
}
export interface DefaultCache {
  match(url: string): Promise<Response | undefined>
}

export interface Workerd {
  /** The same as the worker has, seen from here. */
  namespace(): Promise<Namespace>
  defaultCache(): Promise<DefaultCache>
  get(path: string): Promise<string>
  stop(): Promise<void>
}

/** `imports`: code. `open`: code of a function of (env, place). Bindings: the KV namespace `CACHE`. */
export async function startWorkerd(imports: string, open: string): Promise<Workerd> {
  const { outputFiles } = await build({
    stdin: { contents: program(imports, open), resolveDir: root, sourcefile: 'worker.js' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd'],
    external: ['*.wasm'],
    logLevel: 'silent',
  })
  const miniflare = new Miniflare({
    compatibilityDate: '2026-04-01',
    modules: [
      { type: 'ESModule', path: 'worker.js', contents: outputFiles[0]!.text },
      { type: 'CompiledWasm', path: 'core.wasm', contents: await readFile(`${root}/dist/core.wasm`) },
      { type: 'CompiledWasm', path: 'core-dense.wasm', contents: await readFile(`${root}/dist/core-dense.wasm`) },
    ],
    kvNamespaces: ['CACHE'],
  })
  await miniflare.ready
  return {
    namespace: async () => methodsOf((await miniflare.getKVNamespace('CACHE')) as unknown as Namespace, 'get', 'put', 'delete', 'list'),
    defaultCache: async () => methodsOf(((await miniflare.getCaches()) as unknown as { default: DefaultCache }).default, 'match'),
    async get(path) {
      const response = await miniflare.dispatchFetch(`http://worker${path}`)
      const text = await response.text()
      assert.equal(response.status, 200, text)
      return text
    },
    stop: () => miniflare.dispose(),
  }
}

/**
 * Miniflare asks another thread, and sleeps until it is woken, for each member of an object that is there for the first time. On a busy machine the thread may
 * wake it a second time, when it sleeps for the next member; then it finds no answer and fails, now and ever after. So members are looked up once, with time between them.
 */
async function methodsOf<T extends object>(object: T, ...names: string[]): Promise<T> {
  const methods: Record<string, unknown> = {}
  for (const name of names) {
    methods[name] = object[name as keyof T]
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return methods as T
}

/** Registers each test of the contract here, to be run there. */
export function contractInWorkerd(name: string, workerd: () => Workerd): void {
  let count = 0
  const nowhere = async (): Promise<never> => assert.fail('it runs in workerd')
  storageContract(name, nowhere, {
    test(title) {
      const n = count++
      void test(title, async () => assert.equal(await workerd().get(`/contract?n=${n}`), ''))
    },
  })
}

/** Two caches that share nothing but the storage, over several requests. */
export function cachesInWorkerd(name: string, workerd: () => Workerd): void {
  const call = async (path: string): Promise<{ n: number; run: number } | undefined> => {
    const { value, failed } = JSON.parse(await workerd().get(path)) as { value?: { n: number; run: number }; failed: string[] }
    assert.deepEqual(failed, [])
    return value
  }
  void test(`${name}: what one cache computed, another finds, until the tag is invalidated`, async () => {
    assert.deepEqual(await call('/ask?cache=a&n=1'), { n: 1, run: 1 })
    assert.deepEqual(await call('/ask?cache=a&n=2'), { n: 2, run: 2 })
    assert.deepEqual(await call('/ask?cache=b&n=1'), { n: 1, run: 1 })
    assert.deepEqual(await call('/ask?cache=b&n=2'), { n: 2, run: 2 })
    await call('/invalidate?cache=a&n=1')
    assert.deepEqual(await call('/ask?cache=b&n=1'), { n: 1, run: 3 }, 'the second cache has seen that its tag was invalidated')
    assert.deepEqual(await call('/ask?cache=a&n=1'), { n: 1, run: 3 }, 'and the first finds what it computed')
    assert.deepEqual(await call('/ask?cache=b&n=2'), { n: 2, run: 2 }, 'another tag is not touched')
  })
}
