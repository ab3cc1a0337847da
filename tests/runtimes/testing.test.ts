// `reprise/testing` as it is installed: a program that uses a cache tests itself with it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

const program = `
import { createCache } from 'reprise'
import { faultyStorage, recorder, seededRandom, virtualClock, type Faults, type Recorder, type VirtualClock } from 'reprise/testing'

const clock: VirtualClock = virtualClock({ seed: 5 })
const record: Recorder = recorder()
const faults: Faults = { fail: 0 }
const storage = faultyStorage({ seed: 7, clock, ...faults })
const cache = await createCache({ clock, storage, onEvent: record.listen })
let runs = 0
const ask = cache.wrap(async (question: string) => [question, ++runs], { name: 'ask', ttl: '30d', staleIfError: '7d' })

const transcripts: string[][] = []
for (const days of ['0d', '29d', '2d'] as const) {
  await clock.advance(days)
  await ask('why?')
  await cache.settled()
  transcripts.push(record.transcript())
}
storage.faults.fail = 1
await ask('how?')
await cache.settled()
const outage = record.transcript()
console.log(JSON.stringify({ transcripts, outage, faultCount: storage.faultCount, now: new Date(clock.now()).toISOString(), timers: clock.timers, random: seededRandom(1)() }))
await cache.close()
`

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-testing-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/reprise'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'program.ts'), program)
})

after(() => rm(folder, { recursive: true, force: true }))

const node = async (...args: string[]): Promise<string> => (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout

describe('reprise/testing', () => {
  test('gives a program a clock, faults and a record, all with types', async () => {
    const compiler = { strict: true, target: 'ES2022', module: 'NodeNext', lib: ['ES2022', 'DOM', 'ESNext.Disposable'], types: [], skipLibCheck: false }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: compiler, files: ['program.ts'] }))
    const said = await node(join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false').catch((error: unknown) => (error as { stdout: string }).stdout)
    assert.equal(said, '')
    const { transcripts, outage, faultCount, now, timers, random } = JSON.parse(await node('program.js'))
    assert.deepEqual(transcripts, [['miss:absent', 'computed', 'stored'], ['hit:memory'], ['miss:expired', 'computed', 'stored']])
    assert.ok(outage.includes('computed') && outage.some((line: string) => line.startsWith('storage-error')), outage.join())
    assert.ok(faultCount > 0)
    assert.equal(now, '2026-02-01T00:00:00.000Z')
    assert.equal(timers, 0)
    assert.ok(random >= 0 && random < 1)
  })

  test('is small, imports nothing, and is in no other entry', async () => {
    const code = await readFile(join(root, 'dist/testing.js'), 'utf8')
    assert.ok(code.length < 6000, `${code.length} bytes`)
    assert.doesNotMatch(code, /\bimport\b|WebAssembly/)
    const dist = join(root, 'dist')
    const others = (await readdir(dist, { recursive: true })).filter(name => name.endsWith('.js') && name !== 'testing.js')
    assert.ok(others.length > 4, others.join())
    for (const name of others) assert.doesNotMatch(await readFile(join(dist, name), 'utf8'), /faultyStorage/, name)
  })
})
