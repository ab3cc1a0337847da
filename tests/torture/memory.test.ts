import assert from 'node:assert/strict'
import test from 'node:test'
import { soak } from './memory.js'
import { freshSeed } from './random.js'

test('A soak of 6,000 values from 1 B to 1 MB stays within its budget, and fills it', async () => {
  const { hits, leastFull } = await soak(6_000, 8_000_000, freshSeed())
  assert.ok(hits > 100, `${hits}`)
  assert.ok(leastFull > 0.7, `${leastFull}`)
})
