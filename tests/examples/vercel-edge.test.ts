// The example in Vercel's edge runtime, over the real client of Upstash and a real redis-server. Vercel's own tool needs an account; so the function is
// bundled, and called, as that does it (@vercel/node 24), in isolates that compile nothing: neither code from strings nor WebAssembly from bytes.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build, type Plugin } from 'esbuild'
import { type Endpoint, startEndpoint } from '../../demo/endpoint.js'
import { EdgeRuntime } from '../consumers/node_modules/edge-runtime/dist/index.js'
import { startUpstash, type UpstashServer } from '../contract/upstash-server.js'
import { type Answer, answerOf, copyOf, type Example, requestOf } from './example.js'

let example: Example
let model: Endpoint
let redis: UpstashServer

before(async () => {
  example = await copyOf('vercel-edge')
  model = await startEndpoint({ pace: { firstTokenMs: 20, tokenMs: 0 } })
  redis = await startUpstash()
})

after(async () => {
  await example?.remove()
  await model?.close()
  await redis?.stop()
})

test('Its types are right', async () => {
  await example.run('npm run check')
})

test('Isolates ask the model once for the same question, all of them together', async () => {
  const question = example.documented("curl -i 'localhost:3000/api/ask?question=Why+is+the+sky+blue'")
  const one = await startIsolate()
  const made = await one(question)
  assert.deepEqual([made.status, made.cache, model.requests], [200, 'fwd=uri-miss', 1])
  assert.deepEqual(await one(question), { ...made, cache: 'hit' })

  const other = await startIsolate()
  assert.deepEqual(await other(question), { ...made, cache: 'hit' })
  assert.equal(model.requests, 1)
  assert.equal((await other(question.replace('sky', 'sea'))).cache, 'fwd=uri-miss')
  assert.equal(model.requests, 2)
  assert.equal((await other('curl localhost:3000/api/ask')).status, 400)
})

/**
 * Answers when the response is there and everything that was handed to waitUntil has ended. Between requests the isolate sleeps, as Vercel's may: what is
 * still on its way out then is lost.
 */
async function startIsolate(): Promise<(curl: string) => Promise<Answer>> {
  const needed = { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token, OPENAI_API_KEY: 'none' }
  example.documented(`export ${Object.keys(needed).map(name => `${name}=…`).join(' ')}`)
  const env = { ...needed, OPENAI_BASE_URL: model.baseUrl }
  const { outputFiles } = await build({
    absWorkingDir: example.folder,
    entryPoints: ['api/ask.ts'],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    conditions: ['edge-light', 'development'],
    plugins: [modulesHandedIn],
  })
  const code = outputFiles[0]!.text
  const modules = await Promise.all([...code.matchAll(/globalThis\["(wasm:(.+?))"\]/g)].map(async ([, name, path]) => [name, await WebAssembly.compile(await readFile(path!))]))
  assert.equal(modules.length, 2, 'the core has two modules')
  let awake = false
  const network = async (request: string, init?: RequestInit): Promise<Response> => {
    await new Promise(resolve => setTimeout(resolve, 20))
    return awake ? fetch(request, init) : new Promise(() => {})
  }
  const runtime = new EdgeRuntime({
    initialCode: `${code}\naddEventListener('fetch', event => event.respondWith(module.exports.default(event.request, { waitUntil: work => event.waitUntil(work) })))`,
    codeGeneration: { strings: false, wasm: false },
    extend: context => Object.assign(context, { module: {}, process: { env }, fetch: network, ...Object.fromEntries(modules) }),
  })
  return async curl => {
    const { path, init } = requestOf(curl)
    awake = true
    const response = await runtime.dispatchFetch(`http://localhost${path}`, init)
    const answer = await answerOf(response)
    await response.waitUntil()
    awake = false
    return answer
  }
}

/** `import module from './core.wasm?module'` is a WebAssembly.Module that the platform has made. */
const modulesHandedIn: Plugin = {
  name: 'wasm?module',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace('?module', '')), namespace: 'wasm' }))
    onLoad({ filter: /./, namespace: 'wasm' }, ({ path }) => ({ contents: `export default globalThis[${JSON.stringify(`wasm:${path}`)}]` }))
  },
}
