#!/usr/bin/env node
/** The program `reprise`, as package.json names it: program.ts with this process's arguments and streams. */
import { readFileSync } from 'node:fs'
import { run } from './program.js'

process.exitCode = run(process.argv.slice(2), {
  read: () => readFileSync(0),
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
})
