// `reprise/testing/storage` as it is installed, and the example of docs/storage.md, which is a program.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-storage-'))
  await mkdir(join(folder, 'node_modules/@types'), { recursive: true })
  await symlink(root, join(folder, 'node_modules/reprise'))
  await symlink(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})

after(() => rm(folder, { recursive: true, force: true }))

/** What a program says, however it ends. Told apart from the tests around it, whose runner it would report to. */
async function said(...args: string[]): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return promisify(execFile)(process.execPath, args, { cwd: folder, env }).then(({ stdout }) => stdout, (error: unknown) => `${(error as { stdout: string }).stdout}${String((error as { stderr: string }).stderr)}`)
}

describe('reprise/testing/storage', () => {
  test('the storage of docs/storage.md compiles, has 30 lines, and keeps the contract', async () => {
    const page = await readFile(join(root, 'docs/storage.md'), 'utf8')
    const files = [...page.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => ({ name: name!, code: code! }))
    assert.deepEqual(files.map(({ name }) => name), ['http-storage.ts', 'http-storage.test.ts'])
    assert.ok(files[0]!.code.trimEnd().split('\n').length <= 30)
    for (const { name, code } of files) await writeFile(join(folder, name), code)
    const compilerOptions = { strict: true, target: 'ES2022', module: 'NodeNext', lib: ['ES2022', 'DOM', 'ESNext.Disposable'], types: ['node'], skipLibCheck: true, exactOptionalPropertyTypes: true }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: files.map(({ name }) => name) }))
    assert.equal(await said(join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false'), '')
    const report = await said('--test', '--test-reporter=tap', 'http-storage.test.js')
    assert.match(report, /^# pass 15$/m, report)
    assert.match(report, /^# fail 0$/m, report)
  })

  test('runs with any test function, and says what is wrong with a storage that is wrong', async () => {
    const faults: Record<string, string> = {
      'get: async () => null': 'must be undefined \\(not null',
      'get: async key => entries.get(key)?.subarray(1)': 'get\\(\\) after set\\(\\) of',
      'get: async key => entries.get(key)': 'were changed',
      'delete: async () => {}': 'get\\(\\) after delete\\(\\)',
      'get: async key => entries.has(key) ? Buffer.from(entries.get(key)) : undefined': 'subclass of Uint8Array',
      'keys: async function* () { yield "00" }': 'keys\\(\\) of an empty storage lists',
      'clear: async () => {}': 'after clear\\(\\)',
      'original: async key => entries.get(key)': 'no outdated\\(\\)',
      'original: async () => undefined, outdated: async () => {}': 'original\\(\\) of a key whose copy is outdated',
    }
    await writeFile(join(folder, 'any.js'), `
      import { memory } from 'reprise'
      import { storageContract } from 'reprise/testing/storage'
      const results = []
      const runs = []
      const run = async (fault) => {
        const failed = []
        const tests = []
        storageContract('mine', async () => {
          const entries = new Map()
          return { open: () => ({ ...memory(entries), ...new Function('entries', 'return {' + fault + '}')(entries) }), remove: async () => {} }
        }, { test: (name, body) => tests.push(body) })
        for (const body of tests) await body().catch(error => failed.push(error.message))
        return { count: tests.length, failed }
      }
      const said = {}
      for (const fault of ${JSON.stringify(['', ...Object.keys(faults)])}) said[fault] = await run(fault)
      console.log(JSON.stringify(said))
    `)
    const results = JSON.parse(await said('any.js')) as Record<string, { count: number; failed: string[] }>
    assert.deepEqual(results[''], { count: 15, failed: [] })
    for (const [fault, message] of Object.entries(faults)) assert.match(results[fault]!.failed.join('\n'), new RegExp(message), fault)
  })

  test('without a test function anywhere says what to give, and finds a global one', async () => {
    await writeFile(join(folder, 'none.js'), `
      import { storageContract } from 'reprise/testing/storage'
      process.getBuiltinModule = undefined
      try { storageContract('x', async () => {}) } catch (error) { console.log(error.message) }
      globalThis.test = name => console.log(name)
      storageContract('x', async () => {})
    `)
    const lines = (await said('none.js')).trim().split('\n')
    assert.match(lines[0]!, /no test function here\. Give yours: storageContract\(name, makePlace, \{ test \}\)/)
    assert.equal(lines.length, 16)
  })

  test('is small and imports nothing, so that it runs in a page', async () => {
    const code = await readFile(join(root, 'dist/testing/storage.js'), 'utf8')
    assert.ok(code.length < 8000, `${code.length} bytes`)
    assert.doesNotMatch(code, /\bimport\b|node:assert|WebAssembly/)
  })
})
