import assert from 'node:assert/strict'
import test from 'node:test'
import { Trie } from '../../js/trie.js'

test('The same names in the same order lead to the same node, others to another', () => {
  const trie = new Trie<string>()
  trie.of(['a', 'b']).shape = 'ab'
  for (const names of [[], ['a'], ['b', 'a'], ['a', 'b', 'c'], ['ab']]) assert.equal(trie.of(names).shape, undefined)
  assert.equal(trie.of(['a', 'b']).shape, 'ab')
})

test('A node has as many children as there are names, and remembers the last step', () => {
  const trie = new Trie<number>()
  for (let i = 0; i < 100; i++) trie.of([`n${i}`]).shape = i
  for (let i = 0; i < 100; i++) {
    assert.equal(trie.of([`n${i}`]).shape, i)
    assert.equal(trie.root.lastName, `n${i}`)
    assert.equal(trie.root.lastChild?.shape, i)
  }
})

test('A full trie begins anew, also in the midst of an object', () => {
  const trie = new Trie<string>(10)
  trie.of(['a']).shape = 'a'
  const names = Array.from({ length: 25 }, (_, i) => `n${i}`)
  trie.of(names).shape = 'long'
  assert.equal(trie.of(['a']).shape, undefined)
  const node = trie.of(['b'])
  node.shape = 'b'
  assert.equal(trie.of(['b']), node)
})
