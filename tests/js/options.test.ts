import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import { parseOptions } from '../../js/options.js'
import { parseBytes, parseDuration } from '../../js/units.js'
import { bench } from './harness.js'

test('Durations are milliseconds or text with a unit', () => {
  const durations: [unknown, number][] = [
    [0, 0], [1.5, 1.5], ['250ms', 250], ['90s', 90_000], ['5m', 300_000], ['2h', 7_200_000], ['30d', 2_592_000_000], ['1w', 604_800_000], ['1.5h', 5_400_000], ['forever', Infinity], [Infinity, Infinity],
  ]
  for (const [text, ms] of durations) assert.equal(parseDuration('ttl', text), ms, String(text))
})

test('Anything else is refused, naming the option, the value and what would be right', () => {
  for (const wrong of ['10 seconds', '1 day', '', '5', 'm', '-5m', '1e3s', 'Forever', NaN, -1, null, undefined, true, {}, [5], 5n, '5M']) {
    assert.throws(() => parseDuration('ttl', wrong), (error: Error) => error instanceof OptionError && /^ttl: .* is not a duration\. Give .*'5m'/.test(error.message), String(wrong))
  }
  assert.throws(() => parseDuration('ttl', '10 seconds'), /^OptionError: ttl: "10 seconds" is not a duration\. Give milliseconds/)
})

test('Sizes are bytes or text; decimal and binary units differ', () => {
  assert.equal(parseBytes('x', '64MB', 0, 1e12), 64_000_000)
  assert.equal(parseBytes('x', '8MiB', 0, 1e12), 8 * 2 ** 20)
  assert.equal(parseBytes('x', 5, 0, 10), 5)
  assert.throws(() => parseBytes('x', '64 MB', 0, 1e12), /^OptionError: x: "64 MB" is not a size/)
  assert.throws(() => parseBytes('x', '64mb', 0, 1e12), OptionError)
  assert.throws(() => parseBytes('x', 11, 0, 10), /x: 11 is out of range\. Give at least 0 and at most 10 bytes/)
  assert.throws(() => parseBytes('x', NaN, 0, 10), OptionError)
})

test('Entries in memory are compressed only on request', () => {
  assert.equal(parseOptions().compress, false)
  assert.equal(parseOptions({ memory: { compression: 'none' } }).compress, false)
  assert.equal(parseOptions({ memory: { compression: 'lz4' } }).compress, true)
})

test('A lease is whole milliseconds, as servers take no others', () => {
  assert.deepEqual(['2s', 1000.5, '1.0001s', 0].map(lease => parseOptions({ lease: lease as never }).leaseMs), [2_000, 1_001, 1_001, 0])
})

test('A wrong option is refused when the cache is made', async () => {
  const wrong: [object, RegExp][] = [
    [{ ttl: 'soon' }, /ttl: "soon" is not a duration/],
    [{ tll: '5m' }, /createCache: tll: there is no such option\. Known ones: storage, scope/],
    [{ storage: {} }, /storage: an object \(Object\) has no function get\(\)/],
    [{ storage: true }, /storage: true has no function get/],
    [{ scope: '' }, /scope: "" is not a name/],
    [{ scope: 5 }, /scope: 5 is not a name/],
    [{ secret: 'short' }, /^secret: has 5 bytes, which can be guessed/],
    [{ secret: 5 }, /secret: is neither a string nor a Uint8Array/],
    [{ onEvent: 'log' }, /onEvent: "log" is not a function/],
    [{ memory: { maxBytes: '999KB' } }, /memory\.maxBytes: "999KB" is out of range\. Give at least 1000000 and at most 2147483648 bytes, of which the core itself takes 0\.4 MB\./],
    [{ memory: { compression: 'zstd' } }, /^memory\.compression: "zstd" is no way to compress\. Give 'lz4' or 'none'/],
    [{ memory: { compression: true } }, /^memory\.compression: true is no way to compress/],
    [{ memory: { compression: null } }, /^memory\.compression: null is no way to compress/],
    [{ memory: { maxbytes: 1 } }, /memory: maxbytes: there is no such option/],
    [{ clock: {} }, /^clock: an object \(Object\) has no function now\(\)/],
    [{ clock: { now: Date.now } }, /^clock: .* has no function stopwatch\(\)/],
    [{ clock: null }, /^clock: null has no function now\(\)/],
  ]
  for (const [options, message] of wrong) await assert.rejects(bench(options), (error: Error) => error instanceof OptionError && message.test(error.message), JSON.stringify(options))
  assert.throws(() => parseOptions(5 as never), /createCache: 5 is not an object of options/)
})

test('A wrong option is refused when the function is wrapped', async () => {
  const { cache } = await bench()
  const fn = async (): Promise<number> => 1
  const wrong: [() => unknown, RegExp][] = [
    [() => cache.wrap(fn, { ttl: -1 }), /ttl: -1 is not a duration/],
    [() => cache.wrap(fn, { name: '' }), /name: "" is not a name/],
    [() => cache.wrap(fn, { version: 1.5 }), /version: 1.5 is not a version/],
    [() => cache.wrap(5 as never), /wrap: fn: 5 is not a function/],
    [() => cache.wrap(fn, { tag: [] } as never), /wrap: tag: there is no such option/],
    [() => cache.cached({ retries: 3 } as never)(fn), /cached: retries: there is no such option/],
    [() => cache.wrap(fn, null as never), /^wrap: null is not an object of options/],
    [() => cache.wrap(async () => 1), /name: the function has none of its own/],
  ]
  for (const [wrap, message] of wrong) assert.throws(wrap, (error: Error) => error instanceof OptionError && message.test(error.message), String(message))
})

test('Slips that are easily made are told what to do', async () => {
  const { cache } = await bench()
  const refused = (call: () => unknown, message: RegExp): void => assert.throws(call, (error: Error) => error instanceof OptionError && message.test(error.message), String(message))
  refused(() => cache.cached((async () => 1) as never), /^cached: was used without parentheses\. Write @cache\.cached\(\)/)
  refused(() => cache.cached({ ttl: '1m' })((async () => 1) as never, 'paint' as never), /^cached: is a decorator of the standard .* Turn `experimentalDecorators` off/)
  await assert.rejects(cache.invalidate('user:1' as never), /^OptionError: invalidate: "user:1" names nothing\. For one key use cache\.delete\(key\)/)
  for (const scope of [{ name: 'ask' }, '', undefined]) await assert.rejects(cache.forget(scope as never), /^OptionError: forget: .* is no scope\. Give its name, such as 'acme', or \{ all: true \}/)
})
