import assert from 'node:assert/strict'
import test from 'node:test'
import { compareKeys } from '../torture/keys.js'
import { freshSeed } from '../torture/random.js'

test('Of 150,000 random pairs of arguments, those that are equal share a key, and no others do', async t => {
  const seed = freshSeed()
  const { pairs, equal, wrong, failure } = await compareKeys(150_000, seed)
  t.diagnostic(`seed ${seed}: ${equal} of ${pairs} pairs equal. Ten million: npm run torture -- keys`)
  assert.equal(wrong, 0, failure)
  assert.ok(equal > pairs / 10 && equal < (pairs * 9) / 10, 'pairs of both sorts were compared')
})
