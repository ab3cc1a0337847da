// `npm run release`: proves that what lies here can be released, and says what a release would do. It never publishes: that does
// .github/workflows/release.yml, when a tag is pushed (docs/releasing.md).
//
//   npm run release                                 a dry run: changes nothing
//   npm run release -- --version minor              the same for another version: 0.2.0, patch, minor, major
//   npm run release -- --write                      after all of it has passed, writes the version and the changelog
//   npm run release -- --tag v0.2.0                 what the workflow runs: this commit is 0.2.0, as its files say
//   … --skip-tests                                  without npm test, which takes most of the time
//
// Everything is built and packed in copies of the last commit. So what is not committed is not released, and a step
// that fails leaves nothing behind to be taken back.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { checkReleased, released, unreleased } from './lib/changelog.mjs'
import { checkEqual, cleanBuilds } from './lib/clean-builds.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { capture, fail, root, run, step, StepError } from './lib/process.mjs'
import { kilobytes, pack, publicManifest } from './pack.mjs'
import { installPackages, setup } from './setup.mjs'

helpIfAsked()
try {
  await release(options())
} catch (error) {
  fail(error)
}

async function release({ version: wanted, tag, write, skipTests }) {
  await checkTree()
  const manifest = JSON.parse(await text('package.json'))
  publicManifest(manifest)
  const { version, changes } = tag === undefined ? await prepared(wanted) : await asTagged(tag, manifest)
  const commit = (await git('rev-parse', '--short', 'HEAD')).trim()
  console.log(`${manifest.name} ${version}, from commit ${commit}. ${purpose(tag, write)}`)
  const repository = repositoryMissing(manifest)
  if (repository !== undefined && (write || tag !== undefined)) throw new StepError(repository)

  await setup('start')
  await installPackages('tests/consumers', 'install what the package is checked with')
  const built = await step('build it twice, from nothing', () => cleanBuilds(join(root, 'build/clean'), changes))
  const packed = await step('pack it', () => pack(built))
  await step('publint', () => run(consumersTool('publint'), ['run', packed.tarball, '--strict'], { timeoutSeconds: 120 }))
  await step('attw', () => run(consumersTool('attw'), [packed.tarball, '--profile', 'esm-only'], { timeoutSeconds: 300 }))
  if (!skipTests) {
    await run('npm', ['test'], { show: true, timeoutSeconds: 3600 })
    await checkEqual(built, root, 'The tests ran with other files than those that were packed: dist/ is not what a clean build gives.')
  }
  for (const path of write ? Object.keys(changes) : []) await writeFile(join(root, path), changes[path])

  tellPackage(packed)
  if (skipTests) console.log('The tests were skipped, so this proves less than a release needs.')
  if (tag !== undefined) return
  const toWrite = Object.keys(changes)
  if (!write) tellPlan(version, toWrite, wanted, repository)
  tellCommands(version, toWrite, write)
}

// ---- what it begins with -----------------------------------------------------------------------

function options() {
  const known = { version: { type: 'string' }, tag: { type: 'string' }, write: { type: 'boolean' }, 'skip-tests': { type: 'boolean' } }
  const usage = 'Usage: npm run release -- [--version 0.2.0 | patch | minor | major] [--write] [--skip-tests], or --tag v0.2.0. See docs/releasing.md.'
  let values
  try {
    values = parseArgs({ options: known }).values
  } catch (error) {
    throw new StepError(`${error.message}\n${usage}`)
  }
  const { version, tag, write = false, 'skip-tests': skipTests = false } = values
  if (tag !== undefined && (version !== undefined || write)) throw new StepError(`A tag says which version it is, and nothing is to be written for it.\n${usage}`)
  if (write && skipTests) throw new StepError(`A release is not written without its tests.\n${usage}`)
  return { version, tag, write, skipTests }
}

function purpose(tag, write) {
  if (tag !== undefined) return `Made for the tag ${tag}; nothing is published by this script.`
  return write ? 'If all goes well, files here are changed; nothing is published.' : 'This is a dry run: nothing here is changed, nothing is published.'
}

/** What is released is a commit, so all that counts must be in it. */
async function checkTree() {
  const { code, output } = await capture('git', ['status', '--porcelain'])
  if (code !== 0) throw new StepError('A release is made of a commit, and git cannot say which: this is no repository that it can read.', output)
  if (output === '') return
  throw new StepError(`These files are not as in the last commit:\n${output.trimEnd()}\nCommit them, or put them away (git stash -u), and run this again.`)
}

/** The version and the files that say it, as they will be. */
async function prepared(wanted) {
  const changelog = await text('CHANGELOG.md')
  const named = unreleased(changelog).version
  if (wanted === undefined && named === undefined) {
    throw new StepError('CHANGELOG.md does not say which version comes next. Say it: npm run release -- --version 0.2.0 (or patch, minor, major)')
  }
  const { version, files } = await withVersion(wanted ?? named)
  if ((await git('tag', '--list', `v${version}`)).trim() !== '') {
    throw new StepError(`There is a tag v${version} already. Choose the next version: npm run release -- --version patch (or minor, major)`)
  }
  const date = new Date().toISOString().slice(0, 10)
  return { version, changes: { ...files, 'CHANGELOG.md': released(changelog, version, date) } }
}

/** npm knows what a version may be, which comes next, and where it stands. It is asked in a folder apart. */
async function withVersion(wanted) {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-version-'))
  const names = ['package.json', 'package-lock.json']
  try {
    for (const name of names) await writeFile(join(folder, name), await text(name))
    const { code, output } = await capture('npm', ['version', wanted, '--no-git-tag-version', '--ignore-scripts', '--allow-same-version', '--loglevel=error'], { cwd: folder })
    if (code !== 0) throw new StepError(`"${wanted}" is no version that npm takes. Say one in full (0.2.0), or patch, minor or major.`, output)
    const files = {}
    for (const name of names) files[name] = await readFile(join(folder, name), 'utf8')
    const { version } = JSON.parse(files['package.json'])
    return { version, files: { ...files, ...(await examplesWith(version)) } }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An example installs the package as it is released with it. */
async function examplesWith(version) {
  const files = {}
  for (const name of await readdir(join(root, 'examples'))) {
    const path = `examples/${name}/package.json`
    const before = await text(path).catch(() => '')
    const after = before.replace(/("reprise": ")[^"]*"/, `$1${version}"`)
    if (after !== before) files[path] = after
  }
  return files
}

async function asTagged(tag, { version }) {
  if (tag !== `v${version}`) {
    throw new StepError(`The tag is ${tag}, and package.json says ${version}. Delete the tag, and set v${version} on the commit that is to be released.`)
  }
  checkReleased(await text('CHANGELOG.md'), version)
  return { version, changes: {} }
}

/** npm publishes with a proof of origin only what names the repository that it comes from. */
function repositoryMissing({ repository }) {
  if (repository !== undefined) return undefined
  return (
    'package.json names no repository. npm compares it with the one that publishes, and its page needs it for the links of the README. ' +
    'Add:  "repository": { "type": "git", "url": "git+https://github.com/<owner>/<name>.git" }'
  )
}

// ---- what it says at the end -------------------------------------------------------------------

function tellPackage({ tarball, files, bytes, unpackedBytes, modules, sha256 }) {
  console.log(`\n${files.length} files, ${kilobytes(bytes)} packed, ${kilobytes(unpackedBytes)} unpacked. By SHA-256, from what two clean builds agree on:`)
  console.log(`${modules}${sha256}  ${relative(root, tarball)}`)
}

function tellPlan(version, toWrite, wanted, repository) {
  const again = `npm run release -- ${wanted === undefined ? '' : `--version ${wanted} `}--write`
  console.log(`\nNothing was changed. To release ${version}:\n`)
  if (repository !== undefined) console.log(`0. ${repository}\n`)
  console.log(`1. ${again}\n   proves all of this again, and writes the version into ${toWrite.join(', ')}.\n2. as it will say then:`)
}

function tellCommands(version, toWrite, written) {
  const indent = written ? '  ' : '     '
  if (written) console.log(`\n${version} stands in ${toWrite.join(', ')}. To do, after a look at \`git diff\`:`)
  for (const command of [`git commit -m 'Release ${version}' ${toWrite.join(' ')}`, `git tag -a v${version} -m 'Reprise ${version}'`, `git push --atomic origin HEAD v${version}`]) {
    console.log(indent + command)
  }
  console.log(`${written ? '' : '   '}The tag makes .github/workflows/release.yml prove it once more, and publish.`)
}

// ---- small things ------------------------------------------------------------------------------

function text(path) {
  return readFile(join(root, path), 'utf8')
}

function git(...args) {
  return run('git', args)
}

function consumersTool(name) {
  return join(root, 'tests/consumers/node_modules/.bin', name)
}
