// `npm test`: sets up what is missing, then runs every check and every test suite.
//
//   npm test                       all of it
//   npm test -- native js          these suites (`npm test -- list` names them)
//   npm test -- digest             the tests in files of that name: digest_test.cpp, digest.test.ts
//
// Two lanes run side by side, because one of them often waits for a linker: C++ on this machine in
// one, WebAssembly and TypeScript in the other. Who is done first takes suites from the end of the other. A suite that fails is shown in full when it ends; a
// suite that ran no test has failed. The last line is always "N passed, N failed".

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { buildPackage, buildPreset, tsc } from './build.mjs'
import { violations } from './check-imports.mjs'
import { runCatch2 } from './lib/catch2.mjs'
import { filesBelow } from './lib/files.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { runNodeTests } from './lib/node-test.mjs'
import { capture, fail, root, run, secondsSince, StepError } from './lib/process.mjs'
import { tidy } from './lib/tidy.mjs'
import { installConsumers, setup } from './setup.mjs'

// ---- the suites -------------------------------------------------------------------------------
// A suite's `run` answers with { passed, failed, output }, or throws, which counts as one failure.

/** Where keys collide, the tests that count what 100,000 of them take would look at each for each. */
const notMany = ['~[many]']

const cppLane = [
  { name: 'format', run: check(formatted) },
  { name: 'native', run: catch2('native') },
  { name: 'asan', run: catch2('asan') },
  { name: 'bucket0', run: catch2('native', '_bucket0'), filter: notMany },
  { name: 'bucket8', run: catch2('native', '_bucket8'), filter: notMany },
  { name: 'tidy', run: check(tidied) },
]

const webLane = [
  { name: 'imports', run: check(importsAllowed) },
  { name: 'package', run: check(packageBuilt) },
  { name: 'tsc', run: check(typesRight) },
  { name: 'wasm', run: catch2('wasm-tests') },
  ...folderSuites(),
  collidingSuite('bucket0'),
  collidingSuite('bucket8'),
  { name: 'js-fallback', run: onTwin },
]

/** Each folder of tests/ with *.test.ts files is a suite of its own. */
function folderSuites() {
  const files = filesBelow('tests', '.test.ts')
  // (The longest ones early: whatever begins last, one lane ends with it alone.)
  const first = ['js', 'types', 'golden', 'contract', 'torture', 'release', 'runtimes', 'size', 'fallback']
  const place = (name) => (first.includes(name) ? first.indexOf(name) : first.length)
  return [...new Set(files.map((file) => file.split('/')[1]))]
    .sort((a, b) => place(a) - place(b))
    .map((name) => ({
      name,
      files: files.filter((file) => file.startsWith(`tests/${name}/`)),
      async run() {
        // Some hold the native tool against the command; if it cannot be built, the suite `native` says so.
        await Promise.all([once(packageBuilt), once(built.native).catch(() => {}), ['js', 'types', 'golden'].includes(name) || once(consumersInstalled)])
        return runNodeTests(this.files)
      },
    }))
}

/** The tests of js/ that use a core, with one whose index buckets collide: that may cost time, never an answer. */
function collidingSuite(condition) {
  const names = ['core', 'call', 'cache', 'ignore', 'keys-collision', 'options', 'wrapped']
  return {
    name: `js-${condition}`,
    async run() {
      await once(built['wasm-tests'])
      return runNodeTests(names.map((name) => `tests/js/${name}.test.ts`), { conditions: [condition] })
    },
  }
}

/**
 * Every test of js/ that makes a core, on the core's twin in TypeScript (js/fallback). Those that are about WebAssembly itself say so, and
 * are skipped (`wasmOnly`). Left out are files about compression, which it does not have, about the count of what a hit does in
 * wasm, and about the harness.
 */
async function onTwin() {
  const others = ['dense', 'hit-cost', 'bench-harness'].map((name) => `tests/js/${name}.test.ts`)
  const files = filesBelow('tests/js', '.test.ts').filter((file) => !others.includes(file) && /from '\.\/harness\.js'/.test(readFileSync(join(root, file), 'utf8')))
  return runNodeTests(files, { env: { REPRISE_TEST_CORE: 'fallback' } })
}

/** A Catch2 program: built by a preset, then run. */
function catch2(preset, variant = '') {
  return async function () {
    await once(built[preset])
    const program = join('build', preset, `reprise_tests${variant}`)
    return runCatch2(preset.startsWith('wasm') ? [process.execPath, `${program}.cjs`] : [join(root, program)], this.filter)
  }
}

/** Something that is either right or throws: it counts as one test. */
function check(work) {
  return async () => {
    await once(work)
    return { passed: 1, failed: 0, output: '' }
  }
}

const done = new Map()

/** Several suites stand on the same work; it is done once. */
function once(work) {
  if (!done.has(work)) done.set(work, work())
  return done.get(work)
}

// ---- the checks -------------------------------------------------------------------------------

async function formatted() {
  const files = ['src', 'bindings', 'tests/native', 'tools'].flatMap((folder) => filesBelow(folder, '.h', '.cpp'))
  const { code, output } = await capture('clang-format', ['--dry-run', '-Werror', ...files])
  if (code === 0) return
  const unformatted = files.filter((file) => output.includes(`${file}:`))
  if (unformatted.length === 0) throw new StepError('clang-format could not run.', output)
  throw new StepError(`C++ files are not formatted. To do:\nclang-format -i ${unformatted.join(' ')}`)
}

async function tidied() {
  await Promise.all([once(built.native), once(built.wasm)])
  await tidy(availableParallelism())
}

async function importsAllowed() {
  const found = violations()
  if (found.length > 0) throw new StepError(`${found.length} imports break the architecture.`, found.join('\n'))
}

async function typesRight() {
  // demo/ and tests/ import 'reprise' by its name, which leads to the types in dist/. If those could
  // not be built, the suite `package` says so.
  await once(packageBuilt).catch(() => {})
  await once(consumersInstalled)
  await run(process.execPath, [tsc(), '--noEmit', '--pretty', 'false'])
}

/** Its line is printed when it is done, as others are printed meanwhile. */
const consumersInstalled = () =>
  installConsumers(async (title, work) => {
    const start = performance.now()
    await work()
    console.log(`${title}, ${secondsSince(start)}`)
  })

/** For each preset, what builds it. */
const built = Object.fromEntries(['native', 'asan', 'wasm', 'wasm-tests'].map((preset) => [preset, () => buildPreset(preset)]))

async function packageBuilt() {
  await once(built.wasm)
  await buildPackage()
}

// ---- choosing, running, telling -----------------------------------------------------------------

/** The suites that the arguments ask for, in their lanes: whole, or cut down to some test files. */
function chosen(lanes, names) {
  if (names.length === 0) return lanes
  const suites = lanes.flat()
  const whole = new Set()
  const parts = []
  for (const name of names) {
    const exact = suites.filter((suite) => suite.name === name)
    const found = exact.length > 0 ? exact : suites.filter((suite) => suite.name.includes(name))
    for (const suite of found) whole.add(suite)
    if (found.length === 0) parts.push(name)
  }
  for (const part of parts) {
    if (suites.some((suite) => cutTo([part], suite))) continue
    const known = suites.map((suite) => suite.name).join(', ')
    throw new StepError(`No suite and no test file has "${part}" in its name. The suites are: ${known}.`)
  }
  const pick = (suite) => (whole.has(suite) ? suite : cutTo(parts, suite))
  return lanes.map((lane) => lane.map(pick).filter(Boolean))
}

/** The suite with only the test files that have one of `parts` in their names; undefined if none has. */
function cutTo(parts, suite) {
  const matching = (files) => files.filter((file) => parts.some((part) => basename(file).includes(part)))
  if (suite.name === 'native') {
    // Catch2 makes a tag of each file's name when told to: [#digest_test].
    const tags = matching(filesBelow('tests/native', '_test.cpp')).map((file) => `[#${basename(file, '.cpp')}]`)
    return tags.length > 0 ? { ...suite, filter: ['-#', tags.join(',')] } : undefined
  }
  const files = matching(suite.files ?? [])
  return files.length > 0 ? { ...suite, files } : undefined
}

/** Runs what is left of `lane`, then what is left at the end of the others. */
async function runLane(lane, _, lanes) {
  const results = []
  for (let suite; (suite = lane.shift() ?? lanes.find((other) => other.length > 0)?.pop()) !== undefined; ) {
    const start = performance.now()
    const result = await runSuite(suite)
    result.name = suite.name
    result.seconds = secondsSince(start)
    results.push(result)
    tell(result)
  }
  return results
}

async function runSuite(suite) {
  try {
    const result = await suite.run()
    if (result.passed + result.failed === 0) {
      return { ...result, failed: 1, output: `${result.output}\nThis suite ran no test at all.` }
    }
    return result
  } catch (error) {
    const text = error instanceof StepError ? `${error.output.trimEnd()}\n${error.message}` : error.stack
    return { passed: 0, failed: 1, output: text }
  }
}

function tell({ name, passed, failed, skipped, seconds, output }) {
  const counts = `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`
  console.log(`${failed > 0 ? 'FAILED' : 'ok    '} ${name.padEnd(10)} ${counts}, ${seconds}`)
  if (failed > 0) console.log(`${output.trim().replace(/^/gm, '  | ')}\n`)
}

function tellTotals(results, start) {
  console.log(`\n${'suite'.padEnd(12)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'seconds'.padStart(9)}`)
  for (const { name, passed, failed, seconds } of results) {
    const time = seconds.replace(' s', '')
    console.log(`${name.padEnd(12)}${String(passed).padStart(8)}${String(failed).padStart(8)}${time.padStart(9)}`)
  }
  const sum = (field) => results.reduce((total, result) => total + result[field], 0)
  console.log(`\nAll of it took ${secondsSince(start)}.`)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') === 0
}

helpIfAsked()
const start = performance.now()
try {
  const lanes = [cppLane, webLane]
  const names = process.argv.slice(2)
  if (names[0] === 'list') {
    console.log(lanes.flat().map((suite) => suite.name).join('\n'))
  } else {
    const picked = chosen(lanes, names)
    await setup('test')
    // (Who needs it says so if it fails.)
    if (names.length === 0) once(consumersInstalled).catch(() => {})
    const results = await Promise.all(picked.map((lane) => [...lane]).map(runLane))
    process.exitCode = tellTotals(results.flat(), start) ? 0 : 1
  }
} catch (error) {
  process.on('exit', () => console.log('0 passed, 1 failed'))
  fail(error)
}
