// Long tests, for a machine that has nothing better to do. Short runs of the same are part of `npm test`.
//
//   npm run torture                              lists the parts
//   npm run torture -- keys                      runs one
//   npm run torture -- keys --pairs 1000 --seed 7
//
// A part is a module of this folder that exports `summary`, the names of its `options`, and `run(options)`, which
// answers whether all is well.
// What is missing is set up first.

import { build } from '../../scripts/build.mjs'
import { helpIfAsked } from '../../scripts/lib/help.mjs'
import { setup } from '../../scripts/setup.mjs'

const parts = ['keys', 'memory', 'calls', 'files']

helpIfAsked()
await setup('start')
await build({ wasm: true })
const { register } = await import('tsx/esm/api')
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
