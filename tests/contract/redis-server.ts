/**
 * Servers for tests: redis-server (and valkey-server, where it is installed) on free ports of loopback, each with a folder that
 * goes with it. They end with the test, at the latest with its process.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createClient } from 'redis'

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Sends one command as the default user, by a connection of its own. */
  command(...args: string[]): Promise<unknown>
  stop(): Promise<void>
}

/** Where a program is: installed, or unpacked by scripts/setup.mjs. */
function pathOf(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), fileURLToPath(new URL('../../build/valkey/usr/bin', import.meta.url))]
  return folders.map(folder => join(folder, name)).find(existsSync)
}

/** The servers that there are. */
export const programs = ['redis-server', 'valkey-server'].filter(name => pathOf(name) !== undefined)

const running = new Set<{ child: ChildProcess; folder: string }>()
process.on('exit', () => {
  for (const { child, folder } of running) {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

export async function startRedis({ program = 'redis-server', args = [] as string[] } = {}): Promise<RedisServer> {
  if (!programs.includes(program)) throw new Error(`There is no ${program} here. To do: node scripts/setup.mjs`)
  for (let tries = 0; ; tries++) {
    // Another program may take the port before the server does.
    const server = await tryToStart(program, await freePort(), args)
    if (server !== undefined) return server
    if (tries === 4) throw new Error(`${program} does not start with ${args.join(' ')}`)
  }
}

async function tryToStart(program: string, port: number, args: string[]): Promise<RedisServer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-redis-'))
  const child = spawn(pathOf(program)!, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...args], { stdio: 'ignore' })
  const entry = { child, folder }
  running.add(entry)
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()).once('error', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    running.delete(entry)
    rmSync(folder, { recursive: true, force: true })
  }
  let over = false
  void ended.then(() => (over = true))
  while (!(await answers(port))) {
    if (over) return void (await stop())
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const admin = createClient({ socket: { host: '127.0.0.1', port } })
  admin.on('error', () => {})
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async command(...args) {
      if (!admin.isOpen) await admin.connect()
      return admin.sendCommand(args)
    },
    async stop() {
      if (admin.isOpen) admin.destroy()
      await stop()
    },
  }
}

/** Three masters that share the keys. */
export async function startCluster(program = 'redis-server'): Promise<{ nodes: RedisServer[]; stop(): Promise<void> }> {
  const nodes: RedisServer[] = []
  // By default the nodes talk to each other at a port that is 10,000 higher, where it may be taken, or too high.
  for (let i = 0; i < 3; i++) nodes.push(await startRedis({ program, args: ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`, '--cluster-node-timeout', '2000'] }))
  await promisify(execFile)('redis-cli', ['--cluster', 'create', ...nodes.map(({ port }) => `127.0.0.1:${port}`), '--cluster-yes'])
  for (const node of nodes) while (!String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok')) await new Promise(resolve => setTimeout(resolve, 20))
  return {
    nodes,
    async stop() {
      await Promise.all(nodes.map(node => node.stop()))
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** It takes commands, or says why not. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', () => {
      resolve(true)
      socket.destroy()
    })
  })
}
