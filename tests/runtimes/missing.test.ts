// The package for pages where something is missing that nearly all have: calls work, and one event says what is lost, if something is.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { boundaryVersion } from '../../js/boundary.js'

const dist = new URL('../../dist/', import.meta.url)

/** A call, the same again, an invalidation, the same again; in a process of its own, before which `without` was run. */
async function story(without: string, flags: string[] = [], making = `await import('${dist}browser.js').then(({ createCache }) => createCache({ storage: memory(), onEvent }))`): Promise<{ runs: number[]; troubles: string[] }> {
  const program = `
    process.on('unhandledRejection', error => { console.log(JSON.stringify('unheard: ' + error)); process.exit(1) })
    ${without}
    const { memory } = await import('${dist}browser.js')
    const wasm = (await import('node:fs')).readFileSync(new URL('${dist}core.wasm'))
    const troubles = []
    const onEvent = event => { if ('error' in event) troubles.push(event.type + ': ' + (event.why ?? '') + ' ' + event.error) }
    const cache = ${making}
    let count = 0
    const ask = cache.wrap(async question => question + ++count, { name: 'ask' })
    const runs = []
    for (const act of [() => {}, () => {}, () => cache.invalidate({ name: 'ask' }), () => {}]) {
      await act()
      await ask('why')
      runs.push(count)
    }
    await cache.close()
    console.log(JSON.stringify({ runs, troubles }))
  `
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', program], { timeout: 60_000 })
  return JSON.parse(stdout) as { runs: number[]; troubles: string[] }
}

const cached = [1, 1, 2, 2]
const uncached = [1, 2, 3, 4]

// Node's own Response wants `performance` when it is first used.
for (const name of ['performance', 'navigator', 'BroadcastChannel', 'indexedDB']) {
  test(`Without ${name}: hits and invalidations as ever, and nothing to complain of`, async () => {
    assert.deepEqual(await story(`Response; delete globalThis.${name}; if (typeof ${name} !== 'undefined') throw new Error('it is there')`), { runs: cached, troubles: [] })
  })
}

test('Without crypto.subtle, as in pages that did not come over https: storage works by a library', async () => {
  assert.deepEqual(await story(`Object.defineProperty(crypto, 'subtle', { value: undefined })`), { runs: cached, troubles: [] })
})

test('Without crypto, which no number can be drawn without: calls run uncached, and one event says so', async () => {
  const { runs, troubles } = await story('delete globalThis.crypto')
  assert.deepEqual(runs, uncached)
  assert.equal(troubles.length, 1, troubles.join('\n'))
  assert.match(troubles[0]!, /^uncached: .*crypto is not defined/)
})

test('Without SIMD, as in old processors: hits as ever, because the core does without', { skip: process.arch === 'x64' ? false : 'no other processor can be told to go without' }, async () => {
  const simd = 'WebAssembly.validate(new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,10,1,8,0,65,0,253,15,253,98,11]))'
  assert.deepEqual(await story(`if (${simd}) throw new Error('it is there')`, ['--no-enable-sse4-1']), { runs: cached, troubles: [] })
})

for (const name of ['WebAssembly', 'DecompressionStream']) {
  test(`Without ${name}: hits as ever, of a core in JavaScript, and one event says so`, async () => {
    const { runs, troubles } = await story(`delete globalThis.${name}`)
    assert.deepEqual(runs, cached)
    assert.equal(troubles.length, 1, troubles.join('\n'))
    assert.match(troubles[0]!, new RegExp(`^fallback: .*core in JavaScript.*${name} is not defined`))
  })
}

test('Without streams of Blobs, as in jsdom: hits as ever', async () => {
  assert.deepEqual(await story('delete Blob.prototype.stream'), { runs: cached, troubles: [] })
})

test('reprise/slim has that core where it is handed in, and else none', async () => {
  const making = (more: string): string => `await import('${dist}slim.js').then(async ({ createCache }) => createCache({ module: Promise.resolve(wasm), storage: memory(), onEvent${more} }))`
  const gone = 'delete globalThis.WebAssembly'
  assert.match((await story(gone, [], making(`, fallback: (await import('${dist}fallback.js')).fallback`))).troubles.join(), /^fallback: /)
  const without = await story(gone, [], making(''))
  assert.deepEqual(without.runs, uncached)
  assert.match(without.troubles.join(), /^uncached: /)
})

// ---- a core that is not as it should be -----------------------------------------------------------

const slim = (module: string): string => `await import('${dist}slim.js').then(async ({ createCache }) => createCache({ module: ${module}, storage: memory(), onEvent }))`

const fine: [string, string][] = [
  ['bytes', 'wasm'],
  ['an ArrayBuffer', `new Uint8Array(wasm).buffer`],
  ['a module', `new WebAssembly.Module(wasm)`],
  ['what an import of it gives', `Promise.resolve({ default: new WebAssembly.Module(wasm) })`],
  ['a module of another realm', `(await import('node:vm')).runInNewContext('new WebAssembly.Module(bytes)', { bytes: wasm })`],
  ['a Response', `new Response(wasm, { headers: { 'content-type': 'application/wasm' } })`],
  ['a Response whose server does not know the type', `Promise.resolve(new Response(wasm))`],
]
for (const [what, module] of fine) {
  test(`reprise/slim takes the core as ${what}`, async () => {
    assert.deepEqual(await story('', [], slim(module)), { runs: cached, troubles: [] })
  })
}

const broken: [string, string, RegExp][] = [
  ['truncated', `wasm.subarray(0, 20_000)`, /What is given as bytes is not WebAssembly, or only a part of it\. Give core\.wasm of this release/],
  ['truncated on its way', `new Response(wasm.subarray(0, 20_000), { headers: { 'content-type': 'application/wasm' } })`, /The response is not WebAssembly, or only a part of it/],
  ['missing', `new Response('', { status: 404 })`, /The response is not there \(status 404\)/],
  ['a page of HTML', `new Response('<!doctype html>', { headers: { 'content-type': 'text/html; charset=utf-8' } })`, /is a page of HTML: many servers answer so/],
  ['not to be fetched', `Promise.reject(new TypeError('fetch failed'))`, /fetch failed/],
  ['another program', 'new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))', /another program than the core of reprise/],
  ['text', `'core.wasm'`, /module: "core\.wasm" is neither a WebAssembly\.Module nor its bytes/],
]
for (const [what, module, said] of broken) {
  test(`A core that is ${what}: calls run uncached, and one event says what to do`, async () => {
    const { runs, troubles } = await story('', [], slim(module))
    assert.deepEqual(runs, uncached)
    assert.equal(troubles.length, 1, troubles.join('\n'))
    assert.match(troubles[0]!, said)
    assert.match(troubles[0]!, /^uncached: /)
  })
}

test('A core of another version is not used, and one event says so', async () => {
  const other = `(() => {
    const bytes = wasm
    const { instantiate } = WebAssembly
    WebAssembly.instantiate = async (module, imports) => {
      const { _embind_register_function: register } = imports.env
      let memory
      imports.env._embind_register_function = (name, ...rest) => {
        const text = Buffer.from(memory.buffer, name, 7).toString()
        if (text !== 'version') return register(name, ...rest)
        register(name, ...rest)
      }
      const instance = await instantiate(module, imports)
      memory = instance.exports.memory
      const table = instance.exports.__indirect_function_table
      return { exports: { ...instance.exports, __indirect_function_table: { get: at => (...args) => (args.length === 1 && table.get(at)(...args) === ${boundaryVersion} ? 99 : table.get(at)(...args)) } } }
    }
    return bytes
  })()`
  const { runs, troubles } = await story('', [], slim(other))
  assert.deepEqual(runs, uncached)
  assert.equal(troubles.length, 1, troubles.join('\n'))
  assert.ok(troubles[0]!.includes(`core.wasm is of another version (99) than the JavaScript beside it (${boundaryVersion}). Install both from one release`), troubles[0])
})

test('reprise/slim without a module, or with a choice that the module makes, is told at once', async () => {
  const { createCache } = (await import(`${dist}slim.js`)) as typeof import('../../js/runtimes/slim.js')
  await assert.rejects(createCache({ module: new Uint8Array(), fallback: true } as never), { name: 'OptionError', message: /^fallback: true is not a function\. Give fallback, of reprise\/fallback/ })
  await assert.rejects(createCache({} as never), { name: 'OptionError', message: /^module: is missing\. Give core\.wasm/ })
  await assert.rejects(createCache({ module: new Uint8Array(), memory: { compression: 'lz4' } } as never), { name: 'OptionError', message: /core-dense\.wasm/ })
})
