import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { KeyEncoder, keyFormat, keyPrefix } from '../../js/encode.js'
import { Outline } from '../../js/outline.js'
import { hex } from '../../js/tokens.js'

interface Golden {
  format: number
  keys: { what: string; scope?: string; name?: string; version?: string | number; args: unknown[]; canonical: string; sha256: string }[]
}

const golden = JSON.parse(readFileSync(new URL('keys.json', import.meta.url), 'utf8')) as Golden
const outline = new Outline()
const encoder = new KeyEncoder()

test('The golden keys are of the format that we write', () => assert.equal(golden.format, keyFormat))

for (const { what, scope, name, version, args, canonical, sha256 } of golden.keys) {
  test(`JavaScript writes the golden bytes of: ${what}`, () => {
    encoder.write(outline, keyPrefix(scope ?? null, name ?? null, version ?? null), revive(args) as unknown[])
    const bytes = encoder.canonicalBytes(outline)
    assert.equal(hex(bytes), canonical)
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
  })
}

test('Python with cbor2 and hashlib computes the same bytes and digests', t => {
  const script = fileURLToPath(new URL('keys.py', import.meta.url))
  const python = ['/usr/bin/python3', 'python3'].find(python => spawnSync(python, ['-c', 'import cbor2']).status === 0)
  if (python === undefined) return t.diagnostic('left out: there is no Python with cbor2 here (Debian: apt-get install python3-cbor2)')
  const { status, stdout, stderr } = spawnSync(python, [script], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, new RegExp(`${golden.keys.length} keys compared, 0 differ`))
})

/** keys.py has the same table. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(revive)
    value.forEach((item: { $?: string } | null, i) => item?.$ === 'hole' && delete items[i])
    return items
  }
  if (typeof value !== 'object' || value === null) return value
  const v = value as { $?: string } & { [field in 'text' | 'source' | 'flags' | 'href' | 'hex' | 'name' | 'message']: string } & { ms: number; entries: [unknown, unknown][]; members: unknown[]; units: number[]; json: unknown; cause?: unknown }
  if (v.$ === undefined) return Object.fromEntries(Object.entries(v).map(([name, item]) => [name, revive(item)]))
  const buffer = (): ArrayBuffer => Uint8Array.from(Buffer.from(v.hex, 'hex')).buffer
  switch (v.$) {
    case 'undefined': case 'hole': return undefined
    case 'number': return Number(v.text)
    case 'bigint': return BigInt(v.text)
    case 'Date': return new Date(v.ms)
    case 'Map': return new Map(v.entries.map(([key, item]) => [revive(key), revive(item)]))
    case 'Set': return new Set(v.members.map(revive))
    case 'RegExp': return new RegExp(v.source, v.flags)
    case 'URL': return new URL(v.href)
    case 'URLSearchParams': return new URLSearchParams(v.text)
    case 'toJSON': return new (class { toJSON(): unknown { return revive(v.json) } })()
    case 'utf16': return String.fromCharCode(...v.units)
    case 'ArrayBuffer': return buffer()
    case 'DataView': return new DataView(buffer())
    case 'Error': {
      const error = new Error(v.message, 'cause' in v ? { cause: revive(v.cause) } : undefined)
      error.name = v.name
      return error
    }
    default: return new (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => unknown>)[v.$]!(buffer())
  }
}
