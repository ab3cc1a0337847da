import assert from 'node:assert/strict'
import test from 'node:test'
import { simulate, tell } from './calls.js'

test('1,000 seeds of 1,000 interleaved calls, invalidations, aborts and faults are as the model says', async () => {
  // Most of what is thrown here is expected, and its stacks would take a quarter of the time.
  Error.stackTraceLimit = 0
  for (let seed = 1; seed <= 1_000; seed++) {
    const divergence = await simulate(seed, 1_000)
    if (divergence !== undefined) assert.fail(tell(divergence))
  }
})
