/**
 * Run by faults.test.ts: three processes over one directory, one of them with its clock a year ahead, one an hour behind. Prints what
 * they saw. The monotonic clock is left alone, so that timers work.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCache, fileSystem } from '../../js/runtimes/node.js'

async function live(directory: string, what: string): Promise<string[]> {
  const cache = await createCache({ storage: fileSystem({ directory }) })
  const load = cache.wrap(async () => what, { name: 'load', ttl: '1d' })
  const ask = async (): Promise<string> => {
    const { info } = await load.withInfo()
    return info.status === 'miss' ? 'computed' : info.status
  }
  const seen = [await ask(), await ask()]
  if (what === 'back') {
    await cache.invalidate({ name: 'load' })
    seen.push('invalidated', await ask())
  }
  await cache.close()
  return [...seen, String(Date.now())]
}

/** The same in a process of its own, whose clock is `offset` off. */
async function turned(library: string, directory: string, what: string, offset: string): Promise<string[]> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'child', directory, what], {
    env: { ...process.env, LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  for await (const piece of child.stdout) printed += String(piece)
  return JSON.parse(printed) as string[]
}

const [mode, directory, what] = process.argv.slice(2)
if (mode === 'child') {
  console.log(JSON.stringify(await live(directory!, what!)))
} else {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-clock-'))
  try {
    const now = await live(folder, 'now')
    const forward = await turned(mode!, folder, 'forward', '+365d')
    const back = await turned(mode!, folder, 'back', '-1h')
    const hour = 3_600_000
    const offsets = [now, forward, back].map(seen => Math.round((Number(seen.pop()) - Date.now()) / hour) * hour + 0)
    console.log(JSON.stringify({ now, forward, back, offsets }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
