/** Programs in real Deno (the package `deno`), from the package as it is built and installed. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Deno {
  /** Runs a module, and answers with what it printed, a JSON text. `command`: `'run'`, or `'check'`, which prints nothing. */
  run<Printed>(source: string, command?: 'run' | 'check'): Promise<Printed>
  stop(): Promise<void>
}

/** In a folder with a `node_modules` that has `reprise`. */
export async function startDeno(): Promise<Deno> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-deno-'))
  // A copy: what lies behind a link is to Deno no package, and has no types.
  await mkdir(join(folder, 'node_modules/reprise'), { recursive: true })
  await cp(join(root, 'package.json'), join(folder, 'node_modules/reprise/package.json'))
  await cp(join(root, 'dist'), join(folder, 'node_modules/reprise/dist'), { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const bin = createRequire(import.meta.url).resolve('deno/bin.cjs')
  let programs = 0
  return {
    async run(source, command = 'run') {
      const file = join(folder, `program-${programs++}.ts`)
      await writeFile(file, source)
      const permissions = command === 'run' ? ['--no-check', '--allow-all'] : []
      const env = { ...process.env, DENO_DIR: join(folder, 'deno'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' }
      const { stdout } = await promisify(execFile)(process.execPath, [bin, command, ...permissions, '--unstable-kv', '--node-modules-dir=manual', file], { cwd: folder, env, timeout: 120_000 })
      return stdout === '' ? undefined : JSON.parse(stdout)
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  }
}
