import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileSystem } from '../../js/storage/file-system.js'
import { storageContract } from '../../js/testing/storage.js'

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'reprise-files-'))

for (const durability of ['process', 'power'] as const) {
  const place = async () => {
    const directory = await folder()
    return { open: () => fileSystem({ directory: join(directory, 'entries'), durability }), remove: () => rm(directory, { recursive: true }) }
  }
  storageContract(`file system, durability '${durability}'`, place, { test })
}

test('Only the owner can read entries, and no unfinished file stays behind', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory: join(directory, 'entries') })
  await storage.set('ab'.repeat(32), new Uint8Array([1]), {})
  const shelf = join(directory, 'entries', 'ab')
  assert.equal((await stat(join(directory, 'entries'))).mode & 0o777, 0o700)
  assert.deepEqual(await readdir(shelf), ['ab'.repeat(31)])
  assert.equal((await stat(join(shelf, 'ab'.repeat(31)))).mode & 0o777, 0o600)
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('A write that fails leaves the older entry and no litter', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory })
  const key = 'cd'.repeat(32)
  await storage.set(key, new Uint8Array([1]), {})
  await assert.rejects(storage.set(key, {} as Uint8Array, {}))
  assert.deepEqual(await storage.get(key), new Uint8Array([1]))
  assert.deepEqual(await readdir(join(directory, 'cd')), ['cd'.repeat(31)])
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('A key that is not hexadecimal never becomes a path', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory })
  for (const key of ['../../etc/passwd', 'a/b', '', 'AB'.repeat(32), 'ab\0cd']) {
    await assert.rejects(storage.get(key), /is not a key/)
    await assert.rejects(storage.set(key, new Uint8Array(1), {}), /is not a key/)
    await assert.rejects(storage.delete(key), /is not a key/)
  }
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('A directory that cannot be used is an error of the operation, not of the process', async () => {
  const directory = await folder()
  await writeFile(join(directory, 'file'), 'x')
  await symlink('loop', join(directory, 'loop'))
  for (const name of ['file', 'loop']) {
    const storage = fileSystem({ directory: join(directory, name) })
    await assert.rejects(storage.set('ab'.repeat(32), new Uint8Array(1), {}))
  }
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('An option that is no path is refused at once', () => {
  for (const directory of [undefined, '', 5]) assert.throws(() => fileSystem({ directory } as never), /OptionError: fileSystem: directory: .* is not a path/)
  assert.throws(() => fileSystem(undefined as never), /is not a path/)
})

test('Options that are none are refused at once, with what is right', () => {
  assert.throws(() => fileSystem({ directory: 'x', maxBytes: '1kB' as never }), /OptionError: fileSystem: maxBytes: .*'64MB'/)
  assert.throws(() => fileSystem({ directory: 'x', maxBytes: 10 }), /OptionError: fileSystem: maxBytes: .*out of range/)
  assert.throws(() => fileSystem({ directory: 'x', durability: 'disk' as never }), /OptionError: fileSystem: durability: .*'process' or 'power'/)
  assert.throws(() => fileSystem({ directory: 'x', maxSize: 5 } as never), /OptionError: fileSystem: maxSize: there is no such option/)
  assert.throws(() => fileSystem({ directory: 'a\0b' }), /OptionError: fileSystem: directory/)
})

const keyOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex')

/** An entry as its header has it; what lies behind that does not matter here. */
function entryOf(size: number, { created = Date.now() - 1e6, staleUntil = Date.now() + 1e9, cost = 100 }): Uint8Array {
  const entry = new Uint8Array(size)
  const view = new DataView(entry.buffer)
  entry.set([0x52, 0x50, 0x52, 0x53, 1])
  view.setBigInt64(40, BigInt(Math.floor(created)), true)
  view.setBigInt64(56, BigInt(Math.floor(staleUntil)), true)
  view.setFloat64(64, cost, true)
  return entry
}

/** What entries take of the disk, in whole blocks. */
async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for await (const key of fileSystem({ directory }).keys!()) {
    // Some leave meanwhile.
    const size = await stat(join(directory, key.slice(0, 2), key.slice(2))).then(({ size }) => size, () => 0)
    if (key.length === 64) bytes += 4096 * Math.ceil(size / 4096)
  }
  return bytes
}

for (const [what, size, count] of [['small', 2_000, 1_000], ['large', 150_000, 80]] as const) {
  test(`However many ${what} entries are written, by however many at once, they stay within maxBytes, and fill it`, async () => {
    const directory = await folder()
    const maxBytes = 1.5e6
    const open = () => fileSystem({ directory, maxBytes })
    const writers = [open(), open(), open()]
    for (let n = 0; n < count; n++) {
      await writers[n % 3]!.set(keyOf(n), entryOf(size, {}), {})
      // Real writers have something else to do in between.
      if (n % 10 === 0) await new Promise(resolve => setTimeout(resolve, 1))
      if (n % (count / 4) === count / 4 - 1) {
        for (const writer of writers) await writer.close!()
        for (const i of writers.keys()) writers[i] = open()
        const bytes = await bytesIn(directory)
        assert.ok(bytes <= 1.05 * maxBytes + size, `${bytes} after ${n}`)
      }
    }
    const bytes = await bytesIn(directory)
    assert.ok(bytes >= 0.7 * maxBytes, `${bytes} of ${maxBytes} are used`)
    await rm(directory, { recursive: true, maxRetries: 10 })
  })
}

test('Two that have one storage: when one of them closes it, it stays within maxBytes for the other', async () => {
  const directory = await folder()
  const maxBytes = 1.5e6
  const storage = fileSystem({ directory, maxBytes })
  await storage.close!()
  for (let n = 0; n < 60; n++) {
    await storage.set(keyOf(n), entryOf(150_000, {}), {})
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  await storage.close!()
  const bytes = await bytesIn(directory)
  assert.ok(bytes <= 1.05 * maxBytes + 150_000, `${bytes} of ${maxBytes}`)
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('What is over leaves first, then what was cheap to make for what it takes and for its age; tokens never leave', async () => {
  const directory = await folder()
  const before = fileSystem({ directory, maxBytes: '100MB' })
  const kinds = { over: { staleUntil: Date.now() - 1 }, cheap: { cost: 1 }, old: { cost: 100, created: Date.now() - 1e9 }, dear: { cost: 100_000 } }
  const kindOf = new Map<string, string>()
  let n = 0
  for (let i = 0; i < 200; i++) {
    for (const [kind, header] of Object.entries(kinds)) {
      const key = keyOf(n++)
      kindOf.set(key, kind)
      await before.set(key, entryOf(4_000, header), {})
      const path = join(directory, key.slice(0, 2), key.slice(2))
      if (kind === 'old') await utimes(path, new Date(Date.now() - 1e9), new Date(Date.now() - 1e9))
    }
    await before.set(keyOf(i).slice(48), new Uint8Array(16), {})
  }
  await before.close!()
  // 3.3 MB are there. Half of them are to leave, which takes as long as it takes.
  const after = fileSystem({ directory, maxBytes: 1_700_000 })
  for (let i = 0; (await bytesIn(directory)) > 1_700_000; i++) {
    assert.ok(i < 1_000, 'what was too much never left')
    await after.set(keyOf(1e6 + (i % 40)), entryOf(4_000, { cost: 100_000 }), {})
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  await after.close!()
  const left: Record<string, number> = { over: 0, cheap: 0, old: 0, dear: 0, token: 0 }
  for await (const key of after.keys!()) left[key.length === 16 ? 'token' : (kindOf.get(key) ?? 'new')] = (left[key.length === 16 ? 'token' : (kindOf.get(key) ?? 'new')] ?? 0) + 1
  assert.equal(left['token'], 200)
  // Choices are made folder by folder, and some folders hold nothing but what is dear.
  const said = JSON.stringify(left)
  assert.ok(left['over']! < 30, said)
  assert.ok(left['over']! < left['old']! && left['old']! < left['cheap']! && left['cheap']! < left['dear']!, said)
  assert.ok(left['dear']! > 150, said)
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('A ledger that is damaged, or a link, harms nobody', async () => {
  const directory = await folder()
  for (const ledger of [new Uint8Array(5), new Uint8Array(4096).fill(255), new Uint8Array(Float64Array.from({ length: 512 }, () => 1e15).buffer), new Uint8Array(100_000)]) {
    const storage = fileSystem({ directory, maxBytes: 1e6 })
    await writeFile(join(directory, 'ledger'), ledger)
    for (let n = 0; n < 150; n++) await storage.set(keyOf(n), entryOf(4_000, {}), {})
    await storage.close!()
    const bytes = await bytesIn(directory)
    assert.ok(bytes > 400_000, `${bytes}: too much was removed`)
  }
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('Litter is swept when its writer is gone and it is older than a minute, or older than an hour', async () => {
  const directory = await folder()
  const drafts = join(directory, 'tmp')
  await mkdir(drafts, { mode: 0o700 })
  const minutesOld: Record<string, number> = { [`${process.pid}-a-1`]: 2, [`${process.pid}-a-2`]: 90, '999999999-b-1': 2, '999999999-b-2': 0, 'no number': 2 }
  for (const [name, minutes] of Object.entries(minutesOld)) {
    await writeFile(join(drafts, name), 'half of')
    const time = new Date(Date.now() - minutes * 60_000)
    await utimes(join(drafts, name), time, time)
  }
  const storage = fileSystem({ directory })
  await storage.set(keyOf(1), new Uint8Array(1), {})
  await storage.close!()
  assert.deepEqual((await readdir(drafts)).sort(), ['999999999-b-2', `${process.pid}-a-1`].sort())
  assert.equal(await readFile(join(directory, '.gitignore'), 'utf8'), '*\n')
  await rm(directory, { recursive: true, maxRetries: 10 })
})

test('Large entries are written and read without holding up the process', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory })
  const large = new Uint8Array(20_000_000).map((_, i) => i * 7)
  await storage.set(keyOf(0), large, {})
  let turns = 0
  const ticking = setInterval(() => turns++, 1)
  const [found] = await Promise.all([storage.get(keyOf(0)), storage.set(keyOf(1), large, {})])
  clearInterval(ticking)
  assert.deepEqual(found, large)
  assert.ok(turns > 0, 'nothing else had its turn')
  await rm(directory, { recursive: true, maxRetries: 10 })
})
