/** What is on a command line: flags that are known, and the rest. */

/** The command line is wrong. The message says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Parsed {
  /** A flag's text, or '' for a switch. */
  readonly flags: ReadonlyMap<string, string>
  readonly rest: readonly string[]
}

/**
 * `--flag value`, `--flag=value`, `--switch`, and whatever else; after `--` all is whatever else. One dash begins no flag:
 * `-5` is JSON, and `-` is stdin.
 */
export function parseArgs(args: readonly string[], known: Readonly<Record<string, 'text' | 'switch'>>): Parsed {
  const flags = new Map<string, string>()
  const rest: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') {
      rest.push(...args.slice(i + 1))
      break
    }
    if (!arg.startsWith('--')) {
      rest.push(arg)
      continue
    }
    const equals = arg.indexOf('=')
    const flag = equals < 0 ? arg : arg.slice(0, equals)
    const kind = Object.hasOwn(known, flag) ? known[flag] : undefined
    if (kind === undefined) throw new UsageError(`there is no flag ${flag}. Flags: ${Object.keys(known).join(', ')}.`)
    if (flags.has(flag)) throw new UsageError(`${flag} is given twice.`)
    if (kind === 'switch') {
      if (equals >= 0) throw new UsageError(`${flag} takes no value.`)
      flags.set(flag, '')
      continue
    }
    const value = equals < 0 ? args[++i] : arg.slice(equals + 1)
    if (value === undefined || value === '') throw new UsageError(`${flag} needs a value that is not empty.`)
    flags.set(flag, value)
  }
  return { flags, rest }
}
