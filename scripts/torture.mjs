// `npm run torture`: long tests, for a machine that has nothing better to do. Short runs of the same are part of `npm test`.
//
//   npm run torture                              lists the parts
//   npm run torture -- keys                      runs one
//   npm run torture -- keys --pairs 1000 --seed 7
//
// What is missing is set up first.

import { build } from './build.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { fail } from './lib/process.mjs'
import { setup } from './setup.mjs'

helpIfAsked()
try {
  await setup('start')
  await build({ wasm: true })
  await import('../tests/torture/run.mjs')
} catch (error) {
  fail(error)
}
