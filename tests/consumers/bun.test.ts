/** Bun. */
import test from 'node:test'
import { computesOnce, printed } from './asked.js'
import { ran } from './program.js'
import { commandOf, userFolder, versionOf } from './tarball.js'

test('Bun | two processes, one after the other', async t => {
  t.diagnostic(`version ${await versionOf('bun')}`)
  const folder = await userFolder(t, { 'program.mjs': printed })
  await computesOnce(async () => JSON.parse(await ran(commandOf('bun'), ['program.mjs'], { cwd: folder })))
})
