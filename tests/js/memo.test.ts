import assert from 'node:assert/strict'
import test from 'node:test'
import { Memo } from '../../js/memo.js'

test('A text is remembered from its second time on, with what was made of it then', () => {
  const memo = new Memo<number>()
  memo.note('a text of some length', 1, () => assert.fail('asked for too early'))
  assert.equal(memo.find('a text of some length'), undefined)
  memo.note('a text of some length', 1, () => 2)
  assert.equal(memo.find('a text of some length'), 2)
  assert.equal(memo.find('a text of same length'), undefined)
})

test('Two texts of one slot are never taken for each other', () => {
  const memo = new Memo<string>()
  // Alike in length, in the characters that choose the slot, and (below) in their fingerprint.
  const [a, b] = ['abcdefgh-1-jklmnopqrstuvw', 'aXcdefgh-1-jklmnopqrstuvw']
  for (const text of [a, a, b, b, a, b, a]) {
    const found = memo.find(text)
    assert.ok(found === undefined || found === text)
    memo.note(text, 7, () => text)
  }
  assert.ok(memo.find(a) === a || memo.find(b) === b, 'one of them is remembered')
})

test('Thousands of texts that are new each time push each other out and nothing else', () => {
  const memo = new Memo<string>()
  for (let i = 0; i < 20_000; i++) {
    const text = `text number ${i % 5000} of many`
    const found = memo.find(text)
    assert.ok(found === undefined || found === text)
    memo.note(text, i % 3, () => text)
  }
})
