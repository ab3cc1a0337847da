/** `reprise key`: the key of a call, to see why two calls share an entry or do not, and to compare with other languages. */
import { createHash } from 'node:crypto'
import { canonicalBytes, keyPrefix } from '../encode.js'
import { KeyError } from '../errors.js'
import { hex } from '../tokens.js'
import { diagnostic } from './diagnostic.js'
import { parseJson } from './json.js'
import type { Command, Streams } from './program.js'
import { parseArgs, UsageError } from './usage.js'

const quoting = `In a shell, put the JSON in single quotes: reprise key '{"prompt": "hi"}' --name ask. Or give - and pipe it in.`

export const key: Command = {
  summary: 'the key of a call: canonical bytes and digest',
  help: `reprise key '<json>' --name ask

Prints the key under which a cache keeps the result of a call: its canonical
bytes in CBOR's diagnostic notation (RFC 8949, section 8) and in hexadecimal,
and their SHA-256, which is the entry's name in storage. docs/keys.md explains.

  <json>          the argument of the call; - reads it from stdin
  --args          <json> is the array of all arguments
  --name <name>   the function's name. Without it <json> is a key as cache.get()
                  takes it: a text, or an array such as ["user", 7]
  --version <v>   the function's version: a whole number, or text. Text that
                  looks like a number goes in JSON's quotes: --version '"2"'
  --scope <s>     the cache's scope
`,
  run(args, streams) {
    const { flags, rest } = parseArgs(args, { '--name': 'text', '--scope': 'text', '--version': 'text', '--args': 'switch' })
    const name = flags.get('--name') ?? null
    if (name === null && (flags.has('--version') || flags.has('--args'))) {
      throw new UsageError(`${flags.has('--args') ? '--args' : '--version'} belongs to a function. Say which: --name ask.`)
    }
    const bytes = keyOf(
      keyPrefix(flags.get('--scope') ?? null, name, versionOf(flags.get('--version'))),
      argumentsOf(jsonOf(rest, streams), name, flags.has('--args')),
    )
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return `diagnostic  ${diagnostic(bytes)}\nbytes       ${hex(bytes)}\nsha256      ${sha256}\n`
  },
}

function jsonOf(rest: readonly string[], streams: Streams): unknown {
  const [text] = rest
  if (text === undefined) throw new UsageError(`the JSON is missing. ${quoting}`)
  if (rest.length > 1) throw new UsageError(`there is one JSON to give, but ${rest.length} were given: ${rest.join(' ')}. ${quoting}`)
  if (text !== '-') return parseJson(text, quoting)
  let piped: Uint8Array
  try {
    piped = streams.read()
  } catch (error) {
    throw new UsageError(`stdin could not be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
  let input: string
  try {
    input = new TextDecoder('utf-8', { fatal: true }).decode(piped)
  } catch {
    throw new UsageError('what came through stdin is not UTF-8.')
  }
  return parseJson(input, '')
}

function argumentsOf(json: unknown, name: string | null, all: boolean): readonly unknown[] {
  if (Array.isArray(json) && (all || name === null)) return json
  if (all) throw new UsageError('--args takes the array of all arguments, such as ["hi", {"n": 2}].')
  if (name !== null || typeof json === 'string') return [json]
  throw new UsageError('without --name this is a key as cache.get() takes it: a text, or an array such as ["user", 7].')
}

function versionOf(text: string | undefined): string | number | null {
  if (text === undefined) return null
  if (/^(?:0|-?[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  if (!text.startsWith('"')) return text
  const version = parseJson(text, '')
  return version as string
}

function keyOf(prefix: Uint8Array, args: readonly unknown[]): Uint8Array {
  try {
    return canonicalBytes(prefix, args)
  } catch (error) {
    if (error instanceof KeyError) throw new UsageError(error.message)
    throw error
  }
}
