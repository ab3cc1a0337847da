// What the demo can be told on the command line. In plain JavaScript, so that a misspelled flag is told before the
// minute in which `npm start` sets up and builds.

import { parseArgs } from 'node:util'

export class FlagError extends Error {
  name = 'FlagError'
}

export function parseFlags(args) {
  const { tokens } = parseArgs({ args: [...args], strict: false, allowPositionals: true, tokens: true, options: { port: { type: 'string' } } })
  const flags = { serve: true, port: undefined }
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    const given = token.kind === 'option' ? token.rawName : token.value
    if (given === '--no-serve') flags.serve = false
    else if (given === '--port') flags.port = portOf(token.kind === 'option' ? token.value : undefined)
    else throw new FlagError(`The demo does not know ${given}. It knows --no-serve, --port N and --help.`)
  }
  return flags
}

function portOf(text) {
  const port = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (port >= 0 && port <= 65535) return port
  throw new FlagError(`--port needs a number from 0 to 65535, as in --port 4173${text === undefined ? '.' : `, not ${JSON.stringify(text)}.`}`)
}
