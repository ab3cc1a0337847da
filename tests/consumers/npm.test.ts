/** What npm makes of it: the tarball, which is installed without asking anybody for anything, and what linters of packages say of it. */
import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { computesOnce, printed } from './asked.js'
import { ran } from './program.js'
import { commandOf, emptyFolder, tarball, userFolder, versionOf, write } from './tarball.js'

test('npm | npm install, offline, brings the package alone, runs no script, and the package works', async t => {
  const folder = await emptyFolder(t)
  t.diagnostic(`version ${(await ran('npm', ['--version'], { cwd: folder })).trim()}`)
  await write(folder, { 'package.json': '{ "type": "module", "private": true }', 'program.mjs': printed })
  // With a cache of its own, which is empty: what it would have to fetch it could not.
  await ran('npm', ['install', '--offline', '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', await tarball()], { cwd: folder })
  const installed = (await readdir(join(folder, 'node_modules'))).filter(name => !name.startsWith('.'))
  assert.deepEqual(installed, ['reprise'])
  const { packages } = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as { packages: Record<string, Record<string, unknown>> }
  assert.deepEqual(Object.keys(packages), ['', 'node_modules/reprise'])
  const { dependencies, hasInstallScript } = packages['node_modules/reprise']!
  assert.deepEqual({ dependencies, hasInstallScript }, { dependencies: undefined, hasInstallScript: undefined })
  await computesOnce(async () => JSON.parse(await ran(process.execPath, ['program.mjs'], { cwd: folder })))
  assert.match(await ran('npm', ['exec', '--offline', '--', 'reprise', 'key', '1', '--name', 'ask'], { cwd: folder }), /[0-9a-f]{64}/)
})

test('publint | has nothing to say about the tarball', async t => {
  t.diagnostic(`version ${await versionOf('publint')}`)
  const pkgDir = join(await userFolder(t, {}), 'node_modules/reprise')
  const { messages } = await publint({ pkgDir, pack: false, strict: true })
  const { default: json } = (await import(join(pkgDir, 'package.json'), { with: { type: 'json' } })) as { default: Record<string, unknown> }
  assert.deepEqual(messages.map(message => formatMessage(message, json)), [])
})

test('attw | every entry has its types, for whoever imports it', async t => {
  t.diagnostic(`version ${await versionOf('@arethetypeswrong/cli')}`)
  await ran(process.execPath, [commandOf('@arethetypeswrong/cli', 'attw'), await tarball(), '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'], { cwd: await emptyFolder(t) })
})

test('The tarball has what package.json names, and nothing of what is not for users', async t => {
  const folder = join(await userFolder(t, {}), 'node_modules/reprise')
  const names = (await readdir(folder)).sort()
  assert.deepEqual(names, ['CHANGELOG.md', 'LICENSE', 'NOTICE', 'README.md', 'dist', 'package.json'])
  const { bin, exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string>; exports: object }
  const targets = (value: unknown): string[] => (typeof value === 'string' ? [value] : Object.values(value as object).flatMap(targets))
  for (const target of [...targets(exports), ...targets(bin)]) assert.ok((await stat(join(folder, target))).isFile(), target)
  const all = await readdir(join(folder, 'dist'), { recursive: true })
  assert.deepEqual(all.filter(name => /\.(map|tsbuildinfo)$|(?<!\.d)\.ts$/.test(name)), [])
})
