import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const program = fileURLToPath(new URL('../../build/native/reprise-sim', import.meta.url))
const skip = existsSync(program) ? false : 'left out: there is no build/native/reprise-sim (node scripts/build.mjs native)'

const folder = mkdtempSync(join(tmpdir(), 'reprise-sim-'))
after(() => rmSync(folder, { recursive: true }))

interface Row {
  policy: string
  cache: string
  capacityBytes: number
  requests: number
  hits: number
  hitRatio: number
  byteHitRatio: number
  costSaved: number
  costMissRatio: number
}

function trace(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8' })
}

function rows(...args: string[]): Row[] {
  const { status, stdout, stderr } = run('--json', ...args)
  assert.equal(status, 0, stderr)
  return (JSON.parse(stdout) as { rows: Row[] }).rows
}

// a is asked for three times, b twice, c once: 100 + 300 + 600 bytes.
const tiny = 'key,size,cost\na,100,10\nb,300,1\na,100,10\nc,600,5\nb,300,1\na,100,10\n'

test('Where everything fits only first requests miss', { skip }, () => {
  const [row] = rows('--policy', 'lru', '--cache', '100%', trace('fits.csv', tiny))
  assert.equal(row?.capacityBytes, 1000)
  assert.equal(row?.requests, 6)
  assert.equal(row?.hits, 3)
  assert.equal(row?.hitRatio, 0.5)
  assert.equal(row?.byteHitRatio, 500 / 1500)
  assert.equal(row?.costSaved, 21 / 37)
})

test('Least recently used in 700 bytes: c pushes out b, and then b pushes out c', { skip }, () => {
  // a miss, b miss, a hit, c miss (b must go: 100 + 600), b miss (a must go, then c), a miss.
  const [row] = rows('--policy', 'lru', '--cache', '700', trace('small.csv', tiny))
  assert.equal(row?.hits, 1)
  assert.equal(row?.costSaved, 10 / 37)
  assert.ok(Math.abs(row!.costMissRatio - 27 / 37) < 1e-12)
})

test('The policy that ships keeps the small costly entry there', { skip }, () => {
  const [row] = rows('--policy', 'asg', '--cache', '700', trace('small-asg.csv', tiny))
  assert.ok(row!.costSaved >= 20 / 37, `it saved ${row!.costSaved}`)
})

test('What is larger than the cache is a miss, and nobody leaves for it', { skip }, () => {
  const file = trace('large.csv', 'x,10\nhuge,1000\nx,10\nhuge,1000\n')
  for (const row of rows('--cache', '100', file)) assert.equal(row.hits, 1, row.policy)
})

test('Size and cost may be left out, and so may the heading', { skip }, () => {
  const file = trace('plain.csv', '# a comment\nwhat is a cache?\n\nb\nwhat is a cache?\n')
  const [row] = rows('--policy', 'lru', '--cache', '100%', file)
  assert.equal(row?.capacityBytes, 2)
  assert.equal(row?.hits, 1)
})

test('A CTR1 trace says the same as its csv', { skip }, () => {
  const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24]
  const text = [...'CTR1'].map(letter => letter.charCodeAt(0))
  // a b a c b a, as differences in zig-zag: 0 +1 -1 +2 -1 -1
  const binary = Uint8Array.from([...text, ...u32(3), ...u32(3), ...u32(6), ...[100, 300, 600].flatMap(u32), ...[10, 1, 5].flatMap(u32), 0, 2, 1, 4, 1, 1])
  const facts = ({ policy, cache, hits, costSaved }: Row): unknown => [policy, cache, hits, costSaved]
  const args = ['--cache', '700,100%']
  assert.deepEqual(rows(...args, trace('tiny.ctr.gz', gzipSync(binary))).map(facts), rows(...args, trace('tiny.csv', tiny)).map(facts))
})

test('The table has a line for each policy, cache and objective', { skip }, () => {
  const { stdout, status } = run('--cache', '50%,700', '--objective', 'cost,unit', trace('table.csv', tiny))
  assert.equal(status, 0)
  assert.equal(stdout.trimEnd().split('\n').length, 1 + 4 * 2 * 2)
})

test('What is wrong with a file is said: which, where, and what to do', { skip }, () => {
  const wrong = (path: string, ...says: RegExp[]): void => {
    const { status, stderr, stdout } = run('--json', path)
    assert.equal(status, 1)
    assert.equal(stdout, '')
    for (const expected of [/To do: /, ...says]) assert.match(stderr, expected)
    assert.ok(stderr.includes(path))
  }
  wrong(join(folder, 'missing.csv'), /cannot be opened/)
  wrong(trace('empty.csv', ''), /no request/)
  wrong(trace('size.csv', 'a,1\nb,many\n'), /line 2/, /size/)
  wrong(trace('cost.csv', 'a,1,-5\n'), /line 1/, /cost/)
  wrong(trace('fields.csv', 'a,1,2,3\n'), /line 1/)
  wrong(trace('binary.bin', Uint8Array.of(1, 2, 0, 4)), /CTR1/)
  wrong(trace('cut.ctr.gz', gzipSync('CTR1 and then nothing').subarray(0, 20)), /gzip/)
  wrong(trace('short.ctr.gz', gzipSync('CTR1')), /it ends/)
  wrong(folder, /folder/)
})

test('A wrong command line says what would be right', { skip }, () => {
  const said = (...args: string[]): string => {
    const { status, stderr } = run(...args)
    assert.equal(status, 2)
    return stderr
  }
  assert.match(said(), /no trace/)
  assert.match(said('--policy', 'lifo', 'x'), /asg, lru, s3fifo, wtinylfu/)
  assert.match(said('--cache', 'half', 'x'), /--cache 1%/)
  assert.match(said('--objective', 'fame', 'x'), /cost, requests, unit/)
  assert.match(said('--fast', 'x'), /--help/)
  const help = run('--help')
  assert.equal(help.status, 0)
  assert.match(help.stdout, /key,size,cost/)
})
