/** The digests by themselves, as digest_bench.cpp times them: natively and in WebAssembly. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Pace, type Result, type Timed, timingOf } from './harness.js'

const sizes = [
  { id: '60', bytes: 60, what: '60 bytes' },
  { id: '1k', bytes: 1024, what: '1 KB' },
  { id: '10k', bytes: 10_240, what: '10 KB' },
  { id: '1m', bytes: 1_048_576, what: '1 MB' },
]

const asides: Readonly<Record<string, string>> = {
  'XXH3-128': 'it has no secret, so who wants two requests to share an entry can make them',
}

/** Rows keys/sip13-… natively and keys/sip13-wasm-…: how much SipHash-2-4 would cost instead. */
export async function timeDigests(pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  const native = fileURLToPath(new URL('./digest_bench', import.meta.url))
  const wasm = fileURLToPath(new URL('./digest_bench.cjs', import.meta.url))
  const results: Result[] = []
  if (existsSync(native)) results.push(...(await timeWith([native], 'keys/sip13', 'natively', pace, progress)))
  results.push(...(await timeWith([process.execPath, wasm], 'keys/sip13-wasm', 'in WebAssembly', pace, progress)))
  return results
}

async function timeWith([command, ...args]: string[], prefix: string, where: string, pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  progress(prefix)
  const { stdout } = await promisify(execFile)(command!, [...args, String(pace.rounds), String(pace.sliceMs), ...sizes.map(({ bytes }) => String(bytes))])
  const lines = stdout.trim().split('\n').map((line) => line.split(' '))
  return sizes.map(({ id, bytes, what }) => ({
    id: `${prefix}-${id}`,
    what: `SipHash-1-3 of ${what}, ${where}`,
    unit: 'ns',
    timed: lines.filter(([, size]) => Number(size) === bytes).map(([name, , ...slices]) => timed(name!, slices.map(Number))),
  }))
}

function timed(name: string, slices: readonly number[]): Timed {
  const aside = asides[name]
  return { name, version: '', timing: timingOf(slices), ...(aside === undefined ? {} : { aside }) }
}
