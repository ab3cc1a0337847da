/**
 * A stand-in for the service Upstash Redis, which cannot run here: a REST server that speaks its documented protocol and hands each command to a real
 * redis-server. Real are the client in front of it and the server behind it; what is in between is as https://upstash.com/docs/redis/features/restapi says.
 *
 *     POST /           ["SET", "key", "value"]             200 { "result": "OK" }, 400 { "error": "ERR …" }, 401 without the token
 *     POST /pipeline   [["GET", "a"], ["GET", "b"]]        200 [{ "result": … }, { "error": … }]
 *     Upstash-Encoding: base64                             texts of results are base64, but for "OK"
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startRedis, type RedisServer } from './redis-server.js'

export interface UpstashServer {
  readonly url: string
  readonly token: string
  readonly redis: RedisServer
  /** The paths that were asked for, with the commands. */
  readonly requests: string[]
  stop(): Promise<void>
}

export async function startUpstash(): Promise<UpstashServer> {
  const redis = await startRedis()
  const token = 'a-token-for-tests'
  const requests: string[] = []

  const run = async (command: unknown, encode: boolean): Promise<object> => {
    try {
      const result = await redis.command(...(command as unknown[]).map(String))
      return { result: encode ? encoded(result) : result }
    } catch (error) {
      return { error: (error as Error).message }
    }
  }

  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401, { error: 'WRONGPASS invalid or missing auth token' })
    const body = JSON.parse(await textOf(request)) as unknown[]
    const encode = request.headers['upstash-encoding'] === 'base64'
    const names = (request.url === '/pipeline' ? (body as unknown[][]) : [body as unknown[]]).map(([name]) => String(name).toUpperCase())
    requests.push(`${request.url} ${names.join(' ')}`)
    if (request.method === 'POST' && request.url === '/pipeline') return answer(200, await Promise.all(body.map(command => run(command, encode))))
    if (request.method !== 'POST' || request.url !== '/') return answer(404, { error: 'ERR no such path' })
    const said = await run(body, encode)
    answer('error' in said ? 400 : 200, said)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    redis,
    requests,
    async stop() {
      server.close()
      server.closeAllConnections()
      await redis.stop()
    },
  }
}

function encoded(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(encoded)
  return typeof result === 'string' && result !== 'OK' ? Buffer.from(result).toString('base64') : result
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
