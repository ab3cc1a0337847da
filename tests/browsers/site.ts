/**
 * The pages: bundled from the package `reprise` as a user would, and served under a policy that allows no more than is needed. Each site is
 * an origin of its own, so what one test leaves behind is not found by the next.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Site {
  /** Of a page. `without`: what is taken away before any script runs, such as `crypto.subtle`; `host`: another name of this machine. */
  url(options?: { page?: string; policy?: keyof typeof policies; without?: readonly string[]; in?: 'worker'; host?: string }): string
  /** Resolves with what a page posts next; rejects where none does within half a minute. */
  posted<Content>(): Promise<Content>
  close(): void
}

const strict = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'"

const policies = { strict, 'without-wasm': strict.replace(" 'wasm-unsafe-eval'", '') }

let built: Promise<ReadonlyMap<string, string>> | undefined

/** The package has to be built. */
export async function startSite(): Promise<Site> {
  const files = await (built ??= bundle())
  let timer: NodeJS.Timeout | undefined
  let take: ((posted: never) => void) | undefined
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://127.0.0.1')
    response.setHeader('content-security-policy', policies[(searchParams.get('policy') ?? 'strict') as keyof typeof policies])
    const send = (type: string, content: string): void => void response.writeHead(200, { 'content-type': `text/${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(content)
    if (request.method === 'POST') {
      let body = ''
      request.on('data', chunk => { body += chunk })
      request.on('end', () => {
        take?.(JSON.parse(body) as never)
        response.writeHead(204).end()
      })
    } else if (pathname === '/first.js') send('javascript', first(searchParams.getAll('without')))
    else if (files.has(pathname)) send('javascript', files.get(pathname)!)
    else if (files.has(`${pathname}.js`)) send('html', html(pathname, searchParams))
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url({ page = 'page', without = [], host = '127.0.0.1', ...others } = {}) {
      const search = new URLSearchParams([...Object.entries(others), ...without.map(name => ['without', name])] as string[][])
      return `http://${host}:${port}/${page}?${search}`
    },
    posted: () =>
      new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error('No page has posted anything for 30 seconds.')), 30_000)
        take = posted => {
          clearTimeout(timer)
          resolve(posted)
        }
      }),
    close() {
      clearTimeout(timer)
      server.close()
      server.closeAllConnections()
    },
  }
}

const html = (page: string, search: URLSearchParams): string => `<!doctype html>
<title>Reprise</title>
<script src="/first.js?${search.toString().replaceAll('&', '&amp;')}"></script>
<script type="module" src="${page}.js"></script>
`

/** Runs before all others: notes what nobody catches, and takes away what the page is to do without. */
const first = (without: readonly string[]): string => `
globalThis.__name = value => value
globalThis.problems = []
addEventListener('error', ({ message }) => problems.push(message))
addEventListener('unhandledrejection', ({ reason }) => problems.push('not caught: ' + reason))
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  // No page asks for that one.
  if (!blockedURI.endsWith('/favicon.ico')) problems.push('the policy ' + violatedDirective + ' refused ' + blockedURI)
})
${without.map(name => {
  const [last, ...path] = name.split('.').reverse()
  // What a page has is there by a getter of its own, what an object of the platform has by one of its kind's.
  return path.length === 0 ? `delete globalThis.${last}` : `delete Object.getPrototypeOf(globalThis.${path.reverse().join('.')}).${last}`
}).join('\n')}
`

/** As modules: what is loaded only where it is needed is a file of its own. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const entryPoints = ['page', 'worker', 'contract-page', 'visit-page', 'lost-page'].map(name => `tests/browsers/${name}.ts`)
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints, outdir: '/', bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022', write: false, logLevel: 'silent' })
  return new Map(outputFiles.map(({ path, text }) => [path, text]))
}
