import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { corpus } from '../../demo/corpus.js'
import { Model, tokenize, type GenerateOptions } from '../../demo/model.js'

const model = new Model(corpus)
const answer = (prompt: string, options?: GenerateOptions): string => [...model.generate(prompt, options)].join('')

describe('the n-gram model', () => {
  test('says the same for the same prompt and seed', () => {
    assert.equal(answer('Why cache?', { seed: 3 }), answer('Why cache?', { seed: 3 }))
  })

  test('says something else for another seed or another prompt', () => {
    assert.notEqual(answer('Why cache?', { seed: 3 }), answer('Why cache?', { seed: 4 }))
    assert.notEqual(answer('Tell me about invalidation', { seed: 3 }), answer('Tell me about WebAssembly', { seed: 3 }))
  })

  test('answers about a word of the prompt', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      assert.match(answer('What is WebAssembly?', { seed }), /WebAssembly/)
      assert.match(answer('Why is invalidation hard?', { seed }), /invalidat/i)
    }
  })

  test('answers a prompt of which it knows no word', () => {
    assert.match(answer('Xyzzy plugh?'), /^[A-Z].{40,}/)
  })

  test('stays below the limit and likes to end with a sentence', () => {
    for (const maxTokens of [1, 2, 30, 90]) {
      assert.ok([...model.generate('keys', { maxTokens })].length <= maxTokens)
    }
    const ends = Array.from({ length: 40 }, (_, seed) => answer('keys', { seed, maxTokens: 90 }).endsWith('.'))
    assert.ok(ends.filter(Boolean).length > 20)
  })

  test('says only words that it has read', () => {
    const read = new Set(tokenize(corpus))
    assert.deepEqual(tokenize(answer('keys', { maxTokens: 500 })).filter((word) => !read.has(word)), [])
  })

  test('does not recite: a long answer holds word pairs and triples of the text, but is no part of it', () => {
    const text = tokenize(corpus).join(' ')
    assert.ok(!text.includes(tokenize(answer('eviction', { seed: 2 })).join(' ')))
  })

  test('always takes the likeliest word when it is cold', () => {
    const words = new Model('The cat sat. The cat ran. The cat sat. The cat sat.')
    for (const seed of [1, 2, 3, 4]) assert.match([...words.generate('', { seed, temperature: 0, maxTokens: 40 })].join(''), /cat (sat|ran)/)
    const cold = [...words.generate('', { seed: 9, temperature: 0, maxTokens: 400 })].join('')
    const warm = [...words.generate('', { seed: 9, temperature: 1.5, maxTokens: 400 })].join('')
    assert.ok(count(cold, 'ran') < count(warm, 'ran'), `${count(cold, 'ran')} < ${count(warm, 'ran')}`)
  })

  test('refuses to learn from nothing, and says so when it is asked', () => {
    const empty = new Model('')
    assert.throws(() => [...empty.generate('keys')], /nothing to learn from/)
  })
})

describe('tokens', () => {
  test('are words, numbers and punctuation', () => {
    assert.deepEqual(tokenize("Don't pay 2 times: ask-twice!"), ["Don't", 'pay', '2', 'times', ':', 'ask-twice', '!'])
  })

  test('join to readable text', () => {
    assert.doesNotMatch(answer('keys'), / [.,;:?!]| {2}/)
  })
})

function count(text: string, word: string): number {
  return text.split(word).length - 1
}
