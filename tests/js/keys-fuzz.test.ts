/**
 * Random JSON, encoded three times: by js/encode.ts, by the native encoder, and by cborg, a CBOR library that knows nothing
 * of this project. All bytes must be equal.
 *
 * cborg is told to encode as RFC 8949 section 4.2.1 asks (its default is the older order of names, of RFC 7049). It takes
 * numbers as docs/keys.md does: whole ones up to 2^53 - 1 are integers, -0 among them, and larger ones are floats. It
 * errs on one class: of the subnormal halves it writes all but the powers of two as singles. Those are spared it here; the
 * native encoder gets them, cbor.test.ts has all of them, and cbor2 writes them as we do.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { encode, rfc8949EncodeOptions } from 'cborg'
import { KeyEncoder, keyPrefix } from '../../js/encode.js'
import { Outline } from '../../js/outline.js'
import { hex } from '../../js/tokens.js'
import { nativeKey } from '../native-key.js'
import { randomNumber, randomText } from '../torture/primitives.js'
import { freshSeed, Random } from '../torture/random.js'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const seed = Number(process.env['REPRISE_SEED'] ?? freshSeed())
const random = new Random(seed)
const values = [...random.times(3000, () => randomJson(random, 4)), ...edges()]

const outline = new Outline()
const encoder = new KeyEncoder()

function ours(value: Json): string {
  encoder.write(outline, keyPrefix(null, null, null), [value])
  return hex(encoder.canonicalBytes(outline))
}

test(`cborg writes the bytes of ${values.length} random JSON values as we do (REPRISE_SEED=${seed})`, () => {
  for (const value of values.map(forCborg)) {
    const theirs = hex(encode([1, null, null, null, [value]], rfc8949EncodeOptions))
    if (ours(value) !== theirs) assert.equal(ours(value), theirs, shown(value))
  }
})

test(`Native C++ writes the bytes of the same values as we do (REPRISE_SEED=${seed})`, { skip: nativeKey.missing }, () => {
  const { status, stdout, stderr } = spawnSync(nativeKey.path, ['--lines'], { input: values.map(value => `${spelled(value)}\n`).join(''), encoding: 'utf8', maxBuffer: 2 ** 30 })
  assert.equal(status, 0, stderr)
  const theirs = stdout.split('\n')
  assert.equal(theirs.length, values.length + 1)
  values.forEach((value, i) => {
    if (ours(value) !== theirs[i]) assert.equal(ours(value), theirs[i], shown(value))
  })
})

test('cborg and we agree on numbers that JSON cannot spell, and differ where cborg errs', () => {
  const theirs = (x: number): string => `8501f6f6f681${hex(encode(x, rfc8949EncodeOptions))}`
  for (const x of [NaN, Infinity, -Infinity, -0, 2 ** 53, -(2 ** 53), 2 ** -24, 2 ** -14]) assert.equal(ours(x), theirs(x))
  assert.equal(ours(3 * 2 ** -24), '8501f6f6f681f90003')
  assert.equal(theirs(3 * 2 ** -24), '8501f6f6f681fa34400000', 'cborg is mended: drop forCborg()')
})

/** With another number in place of each subnormal half. */
function forCborg(value: Json): Json {
  if (typeof value === 'number') return Math.abs(value) < 2 ** -14 && Number.isInteger(value * 2 ** 24) && value !== 0 ? 0.5 : value
  if (Array.isArray(value)) return value.map(forCborg)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, forCborg(item)]))
}

function randomJson(random: Random, depth: number): Json {
  const kind = depth === 0 ? random.below(4) : random.below(10)
  if (kind === 0) return random.pick([null, true, false])
  if (kind <= 2) return randomNumber(random)
  if (kind === 3) return randomText(random)
  const count = random.oneIn(50) ? random.pick([23, 24, 255, 256, 300]) : random.below(6)
  const inner = (): Json => randomJson(random, count > 20 ? 0 : depth - 1)
  if (kind <= 6) return random.times(count, inner)
  // Names of one length are told apart by their bytes alone.
  const length = random.oneIn(3) ? 1 + random.below(6) : 0
  const letters = ['a', 'b', 'é', '水', '\uffff', '😀', '0', '1']
  const name = (): string => {
    if (length === 0) return randomText(random)
    return random.times(length, () => random.pick(letters)).join('')
  }
  return Object.fromEntries(random.times(count, () => [name(), inner()]))
}

/** What chance would hardly make: the limits of depth and of width, and long names. */
function edges(): Json[] {
  let lists: Json = 1
  let objects: Json = 1
  for (let i = 0; i < 512; i++) {
    lists = [lists]
    objects = { ['n'.repeat(i % 40)]: objects }
  }
  const names = Array.from({ length: 70_000 }, (_, i) => [`name ${(i * 7919) % 70_000}`, i])
  return [lists, objects, Object.fromEntries(names) as Json, { ['long '.repeat(14_000)]: 'text '.repeat(14_000), ['é'.repeat(40_000)]: '水'.repeat(30_000) }, Array.from({ length: 70_000 }, (_, i) => i)]
}

/** JSON text in which numbers are spelled in one of the ways that JSON has. */
function spelled(value: Json): string {
  if (typeof value === 'number') {
    const ways = [String(value), value.toExponential()]
    if (Number.isInteger(value) && Math.abs(value) < 1e20) ways.push(value.toFixed(1))
    if (value === 0) ways.push('-0', '-0.0', '0e5')
    return random.pick(ways)
  }
  if (Array.isArray(value)) return `[${value.map(spelled).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${spelled(item)}`).join(',')}}`
}

function shown(value: Json): string {
  return JSON.stringify(value).slice(0, 2000)
}
