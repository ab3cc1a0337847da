/** Keys that users made, found by a pattern. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OptionError, StorageError } from '../../js/errors.js'
import { pattern, type ScanProgress } from '../../js/scan.js'
import { memory } from '../../js/storage/memory.js'
import { bench, countedStorage, entriesIn, gate, turns, until } from './harness.js'

test('Patterns: * is any text, ? is one character, \\ takes their meaning; all else is itself', () => {
  const cases: [string, string, boolean][] = [
    ['user:*', 'user:', true], ['user:*', 'user:1', true], ['user:*', 'users:1', false], ['*:1', 'user:1', true], ['*:1', 'user:11', false], ['u*r*1', 'user:1', true], ['*', '', true], ['**', 'x', true],
    ['?', 'x', true], ['?', '', false], ['?', 'xy', false], ['a?c', 'abc', true], ['a?c', 'ac', false], ['*?', '', false], ['?*', 'a', true], ['\\*', '*', true], ['\\*', 'x', false], ['\\?', '?', true], ['\\?', 'a', false],
    ['a\\\\b', 'a\\b', true], ['a\\', 'a\\', true], ['a.c', 'abc', false], ['[ab]', 'a', false], ['[ab]', '[ab]', true], ['A', 'a', false], ['*a*b*c*', 'xxaxxbxxcxx', true], ['*a*b*c*', 'xxaxxcxxbxx', false],
    ['ab*ab', 'ab', false], ['ab*ab', 'abab', true], ['*aab', 'aaaab', true], ['line*', 'line\nbreak', true], ['ü*', 'über', true],
  ]
  for (const [glob, text, is] of cases) assert.equal(pattern(glob)(text), is, `${glob} on ${JSON.stringify(text)}`)
})

test('A pattern takes no more than time in proportion, whatever it is', () => {
  const started = performance.now()
  assert.equal(pattern(`${'*a'.repeat(50)}b`)('a'.repeat(20_000)), false)
  assert.ok(performance.now() - started < 2_000)
})

test('match finds keys in memory and in storage, those of this scope and no function\'s, and says how many', async () => {
  const storage = memory()
  const writer = await bench({ storage })
  const other = writer.cache.scope('other')
  for (const key of ['user:1', 'user:2', 'team:1']) {
    await writer.cache.set(key, 'mine')
    await other.set(key, 'theirs')
  }
  await writer.cache.set(['user:3', 1], 'an array')
  const load = writer.cache.wrap(async (_: string) => 'of a function', { name: 'load' })
  await load('user:1')
  await writer.cache.settled()
  const reader = await bench({ storage })
  await reader.cache.get('user:1')
  await reader.cache.scope('other').get('user:1')
  const told: ScanProgress[] = []
  const progress = await reader.cache.invalidate({ match: 'user:*', onProgress: now => told.push(now) })
  assert.deepEqual(told.at(-1), progress)
  assert.equal(progress.matched, 2, 'one of memory, which is gone from storage then, and one of storage')
  const later = await bench({ storage })
  const found = async (cache: typeof later.cache): Promise<unknown[]> => cache.getMany(['user:1', 'user:2', 'team:1', ['user:3', 1]])
  assert.deepEqual(await found(later.cache), [undefined, undefined, 'mine', 'an array'])
  assert.deepEqual(await found(reader.cache), [undefined, undefined, 'mine', 'an array'])
  assert.deepEqual(await found(later.cache.scope('other')), ['theirs', 'theirs', 'theirs', undefined])
  assert.equal(await later.cache.wrap(async (_: string) => 'anew', { name: 'load' })('user:1'), 'of a function')
  assert.equal((await reader.cache.scope('other').invalidate({ match: '*:1' })).matched, 2)
})

test('match works while the cache is disabled, as all invalidations do', async () => {
  for (const storage of [undefined, memory()]) {
    const { cache } = await bench({ ...(storage && { storage }) })
    await cache.set('a', 'old')
    cache.disable()
    assert.equal((await cache.invalidate({ match: 'a' })).matched, 1)
    cache.enable()
    assert.equal(await cache.get('a'), undefined)
  }
})

test('expire({ match }) lets keys grow stale', async () => {
  const { cache } = await bench({ swr: '1h', ttl: '1d' })
  await cache.set('a:1', 1)
  await cache.set('b:1', 1)
  assert.equal((await cache.expire({ match: 'a:*' })).matched, 1)
  const asked = [await cache.getOrSet('a:1', () => 2), await cache.getOrSet('b:1', () => 2)]
  await cache.settled()
  assert.deepEqual([asked, await cache.get('a:1'), await cache.get('b:1')], [[1, 1], 2, 1])
})

test('A scan lets others have their turn, says how far it is, and can be ended: what was found by then is gone', async () => {
  const { cache } = await bench()
  await cache.setMany(Array.from({ length: 1_600 }, (_, i) => [`k:${i}`, i] as const))
  const leaver = new AbortController()
  const told: ScanProgress[] = []
  const scanning = cache.invalidate({ match: 'k:*', signal: leaver.signal, onProgress: now => { told.push(now); if (told.length === 2) leaver.abort(new Error('enough')) } })
  await assert.rejects(scanning, /^Error: enough$/)
  assert.deepEqual(told.map(({ scanned }) => scanned), [500, 1_000])
  const { entries } = cache.stats()
  assert.ok(entries <= 1_600 - 999 && entries > 0, `${entries}`)
  await assert.rejects(cache.invalidate({ match: 'k:*', signal: AbortSignal.abort(new Error('before it began')) }), /before it began/)
  assert.equal(cache.stats().entries, entries)
  assert.equal((await cache.invalidate({ match: 'k:*' })).matched, entries)
  assert.equal(cache.stats().entries, 0)
})

test('What is being computed under a key that matches is not kept', async () => {
  const { cache } = await bench()
  const running = gate<string>()
  let runs = 0
  const asked = cache.getOrSet('user:1', () => { runs++; return running.promise })
  const kept = cache.scope('other').getOrSet('user:1', () => { runs++; return running.promise })
  await until(() => runs === 2)
  await cache.invalidate({ match: 'user:*' })
  running.open('old')
  await Promise.all([asked, kept])
  assert.deepEqual([await cache.get('user:1'), await cache.scope('other').get('user:1')], [undefined, 'old'])
})

test('What a call brings from storage into memory during the scan is found there, should it be gone from storage by then', async () => {
  const storage = countedStorage()
  const entries = memory(storage.entries)
  const writer = await bench({ storage: entries })
  await writer.cache.set('user:1', 'old')
  await writer.cache.settled()
  const reader = await bench({ storage: entries })
  const scanning = gate()
  entries.keys = async function* () {
    await scanning.promise
    yield* [...storage.entries.keys()]
  }
  const scan = reader.cache.invalidate({ match: 'user:*' })
  await turns()
  assert.equal(await reader.cache.get('user:1'), 'old', 'it began before the scan came to it')
  storage.entries.delete(entriesIn(storage)[0]![0])
  scanning.open()
  await scan
  assert.equal(await reader.cache.get('user:1'), undefined)
})

test('Where keys cannot be found that way, it is said; a storage that cannot list rejects, so that some are not taken for all', async () => {
  const secret = 'a secret of 16 bytes'
  const { keys: _, ...mute } = memory()
  await assert.rejects((await bench({ storage: memory(), secret })).cache.invalidate({ match: '*' }), /match: a cache with a secret does not write down/)
  await assert.rejects((await bench({ storage: mute })).cache.invalidate({ match: '*' }), /match: the storage cannot say what it holds/)
  for (const wrong of [undefined, '', 5, /x/]) await assert.rejects((await bench()).cache.invalidate({ match: wrong } as never), (error: Error) => error instanceof OptionError && /is not a pattern/.test(error.message))
  const broken = await bench({ storage: { ...memory(), async *keys() { yield 'a'; throw new Error('half of it') } } })
  await assert.rejects(broken.cache.invalidate({ match: '*' }), (error: Error) => error instanceof StorageError && /not all of it was looked at/.test(error.message))
  const inMemory = await bench({ secret })
  await inMemory.cache.set('a', 1)
  assert.equal((await inMemory.cache.invalidate({ match: 'a' })).matched, 1, 'in memory a secret hides nothing from itself')
})

test('Labels that lie are not believed: an entry under another\'s name is left alone', async () => {
  const storage = countedStorage()
  const { cache } = await bench({ storage: { ...storage, async *keys() { yield* storage.entries.keys() }, get: key => storage.get(key), set: (key, entry) => storage.set(key, entry, {}), delete: key => storage.delete(key) } })
  await cache.set('a', 1)
  const [name, entry] = [...storage.entries].find(([key]) => key.length === 64)!
  storage.entries.set('f'.repeat(64), entry)
  storage.entries.set('0'.repeat(64), Uint8Array.of(1, 2))
  assert.equal((await cache.invalidate({ match: '*' })).matched, 1)
  assert.deepEqual([storage.entries.has(name), storage.entries.has('f'.repeat(64)), storage.entries.has('0'.repeat(64))], [false, true, true])
})

test('An entry that cannot be read fails the scan: who asked for all must not take some for them', async () => {
  const storage = memory()
  const { cache: other } = await bench({ storage })
  await other.set('user:1', 1)
  const { cache } = await bench({ storage: { ...storage, get: async key => (key.length === 64 ? Promise.reject(new Error('unreadable')) : storage.get(key)) } })
  await assert.rejects(cache.invalidate({ match: 'user:*' }), /not all of it was looked at/)
})

test('keys() lists the texts that users made keys of in this scope, of memory and of storage, each once', async () => {
  const storage = memory()
  const writer = await bench({ storage })
  for (const key of ['user:1', 'user:2', 'team:1']) await writer.cache.set(key, key)
  await writer.cache.scope('other').set('user:9', 'theirs')
  await writer.cache.set(['user:3', 1], 'an array')
  await writer.cache.wrap(async (_: string) => 'of a function', { name: 'load' })('user:8')
  await writer.cache.settled()
  const reader = await bench({ storage })
  await reader.cache.get('user:1')
  assert.deepEqual((await reader.cache.keys()).sort(), ['team:1', 'user:1', 'user:2'])
  assert.deepEqual((await reader.cache.keys({ match: 'user:*' })).sort(), ['user:1', 'user:2'])
  assert.deepEqual(await reader.cache.scope('other').keys(), ['user:9'])
  assert.deepEqual(await reader.cache.getMany(['user:1', 'user:2', 'team:1']), ['user:1', 'user:2', 'team:1'], 'to look takes nothing away')
  assert.deepEqual((await (await bench()).cache.keys()), [])
})

test('keys() disturbs nobody who computes a value meanwhile: it is kept', async () => {
  const { cache } = await bench()
  const { promise, open } = gate<number>()
  const loading = cache.getOrSet('user:1', () => promise)
  await turns()
  assert.deepEqual(await cache.keys(), [])
  open(5)
  assert.equal(await loading, 5)
  assert.deepEqual(await cache.keys(), ['user:1'])
  assert.equal(await cache.get('user:1'), 5)
})

test('keys() says why it cannot list', async () => {
  const { get, set, delete: remove } = memory()
  await assert.rejects((await bench({ storage: { get, set, delete: remove } })).cache.keys(), /^OptionError: keys: the storage cannot say what it holds: it has no function keys\(\)\.$/)
  await assert.rejects((await bench({ storage: memory(), secret: 'a secret of sixteen' })).cache.keys(), (error: Error) => error instanceof OptionError && /a cache with a secret/.test(error.message))
  await assert.rejects((await bench()).cache.keys({ match: '' }), OptionError)
})

test('Keys that UTF-8 cannot hold are listed and forgotten like others', async () => {
  for (const storage of [false, memory()] as const) {
    const { cache } = await bench({ storage })
    const keys = ['a\ud800', '\udfff', '\ufeffmarked', '水', `${'x'.repeat(40)}\udc00`]
    for (const key of keys) await cache.set(key, key)
    await cache.settled()
    const fresh = storage === false ? cache : (await bench({ storage })).cache
    assert.deepEqual((await fresh.keys()).sort(), keys.sort())
    await fresh.invalidate({ match: '*' })
    for (const key of keys) assert.equal(await fresh.get(key), undefined)
  }
})
