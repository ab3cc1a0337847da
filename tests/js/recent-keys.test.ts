import assert from 'node:assert/strict'
import test from 'node:test'
import { type Request, RecentKeys } from '../../js/recent-keys.js'
import { seededRandom } from '../../js/testing/random.js'

const request = (texts: readonly string[], words: readonly number[] = [1, 2], prefix?: Uint8Array): Request => ({ prefix, words: Uint32Array.from(words), at: words.length, texts, count: texts.length })

/** As the core does it: looks, and notes what was not found. Says whether it was found. */
function ask(keys: RecentKeys, asked: Request, key: number): boolean {
  const found = keys.find(asked)
  if (found < 0) keys.note(asked, Uint32Array.of(0, key, 1, 2, key), 1)
  else assert.deepEqual([...keys.keys.subarray(found, found + 4)], [key, 1, 2, key], `${asked.texts.join()} has another request's key`)
  return found >= 0
}

test('A request is found once it was noted, received anew or as part of longer lists', () => {
  const keys = new RecentKeys(64e6)
  assert.equal(ask(keys, request(['a text']), 1), false)
  assert.equal(ask(keys, request(['a text']), 1), true)
  assert.equal(ask(keys, { ...request(['a text', 'of another'], [1, 2, 3]), at: 2, count: 1 }, 1), true)
})

test('A function that is wrapped anew has a prefix of the same bytes: what is remembered is remembered', () => {
  const keys = new RecentKeys(64e6)
  ask(keys, request(['a text'], [], Uint8Array.of(1, 2, 3)), 1)
  assert.ok(ask(keys, request(['a text'], [], Uint8Array.of(1, 2, 3)), 1))
})

test('Requests that differ in anything are never taken for each other, whichever meet in a slot', () => {
  const prefixes = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 4, 4), Uint8Array.of(1, 2, 3, 4, 5), undefined]
  const all = ['abcd', 'abce', 'bbcd', 'abc'].flatMap(text =>
    [[text], [text, text], [text, ''], ['', text]].flatMap(texts => [[], [1], [1, 2], [2, 2]].flatMap(words => prefixes.map(prefix => request(texts, words, prefix)))),
  )
  const keys = new RecentKeys(64e6)
  for (let round = 0; round < 20; round++) for (const [i, asked] of all.entries()) ask(keys, asked, i)
  assert.ok(all.filter((asked, i) => ask(keys, asked, i)).length > all.length / 2, 'and most of them are found')
})

test('Of a thousand requests that come again nearly all are remembered: few have to make way for each other', () => {
  const keys = new RecentKeys(64e6)
  const all = Array.from({ length: 1_000 }, (_, i) => request([`Summarise chapter ${String(i).padStart(4, '0')} of the report`]))
  for (let round = 0; round < 3; round++) for (const [i, asked] of all.entries()) ask(keys, asked, i)
  const found = all.filter((asked, i) => ask(keys, asked, i)).length
  assert.ok(found > 950, `${found} are`)
})

test('Requests of one template are told apart by the places in which they differ', () => {
  const templates: ((n: string) => Request)[] = [
    n => request([`Summarise chapter ${n} of the report`]),
    n => request(['system', `${'x'.repeat(300)}${n}`]),
    n => request([`${n} is the number`, 'user']),
    n => request(['the same text'], [1, 2, Number(n), 4]),
  ]
  for (const [which, template] of templates.entries()) {
    const keys = new RecentKeys(64e6)
    const all = Array.from({ length: 200 }, (_, i) => template(String(i).padStart(4, '0')))
    for (let round = 0; round < 3; round++) for (const [i, asked] of all.entries()) ask(keys, asked, i)
    assert.ok(all.filter((asked, i) => ask(keys, asked, i)).length > 150, `template ${which}`)
  }
})

test('Thousands of requests that are new each time are hardly copied, and push out none that comes again', t => {
  const keys = new RecentKeys(64e6)
  const often = Array.from({ length: 50 }, (_, i) => request([`asked often ${String(i).padStart(5, '0')}`]))
  const random = seededRandom(1)
  const round = (): number => often.filter((asked, i) => ask(keys, asked, i)).length
  for (let i = 0; i < 5; i++) round()
  const copies = t.mock.method(JSON, 'parse')
  let found = 0
  for (let i = 0; i < 20_000; i++) {
    const number = Math.floor(random() * 1e5)
    ask(keys, request([`asked once, ${String(number).padStart(5, '0')}`]), 1000 + number)
    if (i % 400 === 0) found += round()
  }
  assert.ok(found > 0.8 * 50 * 50, `${found} of 2,500 were found`)
  assert.ok(copies.mock.callCount() < 6000, `${copies.mock.callCount()} copies`)
})

test('What is kept stays within what it may take, and what is large is not kept', () => {
  const keys = new RecentKeys(64 * 4000)
  for (let i = 0; i < 100; i++) ask(keys, request([`${String(i).padStart(3, '0')}${'x'.repeat(900)}`]), i)
  const kept = Array.from({ length: 100 }, (_, i) => ask(keys, request([`${String(i).padStart(3, '0')}${'x'.repeat(900)}`]), i)).filter(Boolean)
  assert.ok(kept.length > 0 && kept.length <= 4, `${kept.length} of some 1,000 bytes each`)
  const roomy = new RecentKeys(64e6)
  for (const large of [request(['x'.repeat(40_000)]), request(['x'], new Array<number>(1100).fill(1))]) {
    ask(roomy, large, 1)
    assert.equal(ask(roomy, large, 1), false)
  }
})

test('What requests have in common is kept once, and given back when the last of them is gone', () => {
  const keys = new RecentKeys(64 * 40_000)
  const asked = (i: number): Request => request([`instructions ${'x'.repeat(5000)}`, `question ${String(i).padStart(4, '0')}`])
  const rounds = (from: number, to: number): number => {
    for (let round = 0; round < 3; round++) for (let i = from; i < to; i++) ask(keys, asked(i), i)
    return Array.from({ length: to - from }, (_, i) => ask(keys, asked(from + i), from + i)).filter(Boolean).length
  }
  assert.ok(rounds(0, 60) > 50, 'which would be 300 KB one by one')
  const others = (i: number): Request => request([`${String(i).padStart(3, '0')} ${'y'.repeat(5000)}`])
  for (let five = 0; five < 50; five += 5) {
    for (let round = 0; round < 40; round++) for (let i = five; i < five + 5; i++) ask(keys, others(i), 5000 + i)
    assert.equal(Array.from({ length: 5 }, (_, i) => ask(keys, others(five + i), 5000 + five + i)).filter(Boolean).length, 5, 'what nobody asks for any more has made room, and no byte was lost')
  }
})
