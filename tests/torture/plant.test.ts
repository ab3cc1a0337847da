import assert from 'node:assert/strict'
import test from 'node:test'
import { bugs, plant } from './plant.mjs'

for (const name of Object.keys(bugs)) {
  test(`The simulator of calls finds a planted bug: ${name}`, t => {
    const found = plant(name)
    assert.ok(found, 'it found nothing')
    t.diagnostic(`after ${found.after} operations: ${found.expected.slice(0, 120)}`)
  })
}
