// What becomes of an engine's refusal. (What else can be wrong with a core that is handed in: tests/runtimes/missing.test.ts.)

import assert from 'node:assert/strict'
import test from 'node:test'
import { compileGiven } from '../../js/runtimes/module.js'

const refusals = {
  Chromium: `WebAssembly.compile(): Refused to compile or instantiate WebAssembly module because 'unsafe-eval' is not an allowed source of script in the following Content Security Policy directive: "script-src 'self'"`,
  Firefox: 'call to WebAssembly.compile() blocked by CSP',
  WebKit: `Refused to create a WebAssembly object because 'unsafe-eval' or 'wasm-unsafe-eval' is not an allowed source of script`,
  workerd: 'WebAssembly.compile(): Wasm code generation disallowed by embedder',
}

for (const [where, message] of Object.entries(refusals)) {
  test(`A refusal stays what it is, as ${where} words it, so that a core in JavaScript may take over`, async t => {
    const refusal = new WebAssembly.CompileError(message)
    t.mock.method(WebAssembly, 'compile', () => Promise.reject(refusal))
    await assert.rejects(compileGiven(new Uint8Array(8)), error => error === refusal)
  })
}

test('What is no WebAssembly is said to be that, whatever the engine calls it', async () => {
  await assert.rejects(compileGiven(new TextEncoder().encode('<!doctype html>')), error => !(error instanceof WebAssembly.CompileError) && /is not WebAssembly, or only a part of it/.test(String(error)))
})
