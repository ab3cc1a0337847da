// `npm start`: sets up what is missing, builds the core and the package, and runs the demo.
// Arguments go to the demo: `npm start -- --no-serve`.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, root, StepError } from './lib/process.mjs'
import { setup } from './setup.mjs'

try {
  await setup('start')
  await build({ wasm: true })
  startDemo(process.argv.slice(2))
} catch (error) {
  fail(error)
}

function startDemo(args) {
  const demo = join(root, 'demo/main.ts')
  if (!existsSync(demo)) throw new StepError('demo/main.ts is missing: there is no demo to start.')
  const child = spawn(process.execPath, ['--import', 'tsx', demo, ...args], { cwd: root, stdio: 'inherit' })
  // Ctrl-C reaches the demo by itself; we wait for it and end as it ended.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => fail(new StepError(`Could not run ${process.execPath}: ${error.message}`)))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}
