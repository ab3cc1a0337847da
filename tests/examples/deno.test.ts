// The example in real Deno, over a real KV in a file, started anew in between.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { copyOf, type Example, times } from './example.js'

let example: Example
before(async () => {
  example = await copyOf('deno')
})
after(() => example?.remove())

const address = { DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0' }

test('Its types are right', async () => {
  await example.run('deno task check')
})

test('It counts once, and not again after a restart', async () => {
  const start = example.documented('deno task start')
  const count = example.documented('curl -i localhost:8000/5000000')
  const answer = { status: 200, body: '348513 primes below 5000000\n' }

  const first = await example.start(start, address)
  assert.deepEqual(await first.curl(count), { ...answer, cache: 'fwd=uri-miss' })
  assert.deepEqual(await first.curl(count), { ...answer, cache: 'hit' })
  await first.stop()
  assert.equal(times('counting to 5000000', first.printed), 1)

  const second = await example.start(start, address)
  assert.deepEqual(await second.curl(count), { ...answer, cache: 'hit' })
  assert.equal((await second.curl(count.replace('5000000', '100'))).cache, 'fwd=uri-miss')
  await second.stop()
  assert.equal(times('counting to 100\n', second.printed), 1, 'what it prints is seen here')
  assert.equal(times('counting to 5000000', second.printed), 0)
})
