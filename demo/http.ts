// What both small servers of the demo need from node:http: a body with a limit, JSON, errors in OpenAI's shape, an
// address to listen on and a way to end.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const MAX_BODY_BYTES = 1024 * 1024
export const LOCAL_HOST = '127.0.0.1'

/** A request that is answered with an error, and whose fault is told in `type`, as OpenAI's API does. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  constructor(
    readonly status: number,
    message: string,
    readonly type: 'invalid_request_error' | 'server_error' = 'invalid_request_error',
  ) {
    super(message)
  }
}

export async function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new HttpError(413, `The request body is larger than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

/** Ends the response with the error, or cuts it off where the answer has begun: a client must not take it for whole. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const known = error instanceof HttpError ? error : new HttpError(500, messageOf(error), 'server_error')
  if (known.status === 413) response.setHeader('connection', 'close')
  sendJson(response, known.status, { error: { message: known.message, type: known.type, param: null, code: null } })
}

/** Aborts when the client is gone before it has its answer. */
export function abortWhenClosed(response: ServerResponse): AbortSignal {
  const abort = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) abort.abort(new Error('The client closed the connection.'))
  })
  return abort.signal
}

/** Listens on this machine only. Port 0 takes any free port. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, LOCAL_HOST, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Whether a Host header, or the host of an Origin, names this machine. A page of a rebound DNS name does not. */
export function isLocalHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(host)
}

export function isLocalOrigin(origin: string): boolean {
  return URL.canParse(origin) && isLocalHost(new URL(origin).host)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
