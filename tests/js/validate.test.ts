/** Is a value what its function should return? */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError } from '../../js/errors.js'
import { memory } from '../../js/storage/memory.js'
import { parseValidator, type StandardSchema } from '../../js/validate.js'
import { bench, countedStorage, entriesIn, gate } from './harness.js'

const schema = (right: (value: unknown) => boolean, later = false): StandardSchema => ({
  '~standard': { version: 1, vendor: 'test', validate: value => { const result = right(value) ? {} : { issues: [{ message: 'wrong' }] }; return later ? Promise.resolve(result) : result } },
})
const isNumber = (value: unknown): boolean => typeof value === 'number'

test('A validator is a function that says true, or a Standard Schema, at once or later; one that throws says no', async () => {
  for (const validator of [isNumber, async (value: unknown) => isNumber(value), schema(isNumber), schema(isNumber, true), Object.assign(() => assert.fail('the schema counts'), schema(isNumber))]) {
    const check = parseValidator(validator as never)!
    assert.deepEqual([await check(1), await check('1')], [true, false])
  }
  for (const odd of [() => 1, () => 'yes', () => undefined, () => { throw new Error('x') }, () => Promise.reject(new Error('x')), { '~standard': { version: 1, vendor: 'x', validate: () => { throw new Error('x') } } }]) {
    assert.equal(await parseValidator(odd as never)!(1), false)
  }
  for (const wrong of [5, 'x', {}, null, { '~standard': {} }]) assert.throws(() => parseValidator(wrong as never), (error: Error) => error instanceof OptionError && /^validate: /.test(error.message))
  assert.equal(parseValidator(undefined), undefined)
})

test('A result that is not valid is returned and not stored', async () => {
  const storage = countedStorage()
  const { cache, transcript } = await bench({ storage })
  let runs = 0
  const load = cache.wrap(async () => (++runs < 3 ? `bad ${runs}` : runs), { name: 'load', validate: schema(isNumber, true) })
  assert.deepEqual([await load(), await load(), await load(), await load()], ['bad 1', 'bad 2', 3, 3])
  assert.deepEqual(transcript(), ['miss:absent', 'computed', 'not-stored:invalid', 'miss:absent', 'computed', 'not-stored:invalid', 'miss:absent', 'computed', 'stored', 'hit:memory'])
  await cache.settled()
  assert.equal(entriesIn(storage).length, 1)
})

test('What lies in memory or in storage and is not valid any more is dropped and made anew, and counts as a miss', async () => {
  for (const where of ['memory', 'storage'] as const) {
    const storage = countedStorage()
    const one = await bench({ storage })
    await one.cache.wrap(async () => 'old shape', { name: 'load' })()
    await one.cache.settled()
    const { cache, transcript } = where === 'memory' ? one : await bench({ storage })
    const before = cache.stats()
    transcript()
    const load = cache.wrap(async () => 7, { name: 'load', validate: isNumber })
    assert.deepEqual(await Promise.all([load(), load()]), [7, 7], where)
    assert.equal(await load(), 7)
    const lines = transcript()
    assert.deepEqual([lines.filter(line => line === 'computed').length, lines.filter(line => line.startsWith('hit')).length], [1, 1], 'what is refused is no hit')
    const { hits, misses, calls } = cache.stats()
    assert.deepEqual([calls - before.calls, hits - before.hits, misses - before.misses], [3, 1, 2])
    await cache.settled()
    assert.equal(await (await bench({ storage })).cache.wrap(async () => 0, { name: 'load' })(), 7)
  }
})

test('What is not valid never stands in for a function that fails, or is too slow', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache, time } = await bench({ ...(storage && { storage }) })
    await cache.wrap(async () => 'old shape', { name: 'load', ttl: '1m', staleIfError: '1h' })()
    await cache.settled()
    await time.advance('2m')
    const load = cache.wrap(async (): Promise<number> => { throw new Error('down') }, { name: 'load', ttl: '1m', staleIfError: '1h', validate: isNumber })
    await assert.rejects(load(), /down/)
    await assert.rejects(load.fresh(), /down/)
    const slow = cache.wrap(async () => { await new Promise<void>(resolve => time.after(5_000, resolve)); return 7 }, { name: 'load', ttl: '1m', staleIfError: '1h', softTimeout: '1s', validate: isNumber })
    const asked = slow()
    await time.advance('5s')
    assert.equal(await asked, 7)
  }
})

test('A hit is judged, whoever stored it, and by every function for itself', async () => {
  const { cache } = await bench()
  let judged = 0
  const load = cache.wrap(async () => ({ list: [1] }), { name: 'load', validate: value => { judged++; (value as { list: number[] }).list.length = 0; return true } })
  await load()
  assert.equal(judged, 1)
  const [found] = [await load.peek()]
  assert.deepEqual([judged, found], [1, { list: [] }], 'what it does before the value is kept does count')
  await load()
  assert.equal(judged, 2)
  await cache.set('a', 'text')
  assert.equal(await cache.getOrSet('a', () => 5, { validate: isNumber }), 5)
  assert.equal(await cache.get('a'), 5)
})

test('While a value is looked at, another may take its place: that is not dropped with it, and answers', async () => {
  const { cache } = await bench()
  await cache.set('k', { version: 1 })
  const looked = gate()
  const validate = async (value: { version: number }): Promise<boolean> => {
    if (value.version === 1) await looked.promise
    return value.version > 1
  }
  let loads = 0
  const asked = cache.getOrSet('k', () => ({ version: 99, loads: ++loads }), { validate })
  await cache.set('k', { version: 2 })
  looked.open()
  assert.deepEqual(await asked, { version: 2 })
  assert.deepEqual([await cache.get('k'), loads], [{ version: 2 }, 0])
})
