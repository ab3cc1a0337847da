// The demo of reprise: paints a picture twice and asks a chat model twice, then
// serves a page that does the same in the browser. What is missing is set up and
// built first, which takes a minute or two once.
//
//   npm start                    the whole demo
//   npm start -- --no-serve      the calls in the terminal, no page
//   npm start -- --port 8080     the page on this port (without it: 4173, or the
//                                next free one)
//
// The chat model is, in this order:
//   OPENAI_BASE_URL   an endpoint that speaks OpenAI's API, with OPENAI_API_KEY
//                     and OPENAI_MODEL
//   Ollama            if one answers on this machine at port 11434
//   our own           a small n-gram model at the pace of a hosted one
//
// The answers are kept in .reprise/. Delete that folder to start afresh.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FlagError, parseFlags } from '../demo/flags.mjs'
import { build } from './build.mjs'
import { helpIfAsked } from './lib/help.mjs'
import { fail, root, StepError } from './lib/process.mjs'
import { setup } from './setup.mjs'

helpIfAsked()
const flags = process.argv.slice(2)
try {
  parseFlags(flags)
  await setup('start')
  await build({ wasm: true })
  startDemo(flags)
} catch (error) {
  if (!(error instanceof FlagError)) fail(error)
  console.error(error.message)
  process.exit(2)
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
