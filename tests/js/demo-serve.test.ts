import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chat } from '../../demo/chat.js'
import { startEndpoint, type Endpoint } from '../../demo/endpoint.js'
import { serve, type Served } from '../../demo/serve.js'

let folder: string
let endpoint: Endpoint
let served: Served

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-serve-'))
  const directory = join(folder, 'page')
  await mkdir(join(directory, 'assets'), { recursive: true })
  await writeFile(join(folder, 'secret.txt'), 'secret')
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(directory, 'assets/core.wasm'), new Uint8Array([0, 97, 115, 109]))
  await writeFile(join(directory, 'assets/a b.js'), '1')
  endpoint = await startEndpoint({ pace: { firstTokenMs: 0, tokenMs: 0 } })
  served = await serve({ port: 0, directory, upstream: { baseUrl: endpoint.baseUrl, apiKey: 'server-key', model: 'm', description: 'a model' } })
})

after(async () => {
  await served.close()
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'What is a key?' }] })

describe('the page server', () => {
  test('serves the page with its security headers', async () => {
    const response = await fetch(served.url)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(
      response.headers.get('content-security-policy'),
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; object-src 'none'",
    )
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.match(await response.text(), /<title>page/)
  })

  test('tells the browser what a file is, so that wasm compiles as it streams', async () => {
    assert.equal((await fetch(`${served.url}assets/core.wasm`)).headers.get('content-type'), 'application/wasm')
    assert.equal((await fetch(`${served.url}assets/a%20b.js`)).headers.get('content-type'), 'text/javascript; charset=utf-8')
  })

  test('answers 404 for a file that is not there, and 405 for a method it does not know', async () => {
    assert.equal((await fetch(`${served.url}nothing.js`)).status, 404)
    assert.equal((await fetch(served.url, { method: 'DELETE' })).status, 405)
  })

  test('never leaves its folder', async () => {
    for (const path of ['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/../../secret.txt', '/%00', '/%', '//secret.txt', '/..\\secret.txt']) {
      const answer = await rawGet(path)
      assert.match(answer, /^HTTP\/1\.1 40[034]/, path)
      assert.doesNotMatch(answer, /\r\n\r\nsecret/, path)
    }
  })

  test('refuses a name that is not of this machine: a rebound DNS name', async () => {
    assert.equal(await statusWith({ host: 'evil.example' }), 403)
    assert.equal(await statusWith({ host: 'localhost.evil.example' }), 403)
    assert.equal(await statusWith({ host: 'localhost:1234' }), 200)
  })

  test('takes exactly the port it is told', async () => {
    const port = Number(new URL(served.url).port)
    await assert.rejects(serve({ port, directory: join(folder, 'page'), upstream: { baseUrl: '', model: '', description: '' } }), { code: 'EADDRINUSE' })
  })
})

describe('the proxy to the chat model', () => {
  test('hands on what the page asks, streams included', async () => {
    const tokens: string[] = []
    const completion = await chat(JSON.parse(body), { baseUrl: `${served.url}v1`, onToken: (token) => tokens.push(token) })
    assert.equal(completion.choices[0]!.message.content, tokens.join(''))
    assert.ok(tokens.length > 20)
  })

  test('adds the key of the server, and shows it to nobody', async () => {
    const seen: string[] = []
    const upstream = await startEcho((authorization) => seen.push(authorization))
    const withKey = await serve({ port: 0, directory: join(folder, 'page'), upstream: { baseUrl: upstream.baseUrl, apiKey: 'server-key', model: 'm', description: '' } })
    const answer = await fetch(`${withKey.url}v1/chat/completions`, { method: 'POST', body, headers: { authorization: 'Bearer page-key' } })
    assert.deepEqual(seen, ['Bearer server-key'])
    assert.doesNotMatch((await answer.text()) + JSON.stringify([...answer.headers]), /server-key/)
    assert.doesNotMatch(await (await fetch(`${withKey.url}upstream.json`)).text(), /server-key/)
    await withKey.close()
    await upstream.close()
  })

  test('refuses the page of another origin, which would spend our money', async () => {
    const before = endpoint.requests
    const post = (origin: string): Promise<Response> => fetch(`${served.url}v1/chat/completions`, { method: 'POST', body, headers: { origin } })
    assert.equal((await post('https://evil.example')).status, 403)
    assert.equal((await post('http://localhost:9999')).status, 403)
    assert.equal((await post('null')).status, 403)
    assert.equal(endpoint.requests, before)
    assert.equal((await post(new URL(served.url).origin)).status, 200)
  })

  test('hands on the errors of the endpoint', async () => {
    const response = await fetch(`${served.url}v1/chat/completions`, { method: 'POST', body: '{}' })
    assert.equal(response.status, 400)
    assert.match((await response.json()).error.message, /messages/)
  })

  test('answers 502 when the endpoint is gone', async () => {
    const gone = await startEndpoint()
    await gone.close()
    const alone = await serve({ port: 0, directory: join(folder, 'page'), upstream: { baseUrl: gone.baseUrl, model: 'm', description: '' } })
    const response = await fetch(`${alone.url}v1/chat/completions`, { method: 'POST', body })
    assert.equal(response.status, 502)
    assert.match((await response.json()).error.message, /cannot be reached/)
    await alone.close()
  })

  test('tells the page which model answers and how often it was asked', async () => {
    const read = async () => (await fetch(`${served.url}upstream.json`)).json()
    const { requests } = await read()
    await fetch(`${served.url}v1/chat/completions`, { method: 'POST', body })
    assert.deepEqual(await read(), { model: 'm', description: 'a model', requests: requests + 1 })
  })
})

/** Sends the path as it is: fetch would tidy it up. */
function rawGet(path: string): Promise<string> {
  const { hostname, port } = new URL(served.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`))
    let text = ''
    socket.on('data', (data) => { text += data.toString() })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

function statusWith(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = rawRequest(served.url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject).end()
  })
}

async function startEcho(see: (authorization: string) => void): Promise<{ baseUrl: string, close: () => Promise<void> }> {
  const { createServer } = await import('node:http')
  const { closeServer, listen } = await import('../../demo/http.js')
  const server = createServer((request, response) => {
    see(request.headers.authorization ?? '')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const port = await listen(server, 0)
  return { baseUrl: `http://127.0.0.1:${port}/v1`, close: () => closeServer(server) }
}
