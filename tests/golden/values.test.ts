import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { hex } from '../../js/tokens.js'
import { decodeValue, encodeValue, kind, loadFor } from '../../js/value.js'

await loadFor(kind.cbor)

const golden = JSON.parse(readFileSync(new URL('values.json', import.meta.url), 'utf8')) as { packed: { what: string; value: unknown; payload: string }[] }

for (const { what, value, payload } of golden.packed) {
  test(`JavaScript writes and reads the golden bytes of: ${what}`, () => {
    const bytes = Uint8Array.from(Buffer.from(payload, 'hex'))
    assert.deepStrictEqual(decodeValue({ kind: kind.packed, bytes }), revive(value))
    const written = encodeValue(revive(value))
    assert.equal(written.kind, kind.packed)
    assert.equal(hex(written.bytes), payload)
  })
}

test('Python reads the golden bytes by the specification alone', t => {
  const python = ['/usr/bin/python3', 'python3'].find(python => spawnSync(python, ['--version']).status === 0)
  if (python === undefined) return t.diagnostic('left out: there is no Python here')
  const { status, stdout, stderr } = spawnSync(python, [fileURLToPath(new URL('values.py', import.meta.url))], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, new RegExp(`${golden.packed.length} payloads read, 0 differ`))
})

/** values.py has the same. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive)
  if (typeof value !== 'object' || value === null) return value
  const { $, text } = value as { $?: string; text?: string }
  if ($ === 'undefined') return undefined
  if ($ === 'number') return Number(text)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)]))
}
