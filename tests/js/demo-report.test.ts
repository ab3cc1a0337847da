import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FlagError, parseFlags } from '../../demo/flags.mjs'
import { firstLines, formatBytes, formatMs, formatTable, formatTotals, rowOf, type Row } from '../../demo/report.js'

const miss: Row = { call: 'paint', from: 'function ran', result: 'miss', ms: 4321, bytes: 287_482, functionMs: 4320 }
const hit: Row = { call: 'paint again', from: 'memory', result: 'hit', ms: 0.251, bytes: 287_482, functionMs: 4320 }

describe('a row of the report', () => {
  test('is a miss if the function ran; its size may come later', () => {
    const events = [{ type: 'miss', name: 'paint' }, { type: 'computed', name: 'paint', ms: 4320 }]
    const later = [{ type: 'stored', name: 'chat', bytes: 5 }, { type: 'stored', name: 'paint', bytes: 287_482 }]
    assert.deepEqual(rowOf({ call: 'paint', ms: 4321, events }, later), miss)
    assert.equal(rowOf({ call: 'paint', ms: 4321, events }).bytes, undefined)
  })

  test('is a hit if an entry answered, from memory or from storage after a miss of the memory', () => {
    const event = { type: 'hit', name: 'paint', bytes: 287_482, savedMs: 4320 }
    assert.deepEqual(rowOf({ call: 'paint again', ms: 0.251, events: [{ ...event, tier: 'memory' }] }), hit)
    const fromStorage = rowOf({ call: 'paint', ms: 2, events: [{ type: 'miss', name: 'paint' }, { ...event, tier: 'storage' }] })
    assert.deepEqual([fromStorage.from, fromStorage.result], ['file system', 'hit'])
  })
})

describe('the table', () => {
  test('lines up, text to the left and numbers to the right', () => {
    assert.deepEqual(formatTable([miss, hit]), [
      'call          answer from    result      time    bytes    saved',
      '─'.repeat(63),
      'paint         function ran   miss      4.32 s   287 kB        -',
      'paint again   memory         hit      0.25 ms   287 kB   4.32 s',
    ])
  })

  test('fits a terminal of 80 columns', () => {
    const slow = { ...hit, call: 'paint again', from: 'file system' as const, ms: 999_999, functionMs: 9_999_999, bytes: 999_999_999 }
    assert.ok(formatTable([miss, slow]).every((line) => line.length <= 80))
  })

  test('ends with what the same calls would have cost', () => {
    assert.equal(formatTotals([miss, hit]), '2 calls: 8.64 s without the cache, 4.32 s with it (2.0 times as fast).')
  })
})

test('numbers are short and carry their unit', () => {
  assert.deepEqual([0.0512, 9.994, 350.4, 999, 4321].map(formatMs), ['0.05 ms', '9.99 ms', '350 ms', '999 ms', '4.32 s'])
  assert.deepEqual([694, 1234, 287_482, 1_500_000].map(formatBytes), ['694 B', '1.2 kB', '287 kB', '1.5 MB'])
})

test('a long answer is cut to its first lines', () => {
  assert.deepEqual(firstLines('one two three four five six', 9, 2), ['one two', 'three …'])
  assert.deepEqual(firstLines('one two', 9, 2), ['one two'])
})

describe('the flags', () => {
  test('say what to leave out and where to serve', () => {
    assert.deepEqual(parseFlags([]), { serve: true, port: undefined })
    assert.deepEqual(parseFlags(['--no-serve']), { serve: false, port: undefined })
    assert.equal(parseFlags(['--port', '8080']).port, 8080)
    assert.equal(parseFlags(['--port=0']).port, 0)
  })

  test('refuse what they do not know, and name what they know', () => {
    for (const args of [['--prot', '1'], ['serve'], ['-x']]) {
      assert.throws(() => parseFlags(args), (error) => error instanceof FlagError && /does not know .*--no-serve, --port N and --help/.test(error.message))
    }
    for (const args of [['--port'], ['--port', 'abc'], ['--port', '70000']]) {
      assert.throws(() => parseFlags(args), /--port needs a number from 0 to 65535/)
    }
  })
})
