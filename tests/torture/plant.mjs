// Does the simulator of calls bite? Each bug below is planted into a copy of js/, and the simulator has to find it.
//
//   node tests/torture/plant.mjs                 all of them
//   node tests/torture/plant.mjs 'drop a waiter'
//
// The copies lie in build/planted/: with a package.json of their own, so that '#core-wasm' and the like lead to the copy's build/,
// which is a link. A bug whose place in the sources is not found any more is an error: it has to be planted anew.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const seeds = 300
const steps = 1_000

/** What to find in which file, and what to put there. */
export const bugs = {
  'store without token check': [['js/results.ts', 'tokens: tokens.pairs, costMs, ttlMs', 'tokens: new Uint8Array(0), costMs, ttlMs']],
  'share one result object': [['js/results.ts', 'if (landing.taken === true) return parts.decodePayload(payload)', '']],
  'drop a waiter': [['js/call.ts', '=> flight.board(takes,', '=> joined && parts.joined % 8 === 7 ? new Promise(() => {}) : flight.board(takes,']],
  'forget an abort': [['js/flights.ts', 'if (--this.waiting === 0 && !this.kept && !this.landed) this.abort(', "if (--this.waiting === 0 && !this.kept && !this.landed && this.id === '') this.abort("]],
  'stale beyond bound': [['js/results.ts', 'core.lookUp(plan.prefix, args, now, plan.swrMs)', 'core.lookUp(plan.prefix, args, now, Infinity)']],
  'hand out the flight after an invalidation': [['js/flights.ts', 'flight.doomed ??= why\n    this.aloft = without(this.aloft, id)', 'flight.doomed ??= why']],
  'a caller poisons the others': [['js/results.ts', 'landing.taken = true', '']],
  'skip the fence of ctx.tags': [
    ['js/tokens.ts', 'if (known.changed > before.changes) return undefined', ''],
    ['js/journey.ts', 'if (parts.tokens.changedSince(tokens, tags)) ', 'if (tags.length > 99) '],
  ],
}

/** Plants a bug and looks for it. Says what the simulator found; undefined if nothing. */
export function plant(name) {
  const copy = join(root, 'build', 'planted', name.replaceAll(/\W+/g, '-'))
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(join(copy, 'build'), { recursive: true })
  for (const folder of ['js', 'tests/js/harness.ts', 'tests/torture', 'tsconfig.json', 'package.json']) cpSync(join(root, folder), join(copy, folder), { recursive: true })
  symlinkSync(join(root, 'build', 'wasm'), join(copy, 'build', 'wasm'))
  for (const [file, find, replacement] of bugs[name]) {
    const text = readFileSync(join(copy, file), 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${name}: ${file} has not exactly one ${JSON.stringify(find)}`)
    writeFileSync(join(copy, file), text.replace(find, () => replacement))
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tests/torture/run.mjs', 'calls', '--seed', '1', '--seeds', String(seeds), '--steps', String(steps)], { cwd: copy, encoding: 'utf8' })
  rmSync(copy, { recursive: true, force: true })
  if (status === 0) return undefined
  const found = /^Seed (\d+), operation (\d+): (.*)$/m.exec(stderr)
  if (found === null) throw new Error(`${name}: the simulator did not run\n${stdout}${stderr}`)
  return { seed: Number(found[1]), step: Number(found[2]), expected: found[3], after: (Number(found[1]) - 1) * steps + Number(found[2]) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(bugs)
  for (const name of names) {
    const found = plant(name)
    if (found === undefined) process.exitCode = 1
    console.log(`${found === undefined ? 'MISSED' : `caught after ${found.after} operations`}: ${name}${found === undefined ? '' : `\n  ${found.expected.slice(0, 160)}`}`)
  }
}
