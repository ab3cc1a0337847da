// How many bytes a user's page or worker loads for each entry of the package, against the most that they may be.
//
//   npm run size                prints the table
//   npm run size -- --write     takes today's sizes as the budget (scripts/size-budget.json), and writes the table into README.md
//
// Each entry of package.json's exports is bundled as a user would, by esbuild with code splitting and minified, and compressed as a
// server would. What is loaded at once counts: the JavaScript, and the core, which is a file of its own or, inline, a chunk. What
// is loaded when it is needed (scans, encryption, values that are not JSON-like …) is told beside it.
//
// A size above its budget fails the tests; one that is far below it does, too, so that what was won is not lost again unseen.

import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { buildPackage } from './build.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { withBetween } from './lib/marks.mjs'
import { fail, isMain, root, StepError } from './lib/process.mjs'

const budgetFile = join(root, 'scripts/size-budget.json')
const begin = '<!-- sizes: npm run size -- --write -->'
const end = '<!-- /sizes -->'

/** What is imported, where, and how the core comes with it: 'inline' (a chunk), 'within' the JavaScript, a 'file', or not at all. */
const entries = [
  { name: 'reprise', where: 'browsers', condition: 'browser', core: 'inline' },
  { name: 'reprise', where: 'Node, Deno, Bun', condition: 'node', core: 'within' },
  { name: 'reprise', where: 'workerd', condition: 'workerd', core: 'file' },
  { name: 'reprise', where: "Vercel's edge", condition: 'edge-light', core: 'file' },
  { name: 'reprise/url', where: 'browsers', condition: 'browser', core: 'file' },
  { name: 'reprise/slim', where: 'anywhere', condition: 'default', core: 'file' },
  ...['fallback', 'redis', 'cloudflare-kv', 'web-cache', 'upstash', 'deno-kv', 'keyv', 'unstorage', 'tiered'].map((name) => ({
    name: `reprise/${name}`,
    where: 'beside the above',
    condition: 'node',
    core: undefined,
  })),
]

export async function sizes() {
  await buildPackage()
  return Promise.all(entries.map(sizeOf))
}

async function sizeOf({ name, where, condition, core }) {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    stdin: { contents: core === undefined ? `export * from '${name}'` : `export { createCache } from '${name}'`, resolveDir: root },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: root,
    absWorkingDir: root,
    format: 'esm',
    target: 'es2022',
    conditions: [condition],
    external: ['node:*', './core.wasm', './core-dense.wasm', './core.wasm?module', './core-dense.wasm?module', 'redis', 'ioredis'],
    logLevel: 'silent',
  })
  const bytesOf = (path) => outputFiles.find((file) => file.path === join(root, path)).contents
  // What the entry imports by a statement is loaded with it, and so on; what it imports by a call, when it is called.
  const reached = (found, kinds, path) => {
    if (found.has(path)) return found
    found.add(path)
    for (const { path: other, kind, external } of metafile.outputs[path].imports) if (kinds.includes(kind) && !external) reached(found, kinds, other)
    return found
  }
  const atOnce = reached(new Set(), ['import-statement'], 'stdin.js')
  const inlineCore = Object.keys(metafile.outputs).find((path) => basename(path).startsWith('core.wasm'))
  const later = [...reached(new Set(), ['import-statement', 'dynamic-import'], 'stdin.js')].filter((path) => !atOnce.has(path) && path !== inlineCore && !basename(path).startsWith('core-dense'))
  return {
    label: `${name} (${condition})`,
    name,
    where,
    js: sum([...atOnce].map(bytesOf)),
    core: core === 'inline' ? sum([bytesOf(inlineCore)]) : core === 'file' ? sum([await readFile(join(root, 'dist/core.wasm'))]) : undefined,
    later: sum(later.map(bytesOf)),
  }
}

function sum(files) {
  const total = (compress) => files.reduce((bytes, file) => bytes + compress(file).length, 0)
  return { gz: total((file) => gzipSync(file, { level: 9 })), br: total(brotliCompressSync) }
}

/** Today's sizes as a budget: in steps of 100 bytes, as compressors differ by some from one version of zlib to the next. */
export function budgetOf(measured) {
  const rounded = ({ gz, br }) => ({ gz: Math.ceil((gz + 20) / 100) * 100, br: Math.ceil((br + 20) / 100) * 100 })
  return Object.fromEntries(measured.map(({ label, js, core, later }) => [label, { js: rounded(js), ...(core && { core: rounded(core) }), later: rounded(later) }]))
}

export async function readBudget() {
  return JSON.parse(await readFile(budgetFile, 'utf8'))
}

/** What is above its budget, or more than 3 % and 300 bytes below it. */
export function complaints(measured, budget) {
  const found = []
  for (const { label, ...size } of measured) {
    if (budget[label] === undefined) found.push(`${label} has no budget.`)
    for (const part of ['js', 'core']) {
      for (const how of ['gz', 'br']) {
        const most = budget[label]?.[part]?.[how]
        const is = size[part]?.[how]
        if (most === undefined || is === undefined) continue
        if (is > most) found.push(`${label}: ${part} takes ${is} bytes (${how}), ${is - most} more than its budget.`)
        if (is < 0.97 * most - 300) found.push(`${label}: ${part} takes ${is} bytes (${how}), and its budget is ${most}. Keep what was won.`)
      }
    }
  }
  return found
}

/** The table of README.md, from the budget, so that it is the same on every machine. */
export function table(budget) {
  const kb = (bytes) => (bytes / 1000).toFixed(1)
  const rows = entries.map(({ name, where, condition, core: how }) => {
    const { js, core, later } = budget[`${name} (${condition})`]
    const both = (size) => `${kb(size.gz)} (${kb(size.br)})`
    const all = core && { gz: js.gz + core.gz, br: js.br + core.br }
    return `| \`${name}\` | ${where} | ${both(js)} | ${core ? both(core) : (how ?? '')} | ${all ? both(all) : both(js)} | ${later.gz > 100 ? both(later) : ''} |`
  })
  return ['| entry | where | JavaScript | core | at once | when needed |', '|---|---|---|---|---|---|', ...rows].join('\n')
}

/** README.md with the table between its marks. */
export function withTable(readme, budget) {
  return withBetween(readme, begin, end, table(budget))
}

async function main(args) {
  helpIfAsked()
  const measured = await sizes()
  const readme = join(root, 'README.md')
  if (args.includes('--write')) {
    const budget = budgetOf(measured)
    await writeFile(budgetFile, `${JSON.stringify(budget, undefined, 2)}\n`)
    await writeFile(readme, withTable(await readFile(readme, 'utf8'), budget))
  }
  const both = (size) => (size ? `${size.gz} (${size.br})` : '').padStart(16)
  console.log(`bytes, gzip -9 (brotli)\n${'entry'.padEnd(28)}${'JavaScript'.padStart(16)}${'core'.padStart(16)}${'when needed'.padStart(16)}`)
  for (const { label, js, core, later } of measured) console.log(`${label.padEnd(28)}${both(js)}${both(core)}${both(later)}`)
  const found = complaints(measured, await readBudget())
  if (found.length > 0) throw new StepError(`${found.join('\n')}\nIf that is as it should be: npm run size -- --write, and say why in the commit.`)
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail)
