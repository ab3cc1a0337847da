// The demo: two calls that take seconds, each made twice. The second time the function does not run.
//
// Run it again, and the first call of each does not run its function either: the answers are in .reprise/. Every number
// it prints was measured in this run, or by the run that made the entry.

import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { createCache, fileSystem } from 'reprise'
import { chat, type ChatCompletion, type ChatRequest } from './chat.js'
import { type Flags, parseFlags } from './flags.mjs'
import { folders } from './folders.js'
import { messageOf } from './http.js'
import { buildPage, pageExists } from './page.js'
import { defaultPicture, paint, type PictureRequest } from './picture.js'
import { firstLines, formatBytes, formatTable, formatTotals, rowOf, wrapped, type Observation, type ObservedEvent, type Row } from './report.js'
import { chatRequest, question } from './question.js'
import { serve } from './serve.js'
import { Terminal } from './terminal.js'
import { findUpstream, type Upstream } from './upstream.js'

const LABEL_WIDTH = 10
const TEXT_WIDTH = 80 - LABEL_WIDTH
const INTERRUPTED = 130

const terminal = new Terminal(process.stdout, process.env)
const cleanups: (() => Promise<void>)[] = []
let serving = false
let interrupted = false

process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<number> {
  try {
    const flags = parseFlags(args)
    onInterrupt()
    const upstream = await findUpstream({ env: process.env })
    cleanups.push(() => upstream.close())
    await makeCalls(upstream)
    serving = flags.serve && (await servePage(upstream, flags))
    if (!serving) await cleanUp()
    return 0
  } catch (error) {
    if (interrupted) return INTERRUPTED // what the interrupt has cut off is no failure to report
    terminal.clearStatus()
    console.error(messageOf(error))
    await cleanUp()
    return 1
  }
}

/** Ctrl-C ends the calls as an interrupt, and the page server as its normal end. A second Ctrl-C does not wait. */
function onInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true
      terminal.print()
      void cleanUp().finally(() => process.exit(serving ? 0 : INTERRUPTED))
    })
  }
}

async function cleanUp(): Promise<void> {
  await Promise.allSettled(cleanups.splice(0).map((cleanup) => cleanup()))
}

async function makeCalls(upstream: Upstream): Promise<void> {
  terminal.print(terminal.bold('reprise: ask twice, pay once'))
  terminal.print()
  const { scene, width, height, samples } = defaultPicture
  printLabelled('paint', wrapped(`a path tracer on this CPU: ${scene}, ${width} x ${height}, ${samples} samples per pixel`, TEXT_WIDTH))
  printLabelled('chat', wrapped(upstream.description, TEXT_WIDTH))
  terminal.print()

  const events: ObservedEvent[] = []
  const errors: string[] = []
  const cache = await createCache({
    storage: fileSystem({ directory: folders.entries }),
    ttl: '30d',
    onEvent: (event) => {
      events.push(event)
      if ('error' in event && event.error !== undefined) errors.push(messageOf(event.error))
    },
  })
  cleanups.push(() => cache.close())

  // What a call needs besides its arguments comes through the closure: arguments are the key.
  const paintCached = cache.wrap((request: PictureRequest) => paint(request, { onProgress: showPainting }), { name: 'paint', version: 1 })
  const chatCached = cache.wrap((request: ChatRequest) => chat(request, { ...upstream, onToken: tokenCounter() }), { name: 'chat', version: 1 })

  const observations: Observation[] = []
  async function observed<T>(call: string, answer: () => Promise<T>): Promise<T> {
    const firstEvent = events.length
    const start = performance.now()
    const value = await answer()
    const ms = performance.now() - start
    terminal.clearStatus()
    observations.push({ call, ms, events: events.slice(firstEvent) })
    return value
  }

  const request = chatRequest(upstream.model)
  const picture = await observed('paint', () => paintCached(defaultPicture))
  const pictureAgain = await observed('paint again', () => paintCached(defaultPicture))
  const answer = await observed('chat', () => chatCached(request)).catch((error: unknown) => {
    throw new Error(chatAdvice(error, upstream), { cause: error })
  })
  const answerAgain = await observed('chat again', () => chatCached(request))

  // The entries are written behind the answers' backs; only then are all sizes known.
  await cache.close()
  const rows = observations.map((observation) => rowOf(observation, events))
  printRows(rows)
  for (const error of new Set(errors)) terminal.print(`The storage failed and the calls went on without it: ${error}`)
  if (upstream.endpoint) terminal.print(`Of 2 chat calls, ${upstream.endpoint.requests} reached the endpoint.`)
  if (Buffer.compare(picture, pictureAgain) !== 0 || textOf(answer) !== textOf(answerAgain)) {
    throw new Error('A second answer differs from the first: this is a bug in reprise, please report it.')
  }
  await printResults(picture, answer, rows)
}

function showPainting(done: number): void {
  terminal.status(`painting … ${Math.round(100 * done)} %`)
}

function tokenCounter(): () => void {
  let tokens = 0
  return () => terminal.status(`the model answers … ${++tokens} tokens`)
}

function chatAdvice(error: unknown, upstream: Upstream): string {
  const advice = {
    configured: 'Check OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL, or unset OPENAI_BASE_URL to do without them.',
    ollama: 'Check `ollama list`, or name a model in OPENAI_MODEL.',
    own: 'That endpoint is part of this demo: this is a bug, please report it.',
  }
  return `The chat call failed: ${messageOf(error)}\n${advice[upstream.kind]}`
}

function printRows(rows: readonly Row[]): void {
  const [titles, rule, ...lines] = formatTable(rows)
  terminal.print(terminal.dim(titles!))
  terminal.print(terminal.dim(rule!))
  lines.forEach((line, index) => terminal.print(rows[index]!.result === 'hit' ? terminal.green(line) : line))
  terminal.print()
  terminal.print(terminal.bold(formatTotals(rows)))
}

function textOf(completion: ChatCompletion): string {
  return completion.choices[0]?.message.content ?? ''
}

async function printResults(picture: Uint8Array, answer: ChatCompletion, rows: readonly Row[]): Promise<void> {
  await mkdir(folders.picture, { recursive: true })
  const file = join(folders.picture, 'picture.png')
  await writeFile(file, picture)
  terminal.print()
  printLabelled('picture', [`${relative(process.cwd(), file)} (${formatBytes(picture.length)})`])
  printLabelled('question', [question])
  printLabelled('answer', firstLines(textOf(answer), TEXT_WIDTH, 3))
  terminal.print()
  terminal.print('The answers are kept in .reprise/ for 30 days.')
  const paid = rows.some((row) => row.result === 'miss')
  terminal.print(paid ? 'Run the demo again: the first calls will be hits, too.' : 'Delete that folder to pay again.')
}

function printLabelled(label: string, lines: readonly string[]): void {
  lines.forEach((line, index) => terminal.print((index === 0 ? label : '').padEnd(LABEL_WIDTH) + line))
}

/** True if a page is served: then the process lives until Ctrl-C. */
async function servePage(upstream: Upstream, { port }: Flags): Promise<boolean> {
  terminal.print()
  if (!pageExists()) {
    terminal.print('There is no demo page: web-demo/index.html is missing. The demo ends here.')
    return false
  }
  terminal.status('building the demo page …')
  await buildPage()
  const served = await serve({ port, upstream }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${port} is taken. Name another one with --port, or leave --port out to take the next free one.`)
  })
  cleanups.unshift(() => served.close())
  terminal.print(`The demo page: ${terminal.bold(served.url)}  (Ctrl-C ends it)`)
  return true
}
