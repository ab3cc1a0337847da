// The example in workerd, as `wrangler dev` bundles and runs it. The model behind it is the project's own endpoint, which counts what it is asked.

import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Endpoint, startEndpoint } from '../../demo/endpoint.js'
import { copyOf, type Example, type Server } from './example.js'

let example: Example
let model: Endpoint

before(async () => {
  example = await copyOf('cloudflare-worker')
  model = await startEndpoint({ pace: { firstTokenMs: 20, tokenMs: 0 } })
})

after(async () => {
  await example?.remove()
  await model?.close()
})

/** On a busy machine wrangler may fall asleep for ever when it starts, as its main thread waits for another; then it is started anew. */
async function start(): Promise<Server> {
  const command = `${example.documented('npm run dev')} -- --port 0 --inspector-port 0 --var MODEL_URL:${model.baseUrl}`
  for (let attempt = 1; ; attempt++) {
    const server = await example.start(command)
    try {
      await fetch(server.origin, { signal: AbortSignal.timeout(20_000) })
      return server
    } catch (error) {
      await server.stop()
      if (attempt === 3) throw new Error(`wrangler answers nothing. It said:\n${server.printed}`, { cause: error })
    }
  }
}

test('Its types are right', async () => {
  await example.run('npm run check')
})

test('Each tenant asks the model once, whatever isolate answers, until it forgets its answers', async () => {
  const acme = example.documented("curl -i localhost:8787 -H 'authorization: Bearer key-of-acme' -d 'Why is the sky blue?'")
  const globex = acme.replace('acme', 'globex')
  const forget = example.documented("curl -i localhost:8787 -H 'authorization: Bearer key-of-acme' -X DELETE")

  const first = await start()
  assert.equal((await first.curl(acme.replace('acme', 'nobody'))).status, 401)
  const made = await first.curl(acme)
  assert.deepEqual([made.status, made.cache, model.requests], [200, 'fwd=uri-miss', 1])
  assert.deepEqual(await first.curl(acme), { ...made, cache: 'hit' })
  assert.equal(model.requests, 1)
  assert.equal((await first.curl(globex)).cache, 'fwd=uri-miss')
  assert.equal(model.requests, 2)
  // The answers are out, and waitUntil has them written.
  await entriesInKv(2)
  await first.stop()
  // Another data centre: nothing is in its Cache API.
  const dataCentre = join(example.folder, '.wrangler/state/v3/cache')
  assert.ok((await readdir(dataCentre)).length > 0)
  await rm(dataCentre, { recursive: true })

  const second = await start()
  assert.deepEqual(await second.curl(acme), { ...made, cache: 'hit' })
  assert.equal(model.requests, 2)
  assert.equal((await second.curl(forget)).status, 204)
  assert.match((await second.curl(acme)).cache!, /^fwd=/)
  assert.equal(model.requests, 3)
  assert.equal((await second.curl(globex)).cache, 'hit')
  assert.equal(model.requests, 3)
})

async function entriesInKv(count: number): Promise<void> {
  const end = Date.now() + 20_000
  let names: string[]
  do names = (JSON.parse(await example.run('wrangler kv key list --binding CACHE --local')) as { name: string }[]).map(({ name }) => name)
  while (names.filter(name => /^reprise:[0-9a-f]{64}$/.test(name)).length < count && Date.now() < end)
  assert.equal(names.filter(name => /^reprise:[0-9a-f]{64}$/.test(name)).length, count, names.join(' '))
}
