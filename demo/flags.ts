// What the demo can be told on the command line.

import { parseArgs } from 'node:util'

export interface Flags {
  readonly help: boolean
  readonly serve: boolean
  readonly port: number | undefined
}

export class FlagError extends Error {
  override readonly name = 'FlagError'
}

export const help = `
The demo of reprise: paints a picture twice and asks a chat model twice, then
serves a page that does the same in the browser.

  npm start                    the whole demo
  npm start -- --no-serve      the calls in the terminal, no page
  npm start -- --port 8080     the page on this port (without it: 4173, or the
                               next free one)
  npm start -- --help          this text

The chat model is, in this order:
  OPENAI_BASE_URL   an endpoint that speaks OpenAI's API, with OPENAI_API_KEY
                    and OPENAI_MODEL
  Ollama            if one answers on this machine at port 11434
  our own           a small n-gram model at the pace of a hosted one

The answers are kept in .reprise/. Delete that folder to start afresh.
`.trim()

export function parseFlags(args: readonly string[]): Flags {
  const { tokens } = parseArgs({ args: [...args], strict: false, allowPositionals: true, tokens: true, options: { port: { type: 'string' } } })
  const flags = { help: false, serve: true, port: undefined as number | undefined }
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    const given = token.kind === 'option' ? token.rawName : token.value
    if (given === '--help' || given === '-h') flags.help = true
    else if (given === '--no-serve') flags.serve = false
    else if (given === '--port') flags.port = portOf(token.kind === 'option' ? token.value : undefined)
    else throw new FlagError(`The demo does not know ${given}. It knows --no-serve, --port N and --help.`)
  }
  return flags
}

function portOf(text: string | undefined): number {
  const port = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (port >= 0 && port <= 65535) return port
  throw new FlagError(`--port needs a number from 0 to 65535, as in --port 4173${text === undefined ? '.' : `, not ${JSON.stringify(text)}.`}`)
}
