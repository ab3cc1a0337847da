/**
 * The program `reprise`: a table of commands. A command is told its arguments and gives back the text to print; what is
 * wrong with them it throws as a UsageError, which becomes one line on stderr and exit code 2.
 */
import { key } from './key.js'
import { UsageError } from './usage.js'

export interface Streams {
  /** All of stdin. */
  read(): Uint8Array
  out(text: string): void
  err(text: string): void
}

export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string
  readonly help: string
  run(args: readonly string[], streams: Streams): string
}

const commands: Readonly<Record<string, Command>> = { key }

/** Runs the program; answers with its exit code. */
export function run([name, ...args]: readonly string[], streams: Streams): number {
  if (name === '--help' || name === '-h' || name === 'help') {
    streams.out(help())
    return 0
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    streams.err(name === undefined ? help() : `reprise: there is no command ${JSON.stringify(name)}. Commands: ${Object.keys(commands).join(', ')}.\n`)
    return 2
  }
  try {
    streams.out(isHelp(args) ? command.help : command.run(args, streams))
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    streams.err(`reprise ${name}: ${error.message}\n`)
    return 2
  }
}

function isHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end < 0 ? undefined : end).some(arg => arg === '--help' || arg === '-h')
}

function help(): string {
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}\n`)
  return `reprise <command>\n\n${list.join('')}\nreprise <command> --help says more.\n`
}
