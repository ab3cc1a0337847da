/** Vitest: tests of what uses the package. It runs modules in a context of its own, in jsdom beside objects of another realm. */
import test, { type TestContext } from 'node:test'
import { ran } from './program.js'
import { commandOf, userFolder, versionOf } from './tarball.js'

const story = `import { createCache } from 'reprise'
import { expect, test } from 'vitest'

test('computes once', async () => {
  expect(typeof document).toBe(process.env.DOCUMENT)
  const events = []
  const cache = await createCache({ storageDeadline: '10s', onEvent: event => events.push(event.type) })
  let runs = 0
  const ask = cache.wrap(async ({ question }) => {
    runs++
    return { question, bytes: new Uint8Array([1, 2]), map: new Map([[question, new Date(7)]]) }
  }, { name: 'ask' })
  for (let i = 0; i < 2; i++) {
    const answer = await ask({ question: 'why' })
    expect(answer).toEqual({ question: 'why', bytes: new Uint8Array([1, 2]), map: new Map([['why', new Date(7)]]) })
    expect(answer.bytes).toBeInstanceOf(Uint8Array)
  }
  expect(runs).toBe(Number(process.env.RUNS))
  await cache.set('bytes', new Uint8Array(100_000).fill(7))
  expect(await cache.get('bytes')).toEqual(new Uint8Array(100_000).fill(7))
  await cache.close()
  expect(events.filter(type => !/^(hit|miss|computed|stored)$/.test(type))).toEqual([])
})
`

test('Vitest | a test computes once, and the next run finds its entry', t => twice(t, 'node', 'undefined'))

test('Vitest | the same in jsdom', t => twice(t, 'jsdom', 'object'))

async function twice(t: TestContext, environment: string, document: string): Promise<void> {
  t.diagnostic(`version ${await versionOf('vitest')}`)
  const folder = await userFolder(t, { 'ask.test.js': story }, ['vitest', 'jsdom'])
  for (const runs of ['1', '0']) await ran(process.execPath, [commandOf('vitest'), 'run', '--environment', environment], { cwd: folder, env: { RUNS: runs, DOCUMENT: document } })
}
