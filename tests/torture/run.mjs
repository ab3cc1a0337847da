// One part of the long tests, where all is set up: `npm run torture` (scripts/torture.mjs) sets it up first, and tests/torture/plant.mjs has copies
// of the sources in which there is a bug.
//
// A part is a module of this folder that exports `summary`, the names of its `options`, and `run(options)`, which
// answers whether all is well.

import { register } from 'tsx/esm/api'

const parts = ['keys', 'memory', 'calls', 'files']

register()
const [name, ...rest] = process.argv.slice(2)
if (name === undefined) {
  for (const part of parts) console.log(`${part.padEnd(10)}${(await import(`./${part}.ts`)).summary}`)
} else if (!parts.includes(name)) {
  console.error(`There is no part ${JSON.stringify(name)}. The parts are: ${parts.join(', ')}.`)
  process.exitCode = 2
} else {
  const part = await import(`./${name}.ts`)
  process.exitCode = (await part.run(optionsFrom(rest, part.options))) ? 0 : 1
}

/** ['--pairs', '1000'] as a map from name to number. */
function optionsFrom(words, known) {
  const options = new Map()
  for (let i = 0; i < words.length; i += 2) {
    const value = Number(words[i + 1]?.replaceAll(/[,_]/g, ''))
    const option = words[i].replace(/^--/, '')
    if (!known.includes(option) || !Number.isFinite(value)) {
      console.error(`${words.slice(i).join(' ')}: options are names with numbers: ${known.map((name) => `--${name} N`).join(', ')}.`)
      process.exit(2)
    }
    options.set(option, value)
  }
  return options
}
