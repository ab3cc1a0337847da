// A server for the demo page, on this machine only. The page talks to its own origin and nothing else: what it asks the
// chat model goes through here, so the API key stays here.
//
// A server on localhost can be reached by every page in the browser, so it trusts none of them. A Host header with
// another name is refused (a DNS name can be rebound to 127.0.0.1), and so is a POST that another origin's page sends:
// it would spend the owner's money. And no path from a request ever touches the disk: the files were listed at the
// start, and a request is looked up in the list.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { folders } from './folders.js'
import { abortWhenClosed, closeServer, HttpError, isLocalHost, listen, LOCAL_HOST, messageOf, readBody, sendError, sendJson } from './http.js'

export interface ServedUpstream {
  readonly baseUrl: string
  readonly apiKey?: string
  readonly model: string
  readonly description: string
}

export interface ServeOptions {
  /** Exactly this port, 0 for any free one; without it 4173 or the next that is free. */
  readonly port?: number | undefined
  readonly upstream: ServedUpstream
  /** The built page. */
  readonly directory?: string
}

export interface Served {
  readonly url: string
  close(): Promise<void>
}

const FIRST_PORT = 4173
const PORTS_TO_TRY = 20

const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
    "connect-src 'self'; base-uri 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

export async function serve({ port, upstream, directory = folders.page }: ServeOptions): Promise<Served> {
  const files = await filesBelow(directory)
  let requestsToModel = 0

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    answer(request, response).catch((error: unknown) => sendError(response, error))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLocalHost(request.headers.host)) throw new HttpError(403, 'This server answers requests to 127.0.0.1 and localhost only.')
    const { pathname, search } = addressOf(request)
    if (request.method === 'POST' && pathname.startsWith('/v1/')) {
      refuseOtherOrigins(request)
      requestsToModel++
      await forward(request, response, upstream, pathname.slice('/v1'.length) + search)
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new HttpError(405, `${request.method} ${pathname} is not served here: only GET, and POST below /v1/.`)
    } else if (pathname === '/upstream.json') {
      sendJson(response, 200, { model: upstream.model, description: upstream.description, requests: requestsToModel })
    } else {
      await sendFile(request, response, files, pathname)
    }
  }

  const actualPort = port === undefined ? await listenFrom(FIRST_PORT, server) : await listen(server, port)
  return { url: `http://${LOCAL_HOST}:${actualPort}/`, close: () => closeServer(server) }
}

/** A target like `//name/path` is a path here, and never a host. */
function addressOf(request: IncomingMessage): URL {
  const address = `http://${LOCAL_HOST}${request.url}`
  if (!request.url?.startsWith('/') || !URL.canParse(address)) throw new HttpError(400, 'The request names no path.')
  return new URL(address)
}

/** The files that are served, by the path that asks for them. */
async function filesBelow(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = new Map(paths.map((path) => [`/${relative(directory, path).split(sep).join('/')}`, path]))
  for (const [path, file] of [...files]) {
    if (path.endsWith('/index.html')) files.set(path.slice(0, -'index.html'.length), file)
  }
  return files
}

async function sendFile(request: IncomingMessage, response: ServerResponse, files: ReadonlyMap<string, string>, pathname: string): Promise<void> {
  const file = files.get(decoded(pathname))
  if (file === undefined) throw new HttpError(404, `There is no ${pathname} here.`)
  const content = await readFile(file)
  response.writeHead(200, {
    'content-type': contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream',
    'content-length': content.length,
    'cache-control': 'no-cache',
  })
  response.end(request.method === 'HEAD' ? undefined : content)
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw new HttpError(400, `The path ${pathname} is not valid percent-encoding.`)
  }
}

function refuseOtherOrigins(request: IncomingMessage): void {
  const { origin, host } = request.headers
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return
  throw new HttpError(403, `A page of ${origin} may not use the model of this machine.`)
}

/** Hands the request on with our key instead of theirs, and the answer back as it comes. */
async function forward(request: IncomingMessage, response: ServerResponse, upstream: ServedUpstream, path: string): Promise<void> {
  const body = await readBody(request)
  const signal = abortWhenClosed(response)
  const url = upstream.baseUrl.replace(/\/+$/, '') + path
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': request.headers['content-type'] ?? 'application/json',
      ...(upstream.apiKey ? { authorization: `Bearer ${upstream.apiKey}` } : {}),
    },
    body,
    signal,
  }).catch((error: unknown) => {
    throw new HttpError(502, `The chat endpoint ${url} cannot be reached: ${messageOf(error)}`, 'server_error')
  })
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/octet-stream',
    'cache-control': 'no-store',
  })
  response.flushHeaders()
  if (answer.body === null) {
    response.end()
    return
  }
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), response, { signal })
}

async function listenFrom(firstPort: number, server: Parameters<typeof listen>[0]): Promise<number> {
  for (let port = firstPort; port < firstPort + PORTS_TO_TRY; port++) {
    try {
      return await listen(server, port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
  throw new Error(`The ports ${firstPort} to ${firstPort + PORTS_TO_TRY - 1} are all taken. Name a free one with --port.`)
}
