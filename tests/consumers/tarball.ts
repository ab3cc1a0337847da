/**
 * The package as users get it: the tarball that is published (scripts/pack.mjs), of dist/ as it is built, unpacked into a folder that has nothing
 * of this project. The tarball is made once for the same files, and lies in build/ under their digest.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pack } from '../../scripts/pack.mjs'
import { ran } from './program.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What is beside dist/ in the tarball. */
const besides = ['package.json', 'README.md', 'LICENSE', 'NOTICE', 'CHANGELOG.md']

/** Where the tarball is. */
export async function tarball(): Promise<string> {
  const digest = createHash('sha256')
  for (const file of [...besides, ...(await filesOf(join(root, 'dist')))]) digest.update(`${file}\0`).update(await readFile(join(root, file))).update('\0')
  const folder = join(root, 'build/tarballs')
  const path = join(folder, `${digest.digest('hex').slice(0, 32)}.tgz`)
  if (existsSync(path)) return path
  // Made elsewhere and moved there: another test may want it at the same moment.
  const draft = await mkdtemp(join(tmpdir(), 'reprise-pack-'))
  try {
    const { tarball } = await pack(root, draft)
    await mkdir(folder, { recursive: true })
    const moved = `${path}.${process.pid}`
    await writeFile(moved, await readFile(tarball))
    await rename(moved, path)
    // What was made of other files nobody wants any more.
    for (const other of await readdir(folder)) if (other.endsWith('.tgz') && join(folder, other) !== path) await rm(join(folder, other), { force: true })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return path
}

/**
 * A folder of a user who has installed it, with these files, and links to tools of tests/consumers. It is removed when the test has ended.
 * Answers with its path.
 */
export async function userFolder(t: TestContext, files: Record<string, string>, tools: string[] = []): Promise<string> {
  const folder = await emptyFolder(t)
  await mkdir(join(folder, 'node_modules/reprise'), { recursive: true })
  await ran('tar', ['-xzf', await tarball(), '-C', 'node_modules/reprise', '--strip-components=1'], { cwd: folder })
  for (const tool of tools) {
    await mkdir(dirname(join(folder, 'node_modules', tool)), { recursive: true })
    await symlink(toolFolder(tool), join(folder, 'node_modules', tool))
  }
  await write(folder, { 'package.json': '{ "type": "module", "private": true }', ...files })
  return folder
}

/** A folder with nothing in it and nothing above it. */
export async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-user-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export async function write(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const ofConsumers = createRequire(import.meta.url)
const ofProject = createRequire(join(root, 'package.json'))

/** Where a tool is installed: in tests/consumers, or else with the project's own. */
export function toolFolder(name: string): string {
  const here = fileURLToPath(new URL(`node_modules/${name}`, import.meta.url))
  return existsSync(here) ? here : join(root, 'node_modules', name)
}

/** Of a tool as it is installed. */
export async function versionOf(name: string, folder = toolFolder(name)): Promise<string> {
  return (JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

/** One of the project's own, where tests/consumers may have another version of it, for one of its tools. */
export function ownTool(name: string): unknown {
  return ofProject(name)
}

/** The file that a tool's command runs. */
export function commandOf(name: string, command = name): string {
  const file = ofConsumers.resolve(join(toolFolder(name), 'package.json'))
  const { bin } = ofConsumers(file) as { bin: string | Record<string, string> }
  return join(dirname(file), typeof bin === 'string' ? bin : bin[command]!)
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => relative(root, join(entry.parentPath, entry.name))).sort()
}
