import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startRedis } from './redis-server.js'
import { envOf, kinds } from './suites/backend.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface TestEnd {
  readonly event?: string
  readonly title?: { readonly original: string }
  readonly errors?: readonly unknown[]
}

for (const kind of kinds) {
  test(`The suite of Bentocache's drivers: all 21 cases pass over our storage in ${kind}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'reprise-bentocache-'))
    t.after(() => rm(folder, { recursive: true, maxRetries: 10 }))
    const server = kind === 'redis' ? await startRedis() : undefined
    t.after(() => server?.stop())
    const env = { ...process.env, ...envOf({ kind, place: server?.url ?? join(folder, 'entries') }) }
    const args = ['--import', 'tsx', 'tests/contract/suites/bentocache-runner.ts']
    const output = await promisify(execFile)(process.execPath, args, { cwd: root, env, timeout: 60_000 }).then(
      ({ stdout }) => stdout,
      (error: { stdout?: string; stderr?: string }) => `${error.stdout}\n${error.stderr}`,
    )
    const ended = output.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as TestEnd).filter(({ event }) => event === 'test:end')
    assert.deepEqual(ended.filter(({ errors }) => errors?.length !== 0), [], output)
    assert.equal(ended.length, 21, output)
  })
}
