// Builds the C++ core (with CMake, see CMakePresets.json) and the npm package (into dist/).
//
//   node scripts/build.mjs                    the wasm module and the package
//   node scripts/build.mjs native asan        any presets of CMakePresets.json
//   node scripts/build.mjs package            the package, from the wasm module as it is
//
// What is up to date is left alone: a second run takes well under a second.

import { existsSync, statSync } from 'node:fs'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateHard } from './lib/deflate.mjs'
import { filesBelow, unlessUpToDate } from './lib/files.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { fail, isMain, root, run, step, StepError } from './lib/process.mjs'

const modules = ['core.wasm', 'core-dense.wasm']
/** What each preset makes that TypeScript imports as text. */
const modulesOf = { wasm: modules, 'wasm-tests': ['core-bucket0.wasm', 'core-bucket8.wasm'] }
const nodeEntry = 'js/runtimes/node.ts'
const runtimes = ['node', 'browser', 'url', 'workerd', 'edge-light', 'slim']
/** Those that are imported by a name of their own: what is not imported is not bundled. */
const storages = ['redis', 'cloudflare-kv', 'web-cache', 'upstash', 'deno-kv', 'keyv', 'unstorage', 'tiered']

/** Builds the named presets and then, after `wasm`, the package: build({ wasm: true, asan: true }). */
export async function build(wanted) {
  for (const preset of Object.keys(wanted).filter((name) => wanted[name] && name !== 'package')) {
    await step(`build ${preset}`, () => buildPreset(preset))
  }
  if (wanted.wasm || wanted.package) await step('build package', buildPackage)
}

/** Configures a CMake preset if that was not done since the presets changed, and builds it, or one target of it. */
export async function buildPreset(preset, target) {
  const ninjaFile = join(root, 'build', preset, 'build.ninja')
  const presets = join(root, 'CMakePresets.json')
  const configured =
    existsSync(ninjaFile) &&
    statSync(ninjaFile).mtimeMs > statSync(presets).mtimeMs &&
    (await configuredHere(preset))
  if (!configured) await run('cmake', ['--preset', preset, '--fresh'])
  const output = await run('cmake', ['--build', '--preset', preset, ...(target === undefined ? [] : ['--target', target])])
  if (modulesOf[preset] !== undefined) await writeModules(preset)
  return output
}

/** A build folder that was copied or moved from elsewhere still points there. */
async function configuredHere(preset) {
  const cache = await readFile(join(root, 'build', preset, 'CMakeCache.txt'), 'utf8').catch(() => '')
  return cache.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`)
}

/** Writes each module as a JavaScript string (deflated, in base64), with its type; that of the core also as it is, for Node. */
export async function writeModules(preset = 'wasm') {
  const folder = join(root, 'build', preset)
  await mkdir(folder, { recursive: true })
  for (const name of modulesOf[preset]) {
    await writeIfChanged(
      join(folder, `${name}.d.ts`),
      `/** The bytes of ${name}, deflated (zlib), in base64. */
declare const base64: string
export default base64
`,
    )
    await writeIfChanged(
      join(folder, `${name}.plain.d.ts`),
      `/** The bytes of ${name} in base64. */
declare const base64: string
export default base64
`,
    )
    if (!existsSync(join(folder, name))) continue
    const output = `build/${preset}/${name}.js`
    const plain = `build/${preset}/${name}.plain.js`
    await unlessUpToDate(`${preset}-${name}.js`, [`build/${preset}/${name}`, 'scripts'], [output, plain], async () => {
      const bytes = await readFile(join(folder, name))
      checkBoundary(name, bytes)
      // Deflated first: base64 of what is already compressed costs a download (which is compressed, too) a few percent, and
      // base64 of the module itself a third.
      const base64 = deflateHard(bytes).toString('base64')
      await writeIfChanged(join(root, output), `export default "${base64}"\n`)
      await writeIfChanged(join(root, plain), `export default "${bytes.toString('base64')}"\n`)
    })
  }
}

/** js/glue.ts has what this Emscripten's modules want. One of another version could want more. */
function checkBoundary(name, bytes) {
  const module = new WebAssembly.Module(bytes)
  const exported = new Set(WebAssembly.Module.exports(module).map(({ kind, name }) => `${kind} ${name}`))
  const missing = ['memory memory', 'table __indirect_function_table', 'function __wasm_call_ctors'].filter((needed) => !exported.has(needed))
  if (missing.length > 0) throw new StepError(`${name} does not export what js/glue.ts needs: ${missing.join(', ')}.`)
  const unknown = WebAssembly.Module.imports(module)
    .map(({ kind, module, name }) => `${kind} ${module}.${name}`)
    .filter((wanted) => wanted !== 'function env._embind_register_function')
  if (unknown.length === 0) return
  throw new StepError(`${name} imports what js/glue.ts does not have: ${unknown.join(', ')}. Do without it in src/ and bindings/, or add it there and here.`)
}

async function writeIfChanged(path, text) {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text)
}

/** dist/: one bundle for each runtime with shared chunks, the command, what is for tests, storages, both modules, and the types. */
export async function buildPackage() {
  for (const name of modules) {
    if (!existsSync(join(root, 'build/wasm', name))) {
      throw new StepError(`build/wasm/${name} is missing. Build it first: node scripts/build.mjs wasm`)
    }
  }
  await writeModules()
  const settings = ['NOTICE', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
  const inputs = ['js', 'scripts', ...modules.map((name) => `build/wasm/${name}`), ...settings]
  const others = ['cli', 'fallback', 'testing', 'testing/storage', ...storages].map((name) => `dist/${name}.js`)
  const outputs = [...runtimes.map((name) => `dist/${name}.js`), ...others, ...modules.map((name) => `dist/${name}`), 'dist/types/index.d.ts']
  return unlessUpToDate('package', inputs, outputs, async () => {
    await rm(join(root, 'dist'), { recursive: true, force: true })
    await Promise.all([bundle(), declarations()])
    for (const name of modules) await copyFile(join(root, 'build/wasm', name), join(root, 'dist', name))
  })
}

async function bundle() {
  const entries = runtimes.map((name) => `js/runtimes/${name}.ts`)
  const missing = entries.filter((entry) => !existsSync(join(root, entry)))
  if (missing.length > 0) {
    throw new StepError(`package.json exports a bundle for each of these, but they do not exist: ${missing.join(', ')}`)
  }
  // Loaded here, because `npm start` runs this file before node_modules is there.
  const esbuild = await import('esbuild')
  const inputs = new Set()
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  try {
    const options = {
      absWorkingDir: root,
      outdir: 'dist',
      bundle: true,
      format: 'esm',
      target: 'es2022',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      minify: true,
      // Node shows the line in which an uncaught error was thrown: all of the package in one line would bury its message.
      lineLimit: 200,
      legalComments: 'none',
      metafile: true,
      logLevel: 'silent',
      // Names of chunks are digests of paths, too. Where node_modules is a link they would tell where it leads.
      preserveSymlinks: true,
      // What a user installs beside us stays an import; devDependencies are bundled.
      external: ['node:*', ...Object.keys({ ...dependencies, ...peerDependencies })],
      plugins: [importedWasm, listing(inputs)],
    }
    const split = { ...options, splitting: true, chunkNames: 'chunks/[name]-[hash]' }
    await esbuild.build({ ...split, entryPoints: entries.filter((entry) => entry !== nodeEntry) })
    // By itself: each file that Node loads at the start takes half a millisecond.
    const { metafile } = await esbuild.build({ ...split, entryPoints: [nodeEntry], plugins: [...options.plugins, requiredBuiltins] })
    checkOneFile(metafile)
    // By themselves, so that the runtimes' chunks are not cut for them. esbuild keeps the `#!` line of cli.
    await esbuild.build({ ...options, entryPoints: { cli: 'js/cli/main.ts' } })
    // What the browser's bundle loads of it is a chunk of its own there.
    await esbuild.build({ ...options, entryPoints: { fallback: 'js/fallback/index.ts' } })
    await esbuild.build({ ...options, entryPoints: { testing: 'js/testing/index.ts' } })
    await esbuild.build({ ...options, entryPoints: { 'testing/storage': 'js/testing/storage.ts' } })
    await Promise.all(storages.map((name) => esbuild.build({ ...options, entryPoints: { [name]: `js/storage/${name}.ts` } })))
  } catch (error) {
    const messages = await esbuild.formatMessages(error.errors ?? [], { kind: 'error' })
    throw new StepError('esbuild could not bundle the package.', messages.join('') || String(error))
  }
  await checkNotice(inputs)
  for (const chunk of filesBelow('dist/chunks', '.js')) {
    if (/(from\s*|import\s*\(|new URL\()"\.\/core(-dense)?\.wasm(\?module)?"/.test(await readFile(join(root, chunk), 'utf8'))) {
      throw new StepError(
        `${chunk} names a module of WebAssembly, which is not in that folder. ` +
          'Only the entry itself (js/runtimes/workerd.ts, edge-light.ts, url.ts) may name the wasm files.',
      )
    }
  }
}

/** What the entry and a chunk that is loaded later have in common becomes a third file, which is loaded at the start, too. */
function checkOneFile({ outputs }) {
  for (const { path, kind, external } of outputs['dist/node.js'].imports) {
    if (kind !== 'import-statement' || external) continue
    const shared = Object.keys(outputs[path].inputs).join(', ')
    throw new StepError(`dist/node.js loads a second file when Node starts, with ${shared}: something that is loaded later imports it, too. Hand it over as an argument there (js/value.ts does), or do without.`)
  }
}

/** Puts the path of each file that is bundled into `inputs`. */
const listing = (inputs) => ({
  name: 'listing',
  setup(esbuild) {
    esbuild.onEnd(({ metafile }) => Object.keys(metafile?.inputs ?? {}).forEach((path) => inputs.add(path)))
  },
})

/** Licences ask to be passed on with what is bundled. */
async function checkNotice(inputs) {
  const notice = await readFile(join(root, 'NOTICE'), 'utf8')
  const bundled = [...inputs].map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter((name) => name !== undefined)
  const unnamed = [...new Set(bundled)].filter((name) => !notice.includes(`\n${name} (`))
  if (unnamed.length === 0) return
  throw new StepError(`NOTICE says nothing of what is bundled into the package: ${unnamed.join(', ')}. Add a line "${unnamed[0]} (…)" and its licence.`)
}

/** Edge bundlers must see these imports as written: they turn them into a compiled module. */
const importedWasm = {
  name: 'imported-wasm',
  setup(esbuild) {
    esbuild.onResolve({ filter: /\/core(-dense)?\.wasm(\?module)?$/ }, ({ path }) =>
      path.startsWith('./') ? { path, external: true } : undefined,
    )
  },
}

/**
 * An import statement of a module of Node's own makes a second module, with a member for each export, and reads them all, so that `node:fs` loads all
 * that it only offers. Asked for what is needed of them they are there at once: seven of them are 5 ms of a start.
 */
const requiredBuiltins = {
  name: 'required-builtins',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^node:/ }, ({ path, kind }) => (kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined))
    esbuild.onResolve({ filter: /^reprise:builtin$/ }, ({ path }) => ({ path, namespace: 'builtin-getter' }))
    const tooOld = 'reprise needs Node 20.16, Deno 2.1, Bun 1.2.10, or a later one: here is no process.getBuiltinModule().'
    esbuild.onLoad({ filter: /./, namespace: 'builtin-getter' }, () => ({
      contents: `export function builtin(name) {
        if (typeof process.getBuiltinModule !== 'function') throw new Error(${JSON.stringify(tooOld)})
        return process.getBuiltinModule(name)
      }`,
    }))
    esbuild.onLoad({ filter: /./, namespace: 'builtin' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default')
      // (What nobody imports is left out, as it is said to be without effect.)
      const members = names.map((name) => `export const ${name} = /* @__PURE__ */ of('${name}')`)
      return { contents: [`import { builtin } from 'reprise:builtin'`, `const all = builtin('${path}')`, 'const of = (name) => all[name]', ...members, 'export default all'].join('\n') }
    })
  },
}

async function declarations() {
  await run(process.execPath, [tsc(), '--project', 'tsconfig.build.json'])
}

/** The TypeScript compiler of this project, to be run with node. */
export function tsc() {
  return join(root, 'node_modules/typescript/bin/tsc')
}

if (isMain(import.meta.url)) {
  helpIfAsked()
  const names = process.argv.slice(2)
  const wanted = names.length > 0 ? names : ['wasm']
  await build(Object.fromEntries(wanted.map((name) => [name, true]))).catch(fail)
}
