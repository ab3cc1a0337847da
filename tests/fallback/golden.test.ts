/** The golden payloads go through both cores: what one seals the other opens, and each seals the same bytes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { Core, status } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { fallback } from '../../js/fallback/index.js'
import { hex } from '../../js/tokens.js'
import { kind } from '../../js/value.js'
import { compileWasm } from '../js/harness.js'

const golden = JSON.parse(readFileSync(new URL('../golden/values.json', import.meta.url), 'utf8')) as { packed: { what: string; payload: string }[] }
const prefix = keyPrefix(null, 'golden', null)
const limits = { maxBytes: 10_000_000, maxEntryBytes: 1_000_000 }
const secret = Uint32Array.of(1, 2, 3, 4)
const wasm = await Core.create(await compileWasm(), limits, secret, false)
const twin = await Core.create(fallback, limits, secret, false)
const token = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
for (const core of [wasm, twin]) core.setToken(token)

golden.packed.forEach(({ what, payload: bytes }, i) => {
  test(`Sealed by either core and opened by the other: ${what}`, () => {
    const payload = { kind: kind.packed, bytes: Uint8Array.from(Buffer.from(bytes, 'hex')) }
    const name = new Uint8Array(32).fill(i)
    const sealed = [wasm, twin].map(core => {
      core.digest(prefix, [i])
      assert.equal(core.store(core.key(), { payload, tokens: token, costMs: 1.5, ttlMs: Infinity, staleForMs: 7 }, 1_700_000_000_000), status.ok)
      return core.seal(name, payload)
    })
    assert.equal(hex(sealed[1]!), hex(sealed[0]!))
    for (const [core, entry] of [[wasm, sealed[1]!], [twin, sealed[0]!]] as const) {
      core.digest(prefix, [i])
      const admitted = core.admit(core.key(), name, entry, 1_700_000_000_001)
      assert.equal(admitted.status, status.ok)
      assert.equal(hex(admitted.payload!.bytes), bytes)
      core.lookUp(prefix, [i], 1_700_000_000_002)
      assert.equal(hex(core.payload().bytes), bytes)
    }
  })
})
