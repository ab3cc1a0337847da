/**
 * An example as its user has it: a copy of its folder, beside which there is only what its package.json asks for (the package as it is published, of the
 * rest the very versions that are pinned), and the commands of its README, run as they are written there. Whatever was started ends with the test, at the
 * latest with its process.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { endGroup, endsWithUs } from '../consumers/program.js'
import { tarball } from '../consumers/tarball.js'
import { turns } from '../js/harness.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Example {
  readonly folder: string
  /** The command, if the README has it as a line of its own; else it throws. */
  documented(command: string): string
  /** Runs a command to its end, which has to be a good one; answers with what it printed. */
  run(command: string): Promise<string>
  /** Starts a server, and waits until it says where it listens. */
  start(command: string, env?: Record<string, string>): Promise<Server>
  remove(): Promise<void>
}

export interface Server {
  /** Such as 'http://localhost:41234'. */
  readonly origin: string
  /** All that it printed until now. */
  readonly printed: string
  /** Sends what a command such as `curl -i localhost:3000/path -H 'name: value' -d 'body'` would, to this server in place of that port. */
  curl(command: string): Promise<Answer>
  stop(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly body: string
  /** `hit`, `fwd=uri-miss` …: what Cache-Status says first of it. */
  readonly cache: string | undefined
}

export async function copyOf(name: string): Promise<Example> {
  const folder = await mkdtemp(join(tmpdir(), `reprise-example-${name}-`))
  const home = `${folder}-home`
  const removed = (): void => [folder, home].forEach(path => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  process.once('exit', removed)
  await mkdir(home)
  await cp(join(root, 'examples', name), folder, { recursive: true, filter: path => !/\/(node_modules|\.wrangler|dist)$/.test(path) })
  const manifest = readManifest(folder)
  await unpackOwn(folder, manifest.dependencies?.['reprise'])
  for (const [dependency, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (dependency !== 'reprise') await link(folder, dependency, version)
  }
  const lines = /```sh\n([^]*?)```/.exec(readFileSync(join(folder, 'README.md'), 'utf8'))?.[1]?.trim().split('\n') ?? []
  assert.match(lines[0] ?? 'nothing', /^(npm|deno) install$/, `examples/${name}/README.md begins its commands with the set-up`)
  const servers: Server[] = []
  // What tools keep for their user is not to be found, nor left, in the home of whoever runs this.
  const { DENO_DIR: _, XDG_CONFIG_HOME: __, ...inherited } = process.env
  const env = { ...inherited, HOME: home, PATH: `${join(folder, 'node_modules/.bin')}:${denoFolder()}:${process.env['PATH']}`, NO_COLOR: '1', FORCE_COLOR: '0', CI: '1', NO_UPDATE_NOTIFIER: '1', DENO_NO_UPDATE_CHECK: '1', WRANGLER_SEND_METRICS: 'false' }
  return {
    folder,
    documented(command) {
      assert.ok(lines.includes(command), `examples/${name}/README.md has no line "${command}". Its commands are:\n${lines.join('\n')}`)
      return command
    },
    async run(command) {
      try {
        const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: folder, env, timeout: 120_000 })
        return stdout
      } catch (error) {
        const { stdout, stderr } = error as { stdout: string, stderr: string }
        throw new Error(`${command}, in examples/${name}, failed:\n${stdout}${stderr}`, { cause: error })
      }
    },
    async start(command, more = {}) {
      const server = await listening(spawn('sh', ['-c', command], { cwd: folder, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], detached: true }), command)
      servers.push(server)
      return server
    },
    async remove() {
      await Promise.all(servers.map(server => server.stop()))
      process.off('exit', removed)
      for (const path of [folder, home]) await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Manifest {
  readonly version?: string
  readonly bin?: string | Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The package, as `npm install` would bring it. */
async function unpackOwn(folder: string, version: string | undefined): Promise<void> {
  assert.equal(version, readManifest(root).version, 'an example asks for the package as it is now')
  const place = join(folder, 'node_modules/reprise')
  await mkdir(place, { recursive: true })
  await promisify(execFile)('tar', ['-xzf', await tarball(), '-C', place, '--strip-components=1'])
}

async function link(folder: string, dependency: string, version: string): Promise<void> {
  const found = ['node_modules', 'tests/consumers/node_modules'].map(path => join(root, path, dependency)).filter(path => existsSync(join(path, 'package.json')))
  const source = found.find(path => readManifest(path).version === version)
  if (source === undefined) {
    const versions = found.map(path => readManifest(path).version).join(' and ') || 'none'
    throw new Error(`An example asks for ${dependency} ${version}, and installed is ${versions}. To do: pin the same version in both, or node scripts/setup.mjs`)
  }
  const modules = join(folder, 'node_modules')
  const place = join(modules, dependency)
  await mkdir(dirname(place), { recursive: true })
  await symlink(source, place)
  const { bin = {} } = readManifest(source)
  await mkdir(join(modules, '.bin'), { recursive: true })
  for (const [name, path] of Object.entries(typeof bin === 'string' ? { [dependency]: bin } : bin)) await symlink(join(place, path), join(modules, '.bin', name))
}

/** Where the command `deno` is: its users have it installed. */
function denoFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('deno/bin.cjs')), '../.bin')
}

async function listening(child: ChildProcess, command: string): Promise<Server> {
  endsWithUs(child)
  let printed = ''
  let running = true
  const ended = new Promise<void>(resolve => child.once('close', () => resolve())).then(() => void (running = false))
  const port = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${command} does not listen after a minute:\n${printed}`)), 60_000)
    const hear = (chunk: Buffer): void => {
      printed += chunk.toString()
      const found = /(?:ready on|listening on|local:)\s+http:\/\/[\w.:[\]]+?:(\d+)/i.exec(printed)?.[1]
      if (found === undefined) return
      clearTimeout(late)
      resolve(found)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    void ended.then(() => {
      clearTimeout(late)
      reject(new Error(`${command} ended:\n${printed}`))
    })
  }).catch(error => {
    endGroup(child, 'SIGKILL')
    throw error
  })
  const origin = `http://localhost:${port}`
  return {
    origin,
    get printed() {
      return printed
    },
    async curl(command) {
      const answer = await curl(command, origin)
      // What it printed before it answered is in its pipe; whoever reads `printed` next is to have heard it.
      await turns()
      return answer
    },
    async stop() {
      if (!running) return
      endGroup(child, 'SIGTERM')
      const stubborn = setTimeout(() => endGroup(child, 'SIGKILL'), 5_000)
      await ended
      clearTimeout(stubborn)
      endGroup(child, 'SIGKILL')
    },
  }
}

/** A request as a shell and curl would make it of a command: of quotes and options only what the examples use. */
export function requestOf(command: string): { path: string, init: { method?: string, headers?: [string, string][], body?: string } } {
  const [program, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
  assert.equal(program, 'curl')
  let path: string | undefined
  let method: string | undefined
  let body: string | undefined
  const headers: [string, string][] = []
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-i') continue
    if (word === '-X') method = words.shift()!
    else if (word === '-d') body = words.shift()!
    else if (word === '-H') headers.push(words.shift()!.split(': ') as [string, string])
    else path = /^localhost:\d+(.*)$/.exec(word)?.[1] ?? assert.fail(`${word} in ${command}`)
  }
  return { path: path!, init: { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, ...(body !== undefined && { body }) } }
}

async function curl(command: string, origin: string): Promise<Answer> {
  const { path, init } = requestOf(command)
  return answerOf(await fetch(origin + path, { ...init, signal: AbortSignal.timeout(30_000) }))
}

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, body: await response.text(), cache: response.headers.get('cache-status')?.split('; ')[1] }
}

/** How often a text has been printed. */
export function times(text: string, printed: string): number {
  return printed.split(text).length - 1
}
