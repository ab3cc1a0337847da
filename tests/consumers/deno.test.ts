/** Deno, with the rights that a cache in files needs, and with none. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { computesOnce, found, printed } from './asked.js'
import { ran } from './program.js'
import { root, userFolder, versionOf } from './tarball.js'

const rights = ['--allow-read=.reprise', '--allow-write=.reprise', '--allow-sys=uid']

test('Deno | two processes, one after the other, that may read and write .reprise and nothing else', async t => {
  t.diagnostic(`version ${await versionOf('deno')}`)
  const run = await inDeno(t, printed)
  await computesOnce(() => run(rights))
})

test('Deno | a process that may do nothing has a cache in memory, and is told why it has no other', async t => {
  t.diagnostic(`version ${await versionOf('deno')}`)
  const run = await inDeno(t, printed)
  const { troubles, ...told } = (await run([])) as typeof found & { troubles: string[] }
  assert.deepEqual({ ...told, troubles: [] }, { ...found, runs: 1, tiers: ['memory'] })
  assert.match(troubles.join('\n'), /^storage-error: StorageError: fileSystem: could not read .*\.reprise.*--allow-read/)
})

test('In Deno, a process that may not look at others takes none for dead: the lease of one that lives holds', async t => {
  const program = `
    import { readFileSync, writeFileSync } from 'node:fs'
    import { fileSystem } from 'reprise'
    const storage = fileSystem({ directory: '.reprise' })
    const [key, other] = ['a'.repeat(64), 'b'.repeat(64)]
    const mine = await storage.lease(key, 10_000)
    const [host] = readFileSync('.reprise/leases/' + key, 'utf8').split(' ')
    writeFileSync('.reprise/leases/' + other, host + ' ${process.pid} abc')
    console.log(JSON.stringify([mine !== undefined, await storage.lease(key, 10_000) !== undefined, await storage.lease(other, 10_000) !== undefined]))
    await storage.close()
  `
  const run = await inDeno(t, program)
  assert.deepEqual(await run(rights.map(right => (right === '--allow-sys=uid' ? '--allow-sys=uid,hostname' : right))), [true, false, false])
})

async function inDeno(t: TestContext, program: string): Promise<(rights: string[]) => Promise<unknown>> {
  const folder = await userFolder(t, { 'program.mjs': program })
  const deno = createRequire(join(root, 'package.json')).resolve('deno/bin.cjs')
  const env = { DENO_DIR: join(folder, 'deno'), DENO_NO_UPDATE_CHECK: '1' }
  return async rights => JSON.parse(await ran(process.execPath, [deno, 'run', '--no-prompt', ...rights, 'program.mjs'], { cwd: folder, env }))
}
