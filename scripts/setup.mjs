// Makes sure that what the other scripts need is there: programs and headers of the system, and
// node_modules. Looks for the files themselves, so that a machine that has everything, from any
// source, is left alone; installs what is missing with apt-get where it may, else says how to.
//
//   node scripts/setup.mjs            everything, for `npm test`
//   node scripts/setup.mjs start      only what `npm start` needs

import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { capture, fail, isMain, root, run, step, StepError } from './lib/process.mjs'
import { canUnpackValkey, unpackedValkey, unpackValkey } from './lib/valkey.mjs'

/** What is needed, what for, the Debian package that brings it, and how to see that it is there. */
const needs = [
  { package: 'cmake', use: 'start', why: 'describes every C++ build', found: program('cmake') },
  { package: 'ninja-build', use: 'start', why: 'runs every C++ build', found: program('ninja') },
  { package: 'emscripten', use: 'start', why: 'compiles the core to WebAssembly', found: emscripten },
  { package: 'libxxhash-dev', use: 'start', why: 'the seal of an entry', found: header('xxhash.h') },
  { package: 'g++', use: 'test', why: 'the native build', found: program('g++') },
  { package: 'clang', use: 'test', why: 'the build with sanitizers', found: program('clang++') },
  { package: 'libclang-rt-dev', use: 'test', why: 'the sanitizers themselves', found: addressSanitizer },
  { package: 'clang-format', use: 'test', why: 'checks the format of C++', found: program('clang-format') },
  { package: 'clang-tidy', use: 'test', why: 'checks C++ for mistakes', found: program('clang-tidy') },
  { package: 'nlohmann-json3-dev', use: 'test', why: 'the native twin of the encoder', found: header('nlohmann/json.hpp') },
  { package: 'libssl-dev', use: 'test', why: 'SHA-256 in the native tools', found: header('openssl/sha.h') },
  { package: 'zlib1g-dev', use: 'test', why: 'unpacks traces for reprise-sim', found: header('zlib.h') },
  { package: 'catch2', use: 'test', why: 'the C++ tests', found: header('catch2/catch.hpp') },
  { package: 'python3-cbor2', use: 'test', why: 'a second opinion on keys', found: () => existsSync('/usr/lib/python3/dist-packages/cbor2') },
  { package: 'faketime', use: 'test', why: 'a process whose clock is turned', found: program('faketime') },
  { package: 'redis-server', use: 'test', why: 'the tests of storage in Redis', found: program('redis-server') },
  { package: 'redis-tools', use: 'test', why: 'redis-cli, which makes a cluster of servers', found: program('redis-cli') },
  { package: 'chromium', use: 'test', why: 'the tests in a browser', found: program('chromium', 'chromium-browser', 'google-chrome') },
  { package: 'firefox-esr', use: 'test', why: 'the tests in another browser', found: program('firefox-esr', 'firefox') },
  { package: 'webkit2gtk-driver', use: 'test', why: 'the tests in a third, which is made of what Safari is', found: program('WebKitWebDriver') },
  { package: 'xvfb', use: 'test', why: 'a screen for that one, as it needs one', found: program('Xvfb') },
]

/** Sets up for 'start' (the least) or 'test' (everything but what installConsumers() brings). */
export async function setup(use) {
  const missing = needs.filter((need) => (use === 'test' || need.use === use) && !need.found())
  if (missing.length > 0) await installSystemPackages(missing)
  await installPackages('.', 'install npm packages')
  if (use === 'test' && !program('valkey-server')() && unpackedValkey() === undefined && canUnpackValkey()) {
    await step('unpack valkey', unpackValkey).catch((error) => console.log(`Without it the tests of storage in Redis run with Redis alone: ${error.message}`))
  }
}

// ---- what is there ----------------------------------------------------------------------------

function program(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return () => names.some((name) => folders.some((folder) => existsSync(join(folder, name))))
}

function header(name) {
  const folders = ['/usr/include', '/usr/include/x86_64-linux-gnu', '/usr/local/include', '/opt/homebrew/include']
  return () => folders.some((folder) => existsSync(join(folder, name)))
}

function emscripten() {
  return program('emcc')() || existsSync(`${process.env.EMSDK}/upstream/emscripten/emcc`)
}

function addressSanitizer() {
  // /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.asan-x86_64.a
  const versions = subfolders('/usr/lib').filter((path) => /\/llvm-\d+$/.test(path))
  const resources = versions.flatMap((path) => subfolders(join(path, 'lib/clang')))
  return resources.some((path) =>
    filesIn(join(path, 'lib/linux')).some((name) => name.startsWith('libclang_rt.asan')),
  )
}

function filesIn(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}

function subfolders(folder) {
  return filesIn(folder).map((name) => join(folder, name))
}

// ---- bringing it ------------------------------------------------------------------------------

async function installSystemPackages(missing) {
  const packages = missing.map((need) => need.package)
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`
  const list = missing.map((need) => `  ${need.package.padEnd(20)} ${need.why}`).join('\n')

  if (!program('apt-get')()) {
    throw new StepError(
      `These are missing (by the names of their Debian packages), and there is no apt-get here to install them:\n${list}\n` +
        'Install them with the package manager of this system and run this again.',
    )
  }
  const prefix = await rootPrefix()
  if (prefix === undefined) {
    throw new StepError(
      `These system packages are missing, and installing them needs root:\n${list}\n` +
        `Run this once, then try again:\n  sudo sh -c '${command}'`,
    )
  }
  console.log(`These system packages are missing and will be installed:\n${list}`)
  const apt = (...args) =>
    run(prefix[0] ?? 'apt-get', [...prefix.slice(1), ...(prefix.length > 0 ? ['apt-get'] : []), ...args], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutSeconds: 1800,
    })
  try {
    await step('apt-get update', () => apt('update', '-q'))
    if (packages.includes('emscripten')) await keepUsersNode(prefix)
    await step(`apt-get install ${packages.join(' ')}`, () =>
      apt('install', '-q', '-y', '--no-install-recommends', ...packages),
    )
  } catch (error) {
    if (error instanceof StepError) error.message += `\nThese packages are needed:\n${list}`
    throw error
  }
}

/** The words to put before a command to run it as root; undefined if there is no way without asking. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return []
  const { code } = await capture('sudo', ['-n', 'true'])
  return code === 0 ? ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND'] : undefined
}

/**
 * The emscripten package depends on Debian's nodejs, which would overwrite a /usr/bin/node that was
 * put there by hand. dpkg is told to unpack its own beside it instead. (A node from a package counts
 * as that dependency, and one in any other folder is not touched anyway.)
 */
async function keepUsersNode(prefix) {
  const path = '/usr/bin/node'
  if (!existsSync(path) || (await capture('dpkg', ['-S', path])).code === 0) return
  const args = ['dpkg-divert', '--local', '--no-rename', '--divert', `${path}.debian`, '--add', path]
  const command = [...prefix, ...args]
  await run(command[0], command.slice(1))
}

/** What the package is tried in: a minute of its own, in which other things can be done. */
export function installConsumers(told = step) {
  return installPackages('tests/consumers', 'install bundlers, runtimes and frameworks', told)
}

/** What the package-lock.json of a folder lists, in its node_modules, unless it is there. */
export async function installPackages(folder, title, told = step) {
  const modules = join(root, folder, 'node_modules')
  // npm writes this one at the end of every install.
  const installed = join(modules, '.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, folder, 'package-lock.json')).mtimeMs) return
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new StepError(
      `${join(folder, 'node_modules')} is a symbolic link and older than package-lock.json. \`npm ci\` would empty the folder ` +
        'it points to. Remove the link, or bring that folder up to date, and run this again.',
    )
  }
  // Within `npm start`, npm tells which npm it is; it runs on the same node as this script.
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  await told(title, () => run(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: join(root, folder), timeoutSeconds: 900 }))
}

if (isMain(import.meta.url)) {
  const use = process.argv[2] === 'start' ? 'start' : 'test'
  try {
    await setup(use)
    if (use === 'test') await installConsumers()
  } catch (error) {
    fail(error)
  }
}
