/**
 * `npm run bench -- start`: what it costs to have a cache at all.
 *
 *   start/node      in a fresh Node: from before the import to the answer of the first hit. The package as it is installed, entries in memory only
 *   start/workerd   in a fresh worker: processor time of all threads of workerd for the first request, in which a cache is made, misses and hits,
 *                   beside that of a worker which answers and does nothing else
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { type Pace, type Result, timingOf, turn, VerificationError } from './harness.js'
import { main } from './main.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Programs that print the milliseconds from before their import to after their first hit. */
const node: { name: string; version: string; program: string; aside?: string }[] = [
  {
    name: 'reprise', version: versions['reprise']!,
    program: `const { createCache } = await import('${root}dist/node.js')
      const cache = await createCache({ storage: false })
      const ask = cache.wrap(async question => { runs++; return { question } }, { name: 'ask' })
      await ask('why'); await ask('why')`,
  },
  {
    name: 'bentocache', version: versions['bentocache']!,
    program: `const { BentoCache, bentostore } = await import('bentocache')
      const { memoryDriver } = await import('bentocache/drivers/memory')
      const bento = new BentoCache({ default: 'memory', stores: { memory: bentostore().useL1Layer(memoryDriver()) } })
      const ask = question => bento.getOrSet({ key: question, factory: async () => { runs++; return { question } } })
      await ask('why'); await ask('why')`,
  },
  {
    name: 'cacheable', version: versions['cacheable']!,
    program: `const { Cacheable } = await import('cacheable')
      const cacheable = new Cacheable()
      const ask = question => cacheable.getOrSet(question, async () => { runs++; return { question } })
      await ask('why'); await ask('why')`,
  },
  {
    name: 'lru-cache fetch', version: versions['lru-cache']!, aside: 'it keeps references in a Map, and has no keys of arguments, no copies and no storage',
    program: `const { LRUCache } = await import('lru-cache')
      const lru = new LRUCache({ max: 100, fetchMethod: async question => { runs++; return { question } } })
      await lru.fetch('why'); await lru.fetch('why')`,
  },
]

async function nodeRow(pace: Pace, progress: (line: string) => void): Promise<Result> {
  progress('start/node')
  const measured: number[][] = node.map(() => [])
  // Files, as programs are, where the peers are found. (By `node -e`, Node would load its loader of modules within what is measured, and by `performance`, perf_hooks before it.)
  const folder = join(root, 'tests/bench/node_modules/.start')
  await mkdir(folder, { recursive: true })
  try {
    for (const [i, { program }] of node.entries()) {
      const whole = ['const now = () => Number(process.hrtime.bigint()) / 1e6', 'let runs = 0', 'const start = now()', program, 'const ms = now() - start', 'console.log(JSON.stringify({ ms, runs }))', 'process.exit()']
      await writeFile(join(folder, `${i}.mjs`), whole.join('\n'))
    }
    for (let round = 0; round < Math.max(11, Math.round(pace.rounds / 5)); round++) {
      for (const i of turn(node.length, round)) {
        const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${i}.mjs`)])
        const { ms, runs } = JSON.parse(stdout) as { ms: number; runs: number }
        if (runs !== 1) throw new VerificationError(`start/node: with ${node[i]!.name} the function ran ${runs} times, where once was right.`)
        measured[i]!.push(ms)
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return {
    id: 'start/node', unit: 'ms', asked: 8,
    what: `from the import to the first hit in a fresh Node ${process.version}`,
    timed: node.map(({ name, version, aside }, i) => ({ name, version, timing: timingOf(measured[i]!), ...(aside && { aside }) })),
  }
}

// ---- workerd --------------------------------------------------------------------------------------

const workers = {
  idle: `export default { async fetch() { return new Response('1') } }`,
  reprise: `import { createCache } from 'reprise'
    export default { async fetch() {
      const cache = await createCache()
      let runs = 0
      const ask = cache.wrap(async question => { runs++; return { question } }, { name: 'ask' })
      await ask('why'); await ask('why')
      return new Response(String(runs))
    } }`,
}

async function bundled(worker: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: worker, resolveDir: root }, bundle: true, write: false, minify: true, format: 'esm', target: 'es2022', conditions: ['workerd'], external: ['./core.wasm', './core-dense.wasm'], logLevel: 'error',
  })
  return outputFiles[0]!.text
}

/** Milliseconds for which the process and its children had a processor, exact to the nanosecond where Linux counts so. */
async function processorMs(pid: number): Promise<number> {
  let total = 0
  for (const task of await readdir(`/proc/${pid}/task`)) total += Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')).split(' ')[0]) / 1e6
  return total
}

/** The workerd that this process started last. */
async function workerdPid(): Promise<number> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(process.pid), 'workerd'])
  return Number(stdout.trim().split('\n').at(-1))
}

async function firstRequestMs(script: string, wasm: readonly { path: string; contents: Buffer<ArrayBuffer> }[]): Promise<number> {
  const worker = new Miniflare({
    compatibilityDate: '2026-04-01',
    modules: [{ type: 'ESModule', path: 'worker.js', contents: script }, ...wasm.map(({ path, contents }) => ({ type: 'CompiledWasm' as const, path, contents }))],
  })
  try {
    await worker.ready
    const pid = await workerdPid()
    const before = await processorMs(pid)
    const runs = await (await worker.dispatchFetch('http://worker/')).text()
    if (runs !== '1') throw new VerificationError(`start/workerd: the function ran ${runs} times, where once was right.`)
    return (await processorMs(pid)) - before
  } finally {
    await worker.dispose()
  }
}

async function workerdRow(pace: Pace, progress: (line: string) => void): Promise<Result> {
  progress('start/workerd')
  const wasm = await Promise.all(['core.wasm', 'core-dense.wasm'].map(async path => ({ path, contents: (await readFile(`${root}dist/${path}`)) as Buffer<ArrayBuffer> })))
  const scripts = { idle: await bundled(workers.idle), reprise: await bundled(workers.reprise) }
  const measured = { idle: [] as number[], reprise: [] as number[] }
  for (let round = 0; round < Math.max(7, Math.round(pace.rounds / 10)); round++) {
    for (const name of ['reprise', 'idle'] as const) measured[name].push(await firstRequestMs(scripts[name], name === 'idle' ? [] : wasm))
  }
  const idle = timingOf(measured.idle)
  const all = timingOf(measured.reprise)
  return {
    id: 'start/workerd', unit: 'ms', asked: 5,
    what: 'processor time of the first request in a fresh workerd, beyond that of a worker that does nothing',
    timed: [
      { name: 'reprise: a cache, a miss and a hit', version: versions['reprise']!, timing: { min: all.min - idle.min, median: all.median - idle.median } },
      { name: 'the request of a worker that does nothing', version: '', timing: idle, aside: 'this much is taken off' },
    ],
  }
}

await main(async ({ pace, progress }) => [await nodeRow(pace, progress), await workerdRow(pace, progress)])
