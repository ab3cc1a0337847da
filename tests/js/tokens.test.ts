import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { StorageGuard } from '../../js/storage/guard.js'
import { memory } from '../../js/storage/memory.js'
import { virtualClock } from '../../js/testing/index.js'
import { hex, type Tag, Tokens } from '../../js/tokens.js'
import { countedStorage, gate, until } from './harness.js'

const name = (value: string, scope: Tag['scope'] = null): Tag => ({ scope, kind: 'name', value })

function registry(storage: ReturnType<typeof countedStorage> | undefined, digests = true, clock: { now: number; stopwatch?: number } = { now: 0 }, drawnBefore = 0) {
  const told: string[] = []
  const carried = new Set<string>()
  const inUse = new Set<string>()
  let drawn = drawnBefore
  const tokens = new Tokens({
    storage: storage && new StorageGuard(storage, () => {}, undefined, virtualClock(), 250),
    lagMs: 5_000,
    now: () => clock.now,
    stopwatch: () => clock.stopwatch ?? clock.now,
    digest: async bytes => (digests ? new Uint8Array(createHash('sha256').update(bytes).digest()) : undefined),
    randomBytes: count => new Uint8Array(count).fill(++drawn),
    setToken: pair => told.push(hex(pair)),
    forgetToken: pair => !carried.has(hex(pair)),
    inUse: () => inUse,
    renewed: () => {},
  })
  return { tokens, told, carried, inUse }
}

test('A tag keeps its token, in this process and the next', async () => {
  const storage = countedStorage()
  const one = registry(storage)
  const { pairs, shared } = await one.tokens.snapshot([name('a'), name('b')])
  assert.equal(pairs.length, 32)
  assert.equal(shared, true)
  assert.deepEqual((await one.tokens.snapshot([name('a'), name('b')])).pairs, pairs)
  const two = registry(storage)
  await two.tokens.snapshot([name('zzz')])
  assert.deepEqual((await two.tokens.snapshot([name('a'), name('b')])).pairs, pairs)
  assert.equal(one.told.length, 2, 'the judge is told once')
})

test('Tags of another kind, value or scope have other numbers', async () => {
  const numbers = new Set<string>()
  for (const scope of [null, 'a', 'b', ['a', 'b'], ['b', 'a']]) {
    for (const tag of [name('a', scope), name('b', scope), { scope, kind: 'scope', value: 'a' }, { scope, kind: 'scope', value: null }] as Tag[]) {
      numbers.add(hex((await registry(countedStorage()).tokens.snapshot([tag])).pairs.subarray(0, 8)))
    }
  }
  assert.equal(numbers.size, 20)
})

test('A renewed token is another one, for this process at once and for the next', async () => {
  const storage = countedStorage()
  const one = registry(storage)
  const before = (await one.tokens.snapshot([name('a')])).pairs
  await one.tokens.renew(name('a'))
  const after = (await one.tokens.snapshot([name('a')])).pairs
  assert.deepEqual(before.subarray(0, 8), after.subarray(0, 8))
  assert.notDeepEqual(before, after)
  assert.deepEqual((await registry(storage).tokens.snapshot([name('a')])).pairs, after)
})

test('A token that cannot be read is drawn for this process alone, and asked for again', async () => {
  const storage = countedStorage()
  const stored = (await registry(storage).tokens.snapshot([name('a')])).pairs
  const two = registry(storage)
  storage.failing = true
  const local = await two.tokens.snapshot([name('a')])
  assert.equal(local.shared, false)
  storage.failing = false
  assert.deepEqual(await two.tokens.snapshot([name('a')]), { pairs: stored, shared: true, changes: 0 })
})

test('A damaged token is drawn anew: everything under the tag dies', async () => {
  const storage = countedStorage()
  const before = (await registry(storage).tokens.snapshot([name('a')])).pairs
  const [place] = [...storage.entries.keys()]
  storage.entries.set(place!, new Uint8Array([1, 2, 3]))
  const tokens = registry(storage).tokens
  await tokens.renew(name('b'))
  assert.notDeepEqual((await tokens.snapshot([name('a')])).pairs, before)
})

test('A token renewed while it was being loaded stays renewed', async () => {
  const storage = countedStorage()
  const { tokens, told } = registry(storage)
  const loading = tokens.snapshot([name('a')])
  await tokens.renew(name('a'))
  const [{ pairs }, now] = await Promise.all([loading, tokens.snapshot([name('a')])])
  assert.equal(hex(now.pairs), told.at(-1))
  assert.ok(hex(pairs) !== hex(now.pairs) || told.length >= 1)
})

test('A new judge is told what the old one knew', async () => {
  const { tokens } = registry(undefined)
  const { pairs } = await tokens.snapshot([name('a')])
  const told: string[] = []
  tokens.retell(pair => told.push(hex(pair)))
  assert.deepEqual(told, [hex(pairs)])
})

test('Two processes that meet a tag for the first time at the same moment agree on its token', async () => {
  const storage = { ...countedStorage(), ...memory() }
  const [one, two] = [registry(storage), registry(storage, true, undefined, 100)]
  const [first, second] = await Promise.all([one.tokens.snapshot([name('a')]), two.tokens.snapshot([name('a')])])
  assert.deepEqual(first, second)
  assert.equal(first.shared, true)
  assert.deepEqual((await registry(storage).tokens.snapshot([name('a')])).pairs, first.pairs)
})

test('Where the storage cannot say who was first, they agree when they ask it for news', async () => {
  const storage = countedStorage()
  const [one, two] = [registry(storage), registry(storage, true, undefined, 100)]
  await Promise.all([one.tokens.catchUp(), two.tokens.catchUp()])
  await Promise.all([one.tokens.snapshot([name('a')]), two.tokens.snapshot([name('a')])])
  await Promise.all([one.tokens.catchUp(), two.tokens.catchUp()])
  const { pairs } = await registry(storage).tokens.snapshot([name('a')])
  assert.deepEqual((await one.tokens.snapshot([name('a')])).pairs, pairs)
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, pairs)
})

test('Two processes that find a token lost agree on the next one', async () => {
  const storage = { ...countedStorage(), ...memory() }
  const [one, two] = [registry(storage), registry(storage, true, undefined, 100)]
  const before = await one.tokens.snapshot([name('a')])
  await two.tokens.snapshot([name('a')])
  await Promise.all([one.tokens.catchUp(), two.tokens.catchUp()])
  await storage.clear!()
  await registry(storage, true, undefined, 50).tokens.renew(name('b'))
  await Promise.all([one.tokens.catchUp(), two.tokens.catchUp()])
  const after = await one.tokens.snapshot([name('a')])
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, after.pairs)
  assert.notDeepEqual(after.pairs, before.pairs)
})

test('Others\' invalidations are asked for in time though the clock is turned back, or the machine has slept', async () => {
  const clock = { now: 1e9, stopwatch: 0 }
  const { tokens } = registry(countedStorage(), true, clock)
  const due = (now: number, stopwatch: number): string => {
    Object.assign(clock, { now, stopwatch })
    return tokens.due(now)
  }
  assert.deepEqual([due(1e9 + 2_000, 2_000), due(1e9 + 2_600, 2_600), due(1e9 + 5_000, 5_000)], ['no', 'soon', 'now'])
  assert.deepEqual([due(1e9 - 3_600_000, 2_000), due(1e9 - 3_600_000, 5_000), due(1e9 + 3_600_000, 2_000)], ['no', 'now', 'now'])
  await tokens.catchUp()
  assert.deepEqual([due(1e9, 2_000), due(1e9, 7_000)], ['no', 'now'])
  assert.equal(registry(undefined, true, clock).tokens.due(1e12), 'no', 'without a storage there is nobody to ask')
})

test('Where no digest can be had, a tag is this process\'s alone, and the storage is left alone', async () => {
  const storage = countedStorage()
  const { tokens } = registry(storage, false)
  assert.equal((await tokens.snapshot([name('a')])).shared, false)
  await tokens.renew(name('a'))
  assert.deepEqual(storage.calls, [])
})

test('To expire a tag does not undo what another process has invalidated meanwhile', async () => {
  const storage = countedStorage()
  const [one, two, three] = [registry(storage), registry(storage), registry(storage)]
  const before = (await one.tokens.snapshot([name('a')])).pairs
  await two.tokens.snapshot([name('a')])
  let drawn = 100
  ;(two.tokens as unknown as { tools: { randomBytes(count: number): Uint8Array } }).tools.randomBytes = count => new Uint8Array(count).fill(++drawn)
  await two.tokens.renew(name('a'))
  await one.tokens.renew(name('a'), true)
  const after = (await three.tokens.snapshot([name('a')])).pairs
  assert.notEqual(hex(after.subarray(8, 13)), hex(before.subarray(8, 13)))
})

test('An expiry that is slower than an invalidation elsewhere does not undo it, and is one of what was made since, too', async () => {
  const storage = countedStorage()
  const held = gate()
  let writes = 0
  const slow = { ...storage, set: async (...what: Parameters<typeof storage.set>) => { writes++; await held.promise; await storage.set(...what) } }
  const [tag, soft] = [name('a'), 8 + 5]
  const one = registry(storage)
  const before = (await one.tokens.snapshot([tag])).pairs
  const two = registry(slow as typeof storage, true, undefined, 100)
  await two.tokens.snapshot([tag])
  const expiry = two.tokens.renew(tag, true)
  await until(() => writes === 1)
  await one.tokens.renew(tag)
  const after = (await one.tokens.snapshot([tag])).pairs
  held.open()
  await expiry
  const found = (await registry(storage).tokens.snapshot([tag])).pairs
  assert.notDeepEqual(found.subarray(8, soft), before.subarray(8, soft), 'the invalidation stands')
  assert.deepEqual(found.subarray(8, soft), after.subarray(8, soft))
  assert.notDeepEqual(found.subarray(soft), after.subarray(soft), 'what was made after it, and before the expiry was done, is stale')
  assert.deepEqual((await two.tokens.snapshot([tag])).pairs, found)
})

test('Where a storage may answer with what was there before, tokens are read once more when it cannot any longer', async () => {
  const clock = { now: 0 }
  const storage = countedStorage()
  const old = new Map<string, Uint8Array>()
  const late = { ...storage, lateMs: 60_000, get: async (key: string) => old.get(key) ?? (await storage.get(key)) }
  const one = registry(storage)
  const before = (await one.tokens.snapshot([name('a')])).pairs
  const two = registry(late as typeof storage, true, clock, 100)
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, before)
  await two.tokens.catchUp()
  for (const [key, value] of storage.entries) old.set(key, value)
  await one.tokens.renew(name('a'))
  const after = (await one.tokens.snapshot([name('a')])).pairs
  // The epoch is new already, the token is not.
  const place = hex(before.subarray(0, 8))
  for (const key of [...old.keys()]) if (key !== place) old.delete(key)
  clock.now = 10_000
  await two.tokens.catchUp()
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, before)
  old.clear()
  for (const now of [30_000, 60_000, 70_000]) {
    clock.now = now
    await two.tokens.catchUp()
  }
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, after)
})

test('A storage that has lost what it was told does not bring a token back', async () => {
  const storage = countedStorage()
  const { tokens } = registry(storage)
  await tokens.snapshot([name('a')])
  await tokens.catchUp()
  const entries = new Map(storage.entries)
  await tokens.renew(name('a'))
  const renewed = (await tokens.snapshot([name('a')])).pairs
  for (const [key, entry] of entries) storage.entries.set(key, entry)
  await registry(storage).tokens.renew(name('b'))
  await tokens.catchUp()
  assert.deepEqual((await tokens.snapshot([name('a')])).pairs, renewed)
  assert.deepEqual((await registry(storage).tokens.snapshot([name('a')])).pairs, renewed, 'and the storage is told again')
})

test('An expiry that begins with an invalidation, before the tag is known, does not undo it', async () => {
  const storage = countedStorage()
  const before = (await registry(storage).tokens.snapshot([name('a')])).pairs
  const { tokens } = registry(storage)
  await Promise.all([tokens.renew(name('a')), tokens.renew(name('a'), true)])
  const after = (await tokens.snapshot([name('a')])).pairs
  assert.notDeepEqual(after.subarray(8, 13), before.subarray(8, 13))
})

test('A token that could not be read when the epoch changed is read the next time', async () => {
  const storage = countedStorage()
  const clock = { now: 0 }
  const one = registry(storage)
  const two = registry(storage, true, clock, 100)
  await one.tokens.snapshot([name('a')])
  const before = (await two.tokens.snapshot([name('a')])).pairs
  await two.tokens.catchUp()
  await one.tokens.renew(name('a'))
  const { get } = storage
  let fails = 0
  storage.get = async key => {
    // The epoch is read first, alone.
    if (++fails === 2) throw new Error('just this once')
    return get(key)
  }
  clock.now += 5_000
  await two.tokens.catchUp()
  storage.get = get
  assert.deepEqual((await two.tokens.snapshot([name('a')])).pairs, before, 'it could not know')
  clock.now += 5_000
  await two.tokens.catchUp()
  assert.notDeepEqual((await two.tokens.snapshot([name('a')])).pairs, before)
})

test('All tags are asked for at once', async () => {
  const storage = countedStorage()
  const reads = gate()
  const { get } = storage
  let asked = 0
  storage.get = async key => {
    asked++
    await reads.promise
    return get(key)
  }
  const loading = registry(storage).tokens.snapshot([name('a'), name('b'), name('c')])
  await until(() => asked === 6)
  reads.open()
  assert.equal((await loading).pairs.length, 48)
})

/** A new tag after the other, as from one request after the other. */
async function meetMany(tokens: Tokens, from = 0, count = 5_000): Promise<void> {
  for (let i = from; i < from + count; i++) await tokens.snapshot([name(`tag ${i}`)])
}

for (const stored of [false, true]) {
  const where = stored ? 'with a storage' : 'without a storage'
  const newRegistry = (clock?: { now: number; stopwatch: number }): ReturnType<typeof registry> => registry(stored ? countedStorage() : undefined, true, clock)

  test(`Tags that nothing carries any more are forgotten (${where})`, async () => {
    const { tokens } = newRegistry()
    await meetMany(tokens)
    assert.ok(tokens.size < 1_500, `${tokens.size} are known`)
  })

  test(`What an entry or a call carries, and what is asked for again and again, is not forgotten (${where})`, async () => {
    const { tokens, carried, inUse } = newRegistry()
    const pairs = async (value: string): Promise<string> => hex((await tokens.snapshot([name(value)])).pairs)
    const ofEntry = await pairs('of an entry')
    const ofCall = await pairs('of a call')
    const usual = await pairs('usual')
    carried.add(ofEntry)
    inUse.add('name:of a call')
    for (let i = 0; i < 20; i++) {
      await meetMany(tokens, i * 250, 250)
      assert.equal(await pairs('usual'), usual)
    }
    assert.equal(tokens.alive(Uint8Array.from(Buffer.from(ofEntry + ofCall, 'hex'))), stored, 'only tags with a place are known by number')
    assert.equal(await pairs('of an entry'), ofEntry)
    assert.equal(await pairs('of a call'), ofCall)
  })

  test(`A tag that was forgotten is another from then on, or what storage has (${where})`, async () => {
    const { tokens } = newRegistry()
    const before = hex((await tokens.snapshot([name('a')])).pairs)
    await meetMany(tokens)
    const after = hex((await tokens.snapshot([name('a')])).pairs)
    assert.equal(before === after, stored)
  })

  test(`Who only renews tags forgets those of more than a minute ago (${where})`, async () => {
    const clock = { now: 0, stopwatch: 0 }
    const { tokens } = newRegistry(clock)
    for (let i = 0; i < 3_000; i++) await tokens.renew(name(`tag ${i}`))
    assert.ok(tokens.size >= 3_000)
    clock.stopwatch = 60_001
    for (let i = 3_000; i < 6_000; i++) await tokens.renew(name(`tag ${i}`))
    assert.ok(tokens.size < 3_500, `${tokens.size} are known`)
  })

  test(`A tag that was renewed is remembered for a minute, and what began before that knows it for longer (${where})`, async () => {
    const clock = { now: 0, stopwatch: 0 }
    const { tokens } = newRegistry(clock)
    const before = await tokens.snapshot([name('usual')])
    await tokens.renew(name('a'))
    const renewed = (await tokens.snapshot([name('a')])).pairs
    await meetMany(tokens)
    assert.deepEqual((await tokens.snapshot([name('a')])).pairs, renewed)
    clock.stopwatch = 60_001
    await meetMany(tokens, 5_000)
    assert.ok(tokens.size < 1_500, `${tokens.size} are known`)
    assert.equal(await tokens.extended(before, [name('a')]), undefined, 'it was forgotten, but not that one was')
    assert.equal(tokens.changedSince(before, [name('b')]), true)
    const later = await tokens.snapshot([name('usual')])
    assert.notEqual(await tokens.extended(later, [name('c')]), undefined)
  })
}

test('A tag that is heard of for the first time has not changed, whatever else has', async () => {
  const { tokens } = registry(undefined)
  const before = await tokens.snapshot([name('usual')])
  await tokens.renew(name('a'))
  assert.notEqual(await tokens.extended(before, [name('b')]), undefined)
  assert.equal(await tokens.extended(before, [name('a')]), undefined)
})

test('What the storage could not be told of is not forgotten', async () => {
  const storage = countedStorage()
  const clock = { now: 0, stopwatch: 0 }
  const { tokens } = registry(storage, true, clock)
  await tokens.snapshot([name('a')])
  storage.failing = true
  await tokens.renew(name('a'))
  storage.failing = false
  clock.stopwatch = 60_001
  await meetMany(tokens)
  assert.notEqual(tokens.untold, 0)
  await tokens.makeUp()
  assert.equal(tokens.untold, 0)
  assert.deepEqual((await registry(storage).tokens.snapshot([name('a')])).pairs, (await tokens.snapshot([name('a')])).pairs)
})
