import assert from 'node:assert/strict'
import test from 'node:test'
import { killWriters } from './files.js'
import { freshSeed } from './random.js'

test('F1, F8: 300 writers to one directory are killed: no value is torn, no acknowledged one is lost, and their litter is swept', { timeout: 240_000 }, async t => {
  const seed = freshSeed()
  const { kills, acknowledged, reads, torn, lost, litter, leftLitter } = await killWriters(300, seed)
  t.diagnostic(`seed ${seed}: ${kills} kills, ${reads} reads, ${litter} drafts were left`)
  assert.deepEqual({ kills, torn, lost, leftLitter }, { kills: 300, torn: 0, lost: 0, leftLitter: 0 }, `seed ${seed}`)
  assert.ok(acknowledged > 600 && reads > 2_000, `${acknowledged} values, ${reads} reads: the writers hardly wrote`)
})
