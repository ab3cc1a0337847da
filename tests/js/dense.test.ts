/** Compressed entries, seen through the cache: nobody can tell, but for how many there are. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { offset } from '../../js/boundary.js'
import type { Core } from '../../js/core.js'
import { bench, countedStorage } from './harness.js'

const words = Array.from({ length: 500 }, (_, i) => Math.sin(i + 1).toString(36).slice(3, 5 + (i % 6)))

function reply(n: number, of: string): object {
  const content = Array.from({ length: 120 }, (_, i) => words[Math.floor(Math.abs(Math.sin(n * 131 + i * i)) ** 3 * 500)]).join(' ')
  return { id: `${of}-${n}`, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }], usage: { total: n } }
}

test('10,000 different replies come back as they were, and more of them fit', async () => {
  const fill = async (compression: 'none' | 'lz4'): Promise<number> => {
    const { cache, events } = await bench({ storage: false, memory: { maxBytes: '5MB', compression } }, { stopwatch: () => performance.now() })
    const ask = cache.wrap(async (n: number) => reply(n, 'ask'), { name: 'ask' })
    const tell = cache.wrap(async (n: number) => reply(n, 'tell'), { name: 'tell' })
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 5000; n++) assert.deepEqual([await ask(n), await tell(n)], [reply(n, 'ask'), reply(n, 'tell')])
    }
    assert.ok(!events.some(({ type }) => type === 'refused' || type === 'uncached'))
    const { hits, entries, core } = cache.stats()
    assert.ok(hits > 500 && core!.evicted > 0 && core!.memory <= 5_000_000, JSON.stringify({ hits, core }))
    return entries
  }
  const [plain, dense] = [await fill('none'), await fill('lz4')]
  assert.ok(dense > 1.3 * plain, `${plain} entries, compressed ${dense}`)
})

test('A compressed result is sealed and admitted as any other', async () => {
  const storage = countedStorage()
  for (const [compression, computed] of [['lz4', 200], ['none', 0], ['lz4', 0]] as const) {
    const { cache, transcript } = await bench({ storage, memory: { compression } })
    let runs = 0
    const ask = cache.wrap(async (n: number) => (runs++, reply(n, 'ask')), { name: 'ask' })
    for (let round = 0; round < 2; round++) for (let n = 0; n < 200; n++) assert.deepEqual(await ask(n), reply(n, 'ask'))
    const happened = transcript()
    assert.ok(!happened.some(event => event.startsWith('refused')))
    assert.ok(happened.includes('hit:memory'))
    assert.equal(runs, computed)
    await cache.settled()
  }
})

test('Frozen replies, tiny values, texts, bytes and large values are what they are without compression', async () => {
  const { cache, transcript } = await bench({ storage: false, memory: { compression: 'lz4' } })
  const values: unknown[] = [undefined, null, 0, '', 'x', [], {}, new Uint8Array(0), new Date(0), new Map([['a', 1]])]
  for (let i = 0; i < 100; i++) values.push(reply(i, 'a'), `${JSON.stringify(reply(i, 'b'))}…`, new Uint8Array(3000).fill(i))
  for (const size of [8_000, 9_000, 40_000, 65_000, 66_000, 300_000]) values.push('long '.repeat(size / 5), new Uint8Array(size).map((_, at) => at * at))
  const give = cache.wrap(async (n: number) => values[n], { name: 'give' })
  const frozen = cache.wrap(async (n: number) => values[n], { name: 'frozen', freeze: true })
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < values.length; n++) assert.deepEqual([await give(n), await frozen(n)], [values[n], values[n]], `value ${n}`)
  }
  assert.equal(await frozen(50), await frozen(50))
  assert.ok(Object.isFrozen(await frozen(10)))
  assert.equal(transcript().filter(event => event === 'computed').length, 2 * values.length)
})

test('A compressed entry whose bytes were damaged in memory is refused, and computed again', async () => {
  const { cache, transcript } = await bench({ storage: false, memory: { compression: 'lz4' } })
  const ask = cache.wrap(async (n: number) => reply(n, 'ask'), { name: 'ask' })
  for (let n = 0; n < 300; n++) await ask(n)
  transcript()
  const { parts } = cache as unknown as { parts: { core: Core } }
  const inside = parts.core as unknown as { bytes: Uint8Array; words: Uint32Array; exports: { write_payload(from: number, length: number): void } }
  await ask(299)
  inside.bytes.fill(0xff, offset.inbox, offset.inbox + 300)
  inside.exports.write_payload(0, 300)
  assert.deepEqual(await ask(299), reply(299, 'ask'))
  assert.deepEqual(transcript(), ['hit:memory', 'refused:undecodable', 'miss:absent', 'computed', 'stored'])
  assert.deepEqual(await ask(299), reply(299, 'ask'))
  assert.deepEqual(transcript(), ['hit:memory'])
})

test('What a long key takes beside a value near the size of the inbox is compressed as any other', async () => {
  const { cache, transcript } = await bench({ storage: false, memory: { maxBytes: '8MB', compression: 'lz4' } })
  for (let i = 0; i < 200; i++) await cache.set(`warm ${i}`, `text ${i} ${' '.repeat(1000)}`)
  const kept: [string, string][] = [['k'.repeat(600), 'v'.repeat(64_000)], ['k'.repeat(22_000), 'small'], ['é'.repeat(30_000), 'v'.repeat(6_000)], ['k'.repeat(50), 'v'.repeat(65_400)]]
  for (const [key, value] of kept) {
    await cache.set(key, value)
    assert.equal(await cache.get(key), value, `${key.length} and ${value.length} characters`)
  }
  assert.ok(!transcript().some(event => event.startsWith('refused')))
})
