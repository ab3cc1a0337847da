// `npm run bench`: how Reprise compares with what else there is, measured here and now.
//
//   npm run bench                      lists the benches
//   npm run bench -- keys              runs one, and prints a table
//   npm run bench -- keys --quick      fewer slices: for a first look
//   npm run bench -- keys --chromium   rows in Chromium as well
//   npm run -s bench -- keys --json    only JSON on stdout (without -s, npm adds lines of its own)
//
// Sets up what is missing first: the wasm module, the peers (npm packages of this folder alone), and the
// little programs. A bench is then one bundle, made as the package is made, in a fresh Node without flags.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPackage, buildPreset } from '../../scripts/build.mjs'
import { unlessUpToDate } from '../../scripts/lib/files.mjs'
import { helpIfAsked } from '../../scripts/lib/help.mjs'
import { capture, fail, root, run, StepError } from '../../scripts/lib/process.mjs'
import { installPackages, setup } from '../../scripts/setup.mjs'

/** Each is <name>.ts; what runs in a page is <name>-page.ts, and what has a process of its own is <name>-process.ts. */
const benches = {
  keys: 'what it costs to tell whether these arguments have been seen before',
  memory: 'what a hit costs, and what entries in memory take',
  calls: 'what it costs to wait for others, to be invalidated by tag, and to be called for the first time',
  start: 'what it costs to have a cache at all: from the import to the first hit',
  storage: 'what it costs to keep entries in files and elsewhere',
  eviction: 'what is saved by what is kept when memory is full',
}

const here = 'tests/bench'
const output = 'build/bench'

function usage() {
  const list = Object.entries(benches).map(([name, what]) => `  ${name.padEnd(10)} ${what}`)
  return ['The benches are:', ...list, '', 'To do: npm run bench -- <name> [--quick] [--chromium] [--json]'].join('\n')
}

// ---- what is needed ---------------------------------------------------------------------------

async function prepare(name) {
  // stdout is the report's alone.
  process.stdout.write = process.stderr.write.bind(process.stderr)
  await setup('start')
  // That one runs a native program, and its peers are policies in it.
  if (name === 'eviction') {
    console.error('building reprise-sim …')
    await buildPreset('native', 'reprise-sim')
    return bundle(name, {})
  }
  await buildPreset('wasm')
  await installPackages(here, 'install the peers')
  if (name === 'start') await buildPackage()
  await Promise.all([bundle(name, await versions()), ...(name === 'keys' ? digestPrograms() : [])])
}

/** As scripts/build.mjs bundles the package, except that the peers are in it too. */
async function bundle(name, known) {
  const esbuild = await import('esbuild')
  const shared = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'silent',
    define: { versions: JSON.stringify(known) },
  }
  try {
    const programs = [name, `${name}-process`].filter((program) => existsSync(join(root, here, `${program}.ts`)))
    for (const program of programs) {
      await esbuild.build({
        ...shared,
        entryPoints: [`${here}/${program}.ts`],
        outfile: `${output}/${program}.mjs`,
        platform: 'node',
        external: ['playwright-core', 'esbuild', 'miniflare'],
        // Peers in CommonJS ask for node:crypto with require.
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      })
    }
    const page = `${here}/${name}-page.ts`
    if (existsSync(join(root, page))) {
      await esbuild.build({ ...shared, entryPoints: [page], outfile: `${output}/${name}-page.js`, platform: 'browser' })
    }
  } catch (error) {
    const messages = await esbuild.formatMessages(error.errors ?? [], { kind: 'error' })
    throw new StepError(`esbuild could not bundle the bench ${name}.`, messages.join('') || String(error))
  }
}

/** Ours, and those of the peers that are really installed. */
async function versions() {
  const { version, devDependencies: own } = await readJson('package.json')
  const { devDependencies } = await readJson(`${here}/package.json`)
  const peers = Object.keys(devDependencies).map(async (peer) => [peer, (await readJson(`${here}/node_modules/${peer}/package.json`)).version])
  return { reprise: version, redis: own.redis, ioredis: own.ioredis, ...Object.fromEntries(await Promise.all(peers)) }
}

async function readJson(path) {
  return JSON.parse(await readFile(join(root, path), 'utf8'))
}

/** digest_bench.cpp, with the flags of the native preset, and with those that the wasm module is built with. */
function digestPrograms() {
  const sources = [`${here}/digest_bench.cpp`, 'src/digest.cpp']
  const inputs = [...sources, 'src/digest.h', 'src/bytes.h', `${here}/run.mjs`]
  const common = ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-Isrc', '-isystem', 'build/wasm/third_party', ...sources, '-o']
  const native = ['-O2', '-g', '-D_GLIBCXX_ASSERTIONS', ...common, `${output}/digest_bench`]
  const forNode = ['-sENVIRONMENT=node', '-sWASM_ASYNC_COMPILATION=0', '-sEXIT_RUNTIME=1', '-sALLOW_MEMORY_GROWTH']
  const wasm = ['-O3', '-DNDEBUG', ...common, `${output}/digest_bench.cjs`, ...forNode]
  return [
    unlessUpToDate('digest_bench', inputs, [`${output}/digest_bench`], async () => {
      if ((await capture('g++', ['--version'])).code !== 0) return console.error('There is no g++ here, so the rows keys/sip13-… of native code are left out.')
      await compile('g++', native)
    }),
    unlessUpToDate('digest_bench_wasm', inputs, [`${output}/digest_bench.cjs`], () => compile('em++', wasm, { NODE_PATH: '/usr/share/nodejs' })),
  ]
}

async function compile(compiler, args, env = {}) {
  console.error(`compiling digest_bench.cpp with ${compiler} …`)
  await run(compiler, args, { env })
}

// ---- the command ------------------------------------------------------------------------------

function options() {
  const known = { json: { type: 'boolean' }, chromium: { type: 'boolean' }, quick: { type: 'boolean' } }
  try {
    const { values, positionals } = parseArgs({ options: known, allowPositionals: true })
    return { names: positionals, flags: Object.keys(values).map((flag) => `--${flag}`) }
  } catch (error) {
    throw new StepError(`${error.message.split('. ')[0]}.\n\n${usage()}`)
  }
}

/** The bench itself: its exit code is ours. */
function start(name, flags) {
  return new Promise((done, broken) => {
    const child = spawn(process.execPath, [join(root, output, `${name}.mjs`), ...flags], { cwd: root, stdio: 'inherit' })
    child.once('error', broken)
    child.once('exit', (code, signal) => {
      if (signal) console.error(`The bench was ended by ${signal}.`)
      done(code ?? 1)
    })
  })
}

helpIfAsked()
try {
  const { names, flags } = options()
  const [name, ...more] = names
  if (name === undefined) {
    console.log(usage())
  } else {
    if (!Object.hasOwn(benches, name)) throw new StepError(`There is no bench "${name}". ${usage()}`)
    if (more.length > 0) throw new StepError(`One bench at a time, please: "${more.join(' ')}" is too much.`)
    await prepare(name)
    process.exitCode = await start(name, flags)
  }
} catch (error) {
  fail(error)
}
