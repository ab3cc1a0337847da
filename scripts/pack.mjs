// Makes the tarball that is published, out of what was built: build/release/reprise-<version>.tgz. Packing by itself would
// take whatever lies in dist/ and the whole package.json; here a folder is filled with what users need, packed, and the tarball
// is looked through: no file but those of lib/package-files.mjs and all of them, no dependency, no script that an install would run.
//
//   node scripts/pack.mjs

import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'
import { packageFiles } from './lib/package-files.mjs'
import { fail, isMain, root, run, StepError } from './lib/process.mjs'

/** What package.json says to users. */
const forUsers = [
  ...['name', 'version', 'description', 'keywords', 'license', 'author', 'repository', 'homepage', 'bugs', 'funding'],
  ...['type', 'engines', 'sideEffects', 'bin', 'files', 'exports', 'peerDependencies', 'peerDependenciesMeta'],
]
/** What it says to who works here: users would see commands for files that they have not. */
const forUs = ['scripts', 'imports', 'devDependencies', 'overrides']

const modules = ['dist/core.wasm', 'dist/core-dense.wasm']

/** Packs what is built in the folder `source`; answers where the tarball is, what is in it, and digests. */
export async function pack(source = root, target = join(root, 'build/release')) {
  const manifest = publicManifest(JSON.parse(await readFile(join(source, 'package.json'), 'utf8')))
  if (!existsSync(join(source, 'dist'))) throw new StepError('There is nothing to pack: dist/ is missing. Build it first: npm run build')
  const stage = join(target, 'package')
  await rm(target, { recursive: true, force: true })

  const texts = { 'package.json': `${JSON.stringify(manifest, null, 2)}\n`, 'dist/SHA256SUMS': await sums(source) }
  for (const [path, text] of Object.entries(texts)) await put(join(stage, path), text)
  const types = await publicTypes(source, manifest)
  const commands = Object.values(manifest.bin ?? {}).map(normalize)
  for (const path of manifest.files.flatMap((name) => filesIn(source, name))) {
    if (path.startsWith('dist/types/') && !types.has(path)) continue
    await put(join(stage, path), await readFile(join(source, path)), commands.includes(path))
  }

  await run('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', target], { cwd: stage })
  const tarball = join(target, `${manifest.name}-${manifest.version}.tgz`)
  const files = (await run('tar', ['-tzf', tarball])).trim().split('\n').map((path) => path.replace(/^package\//, '')).sort()
  checkFiles(files)
  checkPacked(JSON.parse(await run('tar', ['-xzOf', tarball, 'package/package.json'])))
  const sizes = await Promise.all(files.map(async (path) => (await stat(join(stage, path))).size))
  return {
    tarball,
    files,
    bytes: (await stat(tarball)).size,
    unpackedBytes: sizes.reduce((total, size) => total + size, 0),
    sha256: sha256(await readFile(tarball)),
    modules: texts['dist/SHA256SUMS'],
  }
}

/** package.json as it is published; throws at what may not be, or what nobody has decided about. */
export function publicManifest(manifest) {
  for (const kind of ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']) {
    const names = Object.keys(manifest[kind] ?? {})
    if (names.length === 0) continue
    throw new StepError(
      `package.json has ${kind}: ${names.join(', ')}. The package is published without any. What is bundled into dist/ belongs ` +
        'into devDependencies; what the user hands in is an optional peer.',
    )
  }
  for (const name of Object.keys(manifest.peerDependencies ?? {})) {
    if (manifest.peerDependenciesMeta?.[name]?.optional === true) continue
    throw new StepError(`package.json makes everyone install ${name}: a peer must be optional. Say so in its peerDependenciesMeta.`)
  }
  const unknown = Object.keys(manifest).filter((name) => !forUsers.includes(name) && !forUs.includes(name))
  if (unknown.length > 0) {
    throw new StepError(
      `package.json has fields that nobody has decided about: ${unknown.join(', ')}. Put each into one of the lists at the top of ` +
        'scripts/pack.mjs: what users get, or what only we need.',
    )
  }
  return Object.fromEntries(Object.entries(manifest).filter(([name]) => forUsers.includes(name)))
}

/** The types that an entry leads to. Those of the inside name what users do not have. */
async function publicTypes(source, manifest) {
  const found = new Set()
  const waiting = typesNamedIn(manifest.exports)
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const text = await readFile(join(source, path), 'utf8').catch(() => {
      throw new StepError(`${path}, which the package's types lead to, is missing. Build the package anew: rm -r dist && npm run build`)
    })
    for (const [, name] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (!name.startsWith('.')) {
        throw new StepError(`${path} has types of "${name}", which users may not have. Say in a type of our own what is needed of it.`)
      }
      waiting.push(join(dirname(path), name.replace(/\.js$/, '.d.ts')))
    }
  }
  return found
}

function typesNamedIn(exported) {
  return Object.entries(exported).flatMap(([name, value]) => (typeof value === 'object' ? typesNamedIn(value) : name === 'types' ? [normalize(value)] : []))
}

/** As `sha256sum` writes them, and reads them with --check. */
async function sums(source) {
  const lines = await Promise.all(
    modules.map(async (path) => {
      const bytes = await readFile(join(source, path)).catch(() => {
        throw new StepError(`${path} is missing. Build it first: npm run build`)
      })
      return `${sha256(bytes)}  ${path.replace('dist/', '')}\n`
    }),
  )
  return lines.join('')
}

function checkFiles(files) {
  const allowed = (path) => packageFiles.some((one) => (one instanceof RegExp ? one.test(path) : one === path))
  const unexpected = files.filter((path) => !allowed(path))
  if (unexpected.length > 0) {
    throw new StepError(
      `These files would be published, and nobody has allowed that:\n${unexpected.map((path) => `  ${path}`).join('\n')}\n` +
        'If users need them, add them to scripts/lib/package-files.mjs. If they were left behind, build anew: rm -r dist && npm run build',
    )
  }
  const missing = packageFiles.filter((one) => !files.some((path) => (one instanceof RegExp ? one.test(path) : one === path)))
  if (missing.length > 0) {
    throw new StepError(
      `These files belong to the package and are not in the tarball:\n${missing.map((one) => `  ${one}`).join('\n')}\n` +
        'Build anew (rm -r dist && npm run build); if users need them no more, take them out of scripts/lib/package-files.mjs.',
    )
  }
}

/** Looks at what really is in the tarball, whoever put it there. */
function checkPacked(manifest) {
  const wrong = ['scripts', 'gypfile', 'dependencies', 'optionalDependencies', 'bundleDependencies'].filter((name) => name in manifest)
  if (wrong.length > 0) throw new StepError(`The packed package.json has ${wrong.join(', ')}, which scripts/pack.mjs should have left out.`)
}

async function put(path, content, executable = false) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  await chmod(path, executable ? 0o755 : 0o644)
}

/** The file `name`, or all files below the folder `name`, relative to `source`. */
export function filesIn(source, name) {
  const path = join(source, name)
  if (!existsSync(path)) return []
  const entries = readdirSync(dirname(path), { withFileTypes: true })
  if (entries.some((entry) => entry.isFile() && join(dirname(path), entry.name) === path)) return [name]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(source, join(entry.parentPath ?? entry.path, entry.name)))
    .sort()
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/** "203.9 KB" */
export function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`
}

if (isMain(import.meta.url)) {
  try {
    const { tarball, files, bytes, unpackedBytes, modules, sha256 } = await pack()
    console.log(`${files.length} files, ${kilobytes(bytes)} packed, ${kilobytes(unpackedBytes)} unpacked\n${modules}${sha256}  ${relative(root, tarball)}`)
  } catch (error) {
    fail(error)
  }
}
