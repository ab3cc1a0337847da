import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Keyv from 'keyv'
import { web } from '../../js/runtimes/web.js'
import { keyvStore } from '../../js/storage/keyv.js'
import { memory } from '../../js/storage/memory.js'
import { bench } from '../js/harness.js'
import { startRedis } from './redis-server.js'
import { envOf, kinds } from './suites/backend.js'

// ---- the suite that stores of Keyv are tested with --------------------------------------------------

const root = fileURLToPath(new URL('../..', import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

interface Report {
  readonly numPassedTests: number
  readonly numTotalTests: number
  readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] }[] }[]
}

for (const kind of kinds) {
  test(`@keyv/test-suite: all 42 cases pass over a cache with ${kind === 'memory' ? 'memory only' : `storage in ${kind}`}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'reprise-keyv-'))
    t.after(() => rm(folder, { recursive: true, maxRetries: 10 }))
    const server = kind === 'redis' ? await startRedis() : undefined
    t.after(() => server?.stop())
    const report = join(folder, 'report.json')
    const args = [vitest, 'run', '--config', 'tests/contract/suites/vitest.config.ts', '--reporter=json', `--outputFile=${report}`]
    const env = { ...process.env, ...envOf({ kind, place: server?.url ?? join(folder, 'entries') }) }
    // node:test tells the processes that it starts to report in its own way.
    delete env['NODE_TEST_CONTEXT']
    const { output } = await promisify(execFile)(process.execPath, args, { cwd: root, env, timeout: 120_000 }).then(
      ({ stdout }) => ({ output: stdout }),
      (error: { stdout?: string; stderr?: string }) => ({ output: `${error.stdout}\n${error.stderr}` }),
    )
    const { numPassedTests, numTotalTests, testResults } = JSON.parse(await readFile(report, 'utf8').catch(() => assert.fail(output))) as Report
    const failures = testResults.flatMap(file => [file.message, ...file.assertionResults.filter(({ status }) => status !== 'passed').map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('\n')}`)])
    assert.deepEqual([numPassedTests, numTotalTests], [42, 42], failures.join('\n'))
    if (server !== undefined) assert.notEqual(await server.command('DBSIZE'), 0, 'nothing was stored')
  })
}

// ---- what the suite does not ask --------------------------------------------------------------------

const keyvOver = (store: ReturnType<typeof keyvStore>, namespace?: string): Keyv => new Keyv({ store, throwOnErrors: true, ...(namespace !== undefined && { namespace }) })

test('Keyvs that share a store have their own values, whichever was made last', async () => {
  const { cache } = await bench()
  const store = keyvStore(cache)
  const a = keyvOver(store, 'a')
  await a.set('x', 1)
  const b = keyvOver(store, 'b')
  const ab = keyvOver(store, 'a:b')
  assert.equal(await a.get('x'), 1)
  await b.set('x', 2)
  await ab.set('x', 3)
  assert.deepEqual(await Promise.all([a, b, ab].map(keyv => keyv.get('x'))), [1, 2, 3])
  assert.deepEqual(await Promise.all([a.delete('x'), a.delete('y')]), [true, false])
  assert.deepEqual(await Promise.all([a, b, ab].map(keyv => keyv.has('x'))), [false, true, true])
})

test('clear() of a namespace takes nothing else along, and clear() without one takes what Keyvs have, and not what the cache has', async () => {
  const { cache } = await bench()
  const [a, b] = [keyvOver(keyvStore(cache), 'a'), keyvOver(keyvStore(cache), 'b')]
  await Promise.all([a.set('x', 1), b.set('x', 2), cache.set('a:x', 'mine'), cache.scope('a').set('a:x', 'also mine')])
  await a.clear()
  assert.deepEqual(await Promise.all([a.get('x'), b.get('x')]), [undefined, 2])
  await keyvStore(cache).clear()
  assert.deepEqual(await Promise.all([b.get('x'), cache.get('a:x'), cache.scope('a').get('a:x')]), [undefined, 'mine', 'also mine'])
})

test('A value is over after its ttl in milliseconds, one without is not, and one that is over before it is set takes the older with it', async () => {
  const { cache, time } = await bench({ ttl: '1s' })
  const store = keyvStore(cache)
  await Promise.all([store.set('short', 1, 1500), store.set('long', 2), store.set('zero', 3, 0), store.set('gone', 4)])
  await store.set('gone', 5, -1)
  await time.advance(1499)
  assert.deepEqual(await store.getMany(['short', 'long', 'zero', 'gone']), [1, 2, 3, undefined])
  await time.advance(1)
  assert.deepEqual(await store.hasMany(['short', 'long', 'zero']), [false, true, true])
  await time.advance(365 * 86_400_000)
  assert.deepEqual(await store.getMany(['short', 'long', 'zero']), [undefined, 2, 3])
})

test('setMany() tells which values were set, and values without serialization come back as structuredClone has them', async () => {
  const { cache } = await bench()
  const keyv = new Keyv({ store: keyvStore(cache), serialize: undefined, deserialize: undefined } as never)
  const value = { at: new Date(5), in: new Map([[1, new Set([2n])]]) }
  assert.deepEqual(await keyv.setMany([{ key: 'a', value }, { key: 'b', value: null }]), [true, true])
  assert.deepEqual(await keyv.get(['a', 'b']), [value, null])
})

test('Another process finds what was set, lists it and clears it, by way of the storage', async () => {
  const entries = new Map<string, Uint8Array>()
  const [one, other] = await Promise.all([1, 2].map(async () => keyvOver(keyvStore((await bench({ storage: memory(entries), invalidationLag: 0 }, web)).cache))))
  await Promise.all(Array.from({ length: 30 }, (_, i) => one!.set(`k${i}`, i)))
  await one!.disconnect()
  assert.equal(await other!.get('k7'), 7)
  const listed = new Map<string, number>()
  for await (const [key, value] of other!.iterator!(undefined)) listed.set(key as string, value as number)
  assert.deepEqual([...listed].sort(([, a], [, b]) => a - b), Array.from({ length: 30 }, (_, i) => [`k${i}`, i]))
  await other!.clear()
  assert.equal(await one!.get('k7'), undefined)
})

test('Where keys cannot be listed, iterating says why, and all else works', async () => {
  const { cache } = await bench({ storage: memory(), secret: 'a secret of sixteen' }, web)
  const keyv = keyvOver(keyvStore(cache))
  await keyv.set('a', 1)
  assert.equal(await keyv.get('a'), 1)
  await assert.rejects(keyv.iterator!(undefined).next(), /OptionError: keys: a cache with a secret/)
})

test('What fails is told by Keyv: a value that cannot be kept, a ttl that is none', async () => {
  const { cache } = await bench()
  const keyv = new Keyv({ store: keyvStore(cache) })
  const errors: Error[] = []
  keyv.on('error', error => errors.push(error))
  assert.equal(await keyv.set('a', 1, NaN), true, 'Keyv takes it for none')
  assert.equal(await keyv.set('a', 1, 'soon' as never), false)
  assert.match(String(errors[0]), /is not a duration/)
})

test('A storage that fails is a miss, and an event of the cache', async () => {
  const failing = async (): Promise<never> => {
    throw new Error('the storage is gone')
  }
  const { cache, events } = await bench({ storage: { get: failing, set: failing, delete: failing } })
  const keyv = keyvOver(keyvStore(cache))
  assert.equal(await keyv.get('a'), undefined)
  assert.ok(events.some(({ type }) => type === 'storage-error'))
  assert.equal(await keyv.set('a', 1), true)
  assert.equal(await keyv.get('a'), 1)
})
