// `--help` of a script is the comment that it begins with: its users are told what its readers are.

import { readFileSync } from 'node:fs'

/** Where `--help` or `-h` is among the arguments, prints the comment at the top of the script that runs, and ends the process. */
export function helpIfAsked() {
  const [, script, ...args] = process.argv
  if (!args.includes('--help') && !args.includes('-h')) return
  const lines = readFileSync(script, 'utf8').split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//'))
  console.log(lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, '')).join('\n'))
  process.exit(0)
}
