// The package as it is installed, in a Node process of its own that may not make code out of strings.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

const program = `
  import { createCache } from 'reprise'

  const events = []
  const cache = await createCache({ onEvent: (event) => events.push(event) })
  let runs = 0
  const add = cache.wrap(async function add(a, b) {
    runs++
    return a + b
  })
  const values = [await add(1, 2), await add(1, 2)]
  await cache.close()
  const troubles = events.filter(({ type }) => ['fallback', 'uncached', 'storage-error'].includes(type)).map(({ type }) => type)
  const tiers = events.filter(({ type }) => type === 'hit').map(({ tier }) => tier)
  console.log(JSON.stringify({ values, runs, tiers, troubles }))
`

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-node-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/reprise'))
  await writeFile(join(folder, 'program.mjs'), program)
})

after(() => rm(folder, { recursive: true, force: true }))

describe('the package in Node', () => {
  test('works where code from strings is forbidden, and keeps entries in .reprise for the next process', async () => {
    assert.deepEqual(await run(), { values: [3, 3], runs: 1, tiers: ['memory'], troubles: [] })
    assert.deepEqual(await run(), { values: [3, 3], runs: 0, tiers: ['storage', 'memory'], troubles: [] })
  })

  test('loads no cryptography and no other thread for entries in memory, and has random bytes of its own all the same', async () => {
    const started = await ran(`
      import fs, { openSync } from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const refuses = process.argv[2] === 'refuses'
      if (refuses) {
        fs.openSync = (path, ...rest) => { throw Object.assign(new Error('EACCES'), { code: 'EACCES' }) }
        syncBuiltinESMExports()
      }
      const compile = WebAssembly.compile
      let elsewhere = 0
      WebAssembly.compile = (...args) => (elsewhere++, compile(...args))
      const { createCache } = await import('reprise')
      const cache = await createCache({ storage: false })
      let runs = 0
      const ask = cache.wrap(async (question) => (runs++, { question }), { name: 'ask' })
      await ask('why')
      const { question } = await ask('why')
      console.log(JSON.stringify({ question, runs, elsewhere, crypto: process.moduleLoadList.includes('NativeModule crypto') }))
    `)
    assert.deepEqual(await started(), { question: 'why', runs: 1, elsewhere: 0, crypto: process.platform === 'win32' })
    assert.deepEqual(await started('refuses'), { question: 'why', runs: 1, elsewhere: 0, crypto: true })
  })

  test('has lines that an uncaught error can be shown with', async () => {
    await writeFile(join(folder, 'wrong.mjs'), `import { createCache } from 'reprise'; await createCache({ ttl: 'soon' })`)
    const { stderr } = await promisify(execFile)(process.execPath, ['wrong.mjs'], { cwd: folder }).then(() => assert.fail('it was right'), (error: { stderr: string }) => error)
    assert.match(stderr, /OptionError\]: ttl: "soon" is not a duration/)
    assert.ok(stderr.length < 3000, `${stderr.length} characters`)
  })

  test('says what it needs where the runtime is too old', async () => {
    const old = await ran(`
      process.getBuiltinModule = undefined
      console.log(JSON.stringify(await import('reprise').catch(({ message }) => message)))
    `)
    assert.match(String(await old()), /^reprise needs Node 20\.16, .*getBuiltinModule/)
  })

  test('lets nobody else read what it keeps', async () => {
    const entries = join(folder, '.reprise')
    const found = await readdir(entries, { recursive: true, withFileTypes: true })
    const modes = await Promise.all(found.map(async (entry) => modeOf(join(entry.parentPath, entry.name))))
    assert.equal(await modeOf(entries), '700')
    assert.deepEqual(new Set(found.map((entry, i) => `${entry.isDirectory() ? 'folder' : 'file'} ${modes[i]}`)), new Set(['folder 700', 'file 600']))
    const names = found.filter((entry) => entry.isFile()).map((entry) => relative(entries, join(entry.parentPath, entry.name)))
    assert.equal(names.filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name)).length, 1, names.join(' '))
  })

  test('keeps entries where REPRISE_DIR says', async () => {
    assert.deepEqual((await run({ REPRISE_DIR: 'elsewhere' })).runs, 1)
    assert.deepEqual((await run({ REPRISE_DIR: 'elsewhere' })).runs, 0)
  })

  test('works without WebAssembly (--jitless), on what one with it has written, and the other way round', async () => {
    const noWasm = ['--jitless']
    assert.deepEqual(await run({ REPRISE_DIR: 'shared' }, noWasm), { values: [3, 3], runs: 1, tiers: ['memory'], troubles: ['fallback'] })
    assert.deepEqual(await run({ REPRISE_DIR: 'shared' }), { values: [3, 3], runs: 0, tiers: ['storage', 'memory'], troubles: [] })
    assert.deepEqual(await run({ REPRISE_DIR: 'other' }), { values: [3, 3], runs: 1, tiers: ['memory'], troubles: [] })
    assert.deepEqual(await run({ REPRISE_DIR: 'other' }, noWasm), { values: [3, 3], runs: 0, tiers: ['storage', 'memory'], troubles: ['fallback'] })
  })
})

interface Told {
  values: number[]
  runs: number
  tiers: string[]
  troubles: string[]
}

async function run(env: Record<string, string> = {}, flags: string[] = []): Promise<Told> {
  const { REPRISE_DIR: _, ...inherited } = process.env
  const args = ['--disallow-code-generation-from-strings', ...flags, 'program.mjs']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env: { ...inherited, ...env } })
  return JSON.parse(stdout) as Told
}

/** Another program beside the package. Returns what runs it and reads its JSON. */
async function ran(source: string): Promise<(...args: string[]) => Promise<unknown>> {
  await writeFile(join(folder, 'other.mjs'), source)
  return async (...args) => JSON.parse((await promisify(execFile)(process.execPath, ['other.mjs', ...args], { cwd: folder })).stdout) as unknown
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}
