/**
 * The core's module out of what was fetched or is handed in. All that can be wrong with a file on its way (it is not there, it is half there, it is a
 * page that says so, it is another program) ends here, in an error that says which; the cache then goes on without a core, and tells it once.
 */
import { OptionError, show } from '../errors.js'
import { isA } from '../is-a.js'

/** A compiled module, its bytes, or a response with them; or a promise of that, such as `fetch(url)` gives. */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView | Response | { readonly default: WebAssembly.Module }

const whole = 'Give core.wasm of this release, whole: it is a file of the package, reprise/core.wasm.'

export async function compileUrl(url: URL): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new Error(`${url} could not be fetched. Is it there, and does connect-src of the page's Content-Security-Policy allow it?`, { cause })
  })
  return compileGiven(response)
}

/** Rejects where it cannot be had of that: with WebAssembly.CompileError where WebAssembly itself is refused. */
export async function compileGiven(given: ModuleSource): Promise<WebAssembly.Module> {
  const module = await compile(given)
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === 'block_address')) throw new Error(`This module is another program than the core of reprise. ${whole}`)
  return module
}

async function compile(given: ModuleSource): Promise<WebAssembly.Module> {
  if (isA<WebAssembly.Module>(given, 'WebAssembly.Module')) return given
  if (isA<Response>(given, 'Response')) return compileResponse(given)
  if (isA<ArrayBuffer>(given, 'ArrayBuffer') || ArrayBuffer.isView(given)) return compileBytes(given, 'What is given as bytes')
  const imported: unknown = (given as { default?: unknown } | undefined)?.default
  if (isA<WebAssembly.Module>(imported, 'WebAssembly.Module')) return imported
  throw new OptionError('module', `${show(given)} is neither a WebAssembly.Module nor its bytes nor a Response with them. ${whole}`)
}

/** Compiled while it arrives; where the server does not know the type of such files, when all of it is there. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const what = response.url || 'The response'
  if (!response.ok) throw new Error(`${what} is not there (status ${response.status}). ${whole}`)
  const type = response.headers.get('content-type') ?? ''
  if (/\bhtml\b/.test(type)) throw new Error(`${what} is a page of HTML: many servers answer so for what they do not have. ${whole}`)
  if (typeof WebAssembly.compileStreaming !== 'function' || !/^application\/wasm\b/.test(type)) return compileBytes(await response.arrayBuffer(), what)
  return WebAssembly.compileStreaming(response).catch(explained(what))
}

async function compileBytes(bytes: ArrayBuffer | ArrayBufferView, what: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(bytes as BufferSource).catch(explained(what))
}

/** Whether WebAssembly itself is refused can be read from the cause, which each engine words its own way (js/create.ts says what to do about it); that the file is broken, nobody reads out of "expected magic word". */
function explained(what: string): (cause: unknown) => never {
  return cause => {
    throw /content security policy|unsafe-eval|by CSP|disallowed/i.test(String(cause)) ? cause : new Error(`${what} is not WebAssembly, or only a part of it. ${whole}`, { cause })
  }
}
