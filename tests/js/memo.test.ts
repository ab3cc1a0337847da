import assert from 'node:assert/strict'
import test from 'node:test'
import { Memo } from '../../js/memo.js'

test('A text is remembered from its second time on, with what was made of it then', () => {
  const memo = new Memo<number>()
  memo.note('a text of some length', () => assert.fail('asked for too early'))
  assert.equal(memo.find('a text of some length'), undefined)
  memo.note('a text of some length', () => 2)
  assert.equal(memo.find('a text of some length'), 2)
  assert.equal(memo.find('a text of same length'), undefined)
})

test('Two texts of one signature are never taken for each other', () => {
  const memo = new Memo<string>()
  // Alike in length and in the characters that the signature looks at.
  const [a, b] = ['abcdefgh-1-jklmnop', 'abcdefgh-1-jkXmnop']
  for (const text of [a, a, b, b, a, b, a]) {
    const found = memo.find(text)
    assert.ok(found === undefined || found === text)
    memo.note(text, () => text)
  }
  assert.ok(memo.find(a) === a || memo.find(b) === b, 'one of them is remembered')
})

test('Thousands of texts that are new each time push each other out and nothing else', () => {
  const memo = new Memo<string>()
  for (let i = 0; i < 20_000; i++) {
    const text = `text number ${i % 5000} of many`
    const found = memo.find(text)
    assert.ok(found === undefined || found === text)
    memo.note(text, () => text)
  }
})
