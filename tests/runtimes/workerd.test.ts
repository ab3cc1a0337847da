// The package in workerd, which refuses what other runtimes allow: eval, compiling WebAssembly from bytes, random
// numbers outside of a request.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'

const root = fileURLToPath(new URL('../..', import.meta.url))

const worker = `
  import { createCache, memory } from 'reprise'

  let runs = 0
  let making

  // Not at the top: random numbers are not to be had there.
  async function make() {
    const cache = await createCache()
    return { cache, shout: cache.wrap(shout) }
  }

  async function shout(request) {
    runs++
    return { text: request.text.toUpperCase(), at: new Date(0), bytes: new Uint8Array([1, 2, 3]) }
  }

  // 200 replies that are alike, asked for twice.
  async function dense() {
    const troubles = []
    const cache = await createCache({ memory: { compression: 'lz4' }, onEvent: (event) => event.type === 'uncached' && troubles.push(String(event.error)) })
    const text = (n) => ('the answer to question ' + n + ', and to all that are like it. ').repeat(20)
    const ask = cache.wrap(async (n) => text(n), { name: 'ask' })
    let same = true
    for (let i = 0; i < 400; i++) same &&= (await ask(i % 200)) === text(i % 200)
    return Response.json({ same, troubles, stats: cache.stats() })
  }

  // A storage that somebody else can write to, with and without encryption.
  async function trust() {
    const said = []
    for (const encrypt of [false, true]) {
      const entries = new Map()
      const open = () => createCache({ storage: memory(entries), secret: 'a secret of 16 bytes or more', encrypt, storageDeadline: 'forever' })
      const writer = await open()
      await writer.set('key', 'needle')
      await writer.scope('acme').set('key', 'theirs')
      await writer.settled()
      const shows = [...entries.values()].some((bytes) => new TextDecoder('latin1').decode(bytes).includes('needle'))
      const found = await (await open()).get('key')
      const { forgotten } = await (await open()).forget('acme')
      const [name, entry] = [...entries].find(([name]) => name.length === 64)
      entry[entry.length >> 1] ^= 1
      const { damaged, entries: count } = await (await open()).check({ repair: false })
      const reader = await open()
      said.push({ shows, found, forgotten, damaged, count, edited: await reader.get('key') ?? null, badMacs: reader.stats().badMacs })
    }
    return Response.json(said)
  }

  // A function that asks for its own result, after an await.
  async function reentrance() {
    const cache = await createCache()
    const ask = cache.wrap(async (n) => { await null; await new Promise((r) => setTimeout(r, 1)); return ask(n) }, { name: 'ask' })
    return new Response(await ask.with({ deadline: 500 })(1).catch((error) => error.name))
  }

  export default {
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/compile') {
        return new Response(await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => 'compiled', String))
      }
      if (pathname === '/dense') return dense()
      if (pathname === '/trust') return trust()
      if (pathname === '/reentrance') return reentrance()
      const { cache, shout } = await (making ??= make())
      const { text, at, bytes } = await shout({ text: searchParams.get('text') })
      return Response.json({ runs, value: { text, at: at.toISOString(), bytes: [...bytes] }, stats: cache.stats() })
    },
  }
`

let bundle: string
let workerd: Miniflare

before(async () => {
  bundle = await bundled(worker)
  workerd = new Miniflare(await options())
  await workerd.ready
})

async function options(): Promise<ConstructorParameters<typeof Miniflare>[0]> {
  return {
    compatibilityDate: '2026-04-01',
    modules: [
      { type: 'ESModule', path: 'worker.js', contents: bundle },
      { type: 'CompiledWasm', path: 'core.wasm', contents: await readFile(`${root}/dist/core.wasm`) },
      { type: 'CompiledWasm', path: 'core-dense.wasm', contents: await readFile(`${root}/dist/core-dense.wasm`) },
    ],
  }
}

after(() => workerd?.dispose())

describe('the package in workerd', () => {
  test('runs a function once for the same arguments, and again for others', async () => {
    const value = { text: 'HELLO', at: '1970-01-01T00:00:00.000Z', bytes: [1, 2, 3] }
    const first = await ask('/?text=hello')
    assert.deepEqual([first.runs, first.value, first.stats.hits, first.stats.misses], [1, value, 0, 1])
    const second = await ask('/?text=hello')
    assert.deepEqual([second.runs, second.value, second.stats.hits, second.stats.misses], [1, value, 1, 1])
    const other = await ask('/?text=there')
    assert.deepEqual([other.runs, other.value.text, other.stats.hits, other.stats.misses], [2, 'THERE', 1, 2])
    assert.equal(other.stats.bypasses, 0)
  })

  test('compiles nothing from bytes: workerd would refuse, and the bundle carries no bytes', async () => {
    assert.match(await (await workerd.dispatchFetch('http://worker/compile')).text(), /disallowed by embedder/)
    const magicInBase64 = 'AGFzbQ'
    assert.ok(!bundle.includes(magicInBase64))
    assert.match(bundle, /from\s*"\.\/core\.wasm"/)
  })
})

describe('a cache that compresses, in workerd', () => {
  test('takes the other module, which is loaded when it is asked for', async () => {
    const response = await workerd.dispatchFetch('http://worker/dense')
    const { same, troubles, stats } = (await response.json()) as Answer & { same: boolean, troubles: string[] }
    assert.deepEqual([same, troubles, stats.hits, stats.bypasses], [true, [], 200, 0])
    assert.ok(stats.bytes < 200 * 700, `${stats.bytes} bytes`)
    assert.match(bundle, /import\("\.\/core-dense\.wasm"\)/)
  })
})

describe('a cache with a secret, in workerd', () => {
  test('authenticates and encrypts by WebCrypto; what was edited is refused, found by check(), and a tenant is forgotten', async () => {
    const said = await (await workerd.dispatchFetch('http://worker/trust')).json()
    const same = { found: 'needle', forgotten: 1, damaged: 1, count: 1, edited: null, badMacs: 1 }
    assert.deepEqual(said, [{ shows: true, ...same }, { shows: false, ...same }])
  })
})

describe('a function that asks for its own result after an await, in workerd', () => {
  test('is refused where the worker has nodejs_compat; else it waits, until a deadline ends that', async () => {
    assert.equal(await (await workerd.dispatchFetch('http://worker/reentrance')).text(), 'DeadlineError')
    const compatible = new Miniflare({ ...(await options()), compatibilityFlags: ['nodejs_compat'] })
    try {
      assert.equal(await (await compatible.dispatchFetch('http://worker/reentrance')).text(), 'ReentrantCallError')
    } finally {
      await compatible.dispose()
    }
  })
})

interface Answer {
  runs: number
  value: { text: string, at: string, bytes: number[] }
  stats: { hits: number, misses: number, bypasses: number, bytes: number }
}

async function ask(path: string): Promise<Answer> {
  const response = await workerd.dispatchFetch(`http://worker${path}`)
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as Answer
}

/** What a user's bundler makes of a worker: the package by its name, the wasm left to workerd. */
async function bundled(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, sourcefile: 'worker.js' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd'],
    external: ['*.wasm'],
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
