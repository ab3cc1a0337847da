/**
 * Files on bad days: full disks, no descriptors, failing disks, limits, other users, read-only file systems, and hands that should not be there. Each
 * through a whole cache: the function ran exactly once for each wave of callers, its value came back, the counter rose by exactly the faults, and
 * nobody was left with an error that nobody heard of. (F1, F8: tests/torture/files.test.ts.)
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Core, status } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { fileSystem } from '../../js/storage/file-system.js'
import { kind } from '../../js/value.js'
import { bench, compile } from '../js/harness.js'
import { bundled } from './bundled.js'
import type { Told, Went } from './files-child.js'

const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? false : 'only root may mount and be somebody else: run it as root'
const unix = process.platform === 'win32' ? 'this is Windows' : false
const works = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let program: Awaited<ReturnType<typeof bundled>>
let folder: string

before(async () => {
  program = await bundled('tests/contract/files-child.ts')
  folder = await mkdtemp(join(tmpdir(), 'reprise-faults-'))
  await chmod(folder, 0o755)
})
after(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

/** Runs calls in a process of their own, after `shell` (such as `ulimit -n 40`) and under `under` (such as strace). */
async function calls(told: Told, how: { shell?: string; under?: string; uid?: number } = {}): Promise<Went> {
  const command = `${how.shell ?? ':'} && exec ${how.under ?? ''} "$0" "$@"`
  const user = how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }
  const { stdout } = await promisify(execFile)('bash', ['-c', command, process.execPath, program.file, JSON.stringify(told)], { cwd: '/', ...user })
  return JSON.parse(stdout) as Went
}

/** What holds for every fault. */
function assertUnharmed(went: Went, runs: number, message: RegExp): void {
  assert.deepEqual(went.strays, [])
  assert.equal(went.runs, runs, 'the function ran once for each wave')
  assert.ok(went.right, 'its value came back')
  assert.equal(went.counted, went.rejected.length, 'the counter rose by the faults')
  assert.equal(went.events, went.rejected.length, 'each was an event')
  assert.ok(went.rejected.length > 0, 'there was no fault')
  for (const said of went.rejected) assert.match(said, message)
}

const drafts = (directory: string): Promise<string[]> => readdir(join(directory, 'tmp'))

/** The names of the entries that lie there. */
async function entriesIn(directory: string): Promise<string[]> {
  const names: string[] = []
  for await (const key of fileSystem({ directory }).keys!()) if (key.length === 64) names.push(key)
  return names
}

/** Every entry that is there is whole, and answers a new process. */
async function assertAnswers(directory: string, count: number, bytes: number): Promise<void> {
  const entries = await entriesIn(directory)
  assert.equal(entries.length, count)
  const went = await calls({ directory, calls: 0, bytes })
  assert.deepEqual([went.right, went.strays], [true, []])
  for (const key of entries) {
    const entry = await readFile(join(directory, key.slice(0, 2), key.slice(2)))
    assert.equal(entry.subarray(0, 4).toString(), 'RPRS')
    assert.ok(entry.length > bytes, `an entry of ${entry.length} bytes cannot be whole`)
  }
}

test('F3: on a full disk calls go on, what was there stays, and no half of a file is left', { skip: needsRoot }, async t => {
  const directory = await mkdtemp(join(folder, 'full-'))
  if (!works('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', directory)) return t.skip('mount does not work here')
  try {
    const went = await calls({ directory: join(directory, 'entries'), calls: 20, bytes: 100_000 })
    assertUnharmed(went, 20, /^set: fileSystem: could not write .*ENOSPC.*The disk is full: make room/)
    const kept = 21 - went.rejected.length
    assert.ok(kept >= 5 && kept < 12, `${kept} of a megabyte`)
    assert.deepEqual(await drafts(join(directory, 'entries')), [])
    await assertAnswers(join(directory, 'entries'), kept, 100_000)
  } finally {
    execFileSync('umount', [directory])
  }
})

test('F4: without a free descriptor calls go on, and the storage is used again as soon as there is one', { skip: unix }, async () => {
  const directory = join(folder, 'descriptors')
  const went = await calls({ directory, calls: 5, bytes: 2_000, descriptors: true }, { shell: 'ulimit -n 60' })
  assertUnharmed(went, 5, /EMFILE.*(raise `ulimit -n`)/)
  assert.equal(went.after, 0)
  assert.equal((await entriesIn(directory)).length, 2, 'the first and the last')
})

const strace = !works('strace', '-f', '-o', '/dev/null', 'true') && 'there is no strace here, or it may not trace: install it'
const injections: [string, Partial<Told>, string, RegExp][] = [
  ['no room for a name', {}, 'rename,renameat,renameat2:error=ENOSPC:when=5+', /^set: .*ENOSPC/],
  ['a disk that fails as it is asked to hold on to something', { durability: 'power' }, 'fsync,fdatasync:error=EIO:when=20+', /^set: .*EIO.*The disk fails/],
]
for (const [what, told, inject, message] of injections) {
  test(`F5: ${what}: calls go on, and nothing unfinished is left`, { skip: strace }, async () => {
    const directory = join(folder, `inject-${inject.slice(0, 6)}`)
    const syscalls = inject.slice(0, inject.indexOf(':'))
    // strace counts for each thread, and a slow disk is asked by the pool's instead of the main one: of 12 calls two such counts leave some that fail.
    const went = await calls({ directory, calls: 12, bytes: 2_000, ...told }, { shell: 'export UV_THREADPOOL_SIZE=1', under: `strace -f -o /dev/null -e trace=${syscalls} -e inject=${inject}` })
    assertUnharmed(went, 12, message)
    assert.deepEqual(await drafts(directory), [])
    assert.ok(went.acknowledged > 0)
    assert.ok((await entriesIn(directory)).length >= went.acknowledged, 'what was acknowledged is there')
  })
}

test('F6: a limit on the size of files cuts no entry short', { skip: unix }, async () => {
  const directory = join(folder, 'limit')
  const went = await calls({ directory, calls: 5, bytes: 20_000 }, { shell: 'ulimit -f 4' })
  assertUnharmed(went, 5, /^set: fileSystem: could not write .*EFBIG.*raise `ulimit -f`/)
  assert.equal(went.rejected.length, 5)
  assert.deepEqual([await drafts(directory), await entriesIn(directory)], [[], []])
})

test('F5: another user, who may not enter, computes', { skip: needsRoot }, async () => {
  const directory = join(folder, 'private')
  await calls({ directory, calls: 3, bytes: 2_000 })
  const went = await calls({ directory, calls: 3, bytes: 2_000, fromTheStart: true }, { uid: 65534 })
  assertUnharmed(went, 4, /EACCES.*To do|EACCES.*This process may not|belongs to another user/)
  assert.equal((await entriesIn(directory)).length, 4)
})

test('F5: on a read-only file system what is there answers, and what is new is computed', { skip: needsRoot }, async t => {
  const directory = await mkdtemp(join(folder, 'read-only-'))
  if (!works('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', directory)) return t.skip('mount does not work here')
  try {
    const entries = join(directory, 'entries')
    await calls({ directory: entries, calls: 3, bytes: 2_000 })
    execFileSync('mount', ['-o', 'remount,ro', directory])
    const went = await calls({ directory: entries, calls: 5, bytes: 2_000 })
    // Three of five were there.
    assertUnharmed(went, 2, /^set: .*EROFS.*read-only/)
    assert.equal(went.rejected.length, 2)
  } finally {
    execFileSync('umount', [directory])
  }
})

test('F7: files that were exchanged, cut, emptied or zeroed are refused, counted and computed anew', async () => {
  const directory = join(folder, 'exchanged')
  let runs = 0
  const cached = async () => {
    const { cache, events } = await bench({ storage: fileSystem({ directory }) })
    return { cache, events, load: cache.wrap(async (n: number) => `value ${n}, run ${++runs}`, { name: 'load' }) }
  }
  const first = await cached()
  for (let n = 0; n < 12; n++) await first.load(n)
  await first.cache.settled()
  const paths = (await entriesIn(directory)).map(key => join(directory, key.slice(0, 2), key.slice(2)))
  assert.equal(paths.length, 12)
  const contents = await Promise.all(paths.map(path => readFile(path)))
  const damage: ((i: number) => Uint8Array)[] = [
    i => contents[(i + 1) % 12]!,
    i => contents[i]!.subarray(0, contents[i]!.length >> 1),
    () => new Uint8Array(0),
    i => new Uint8Array(contents[i]!.length),
    i => contents[i]!.map((byte, at) => (at === 4 ? byte + 1 : byte)),
  ]
  for (const damaged of damage) {
    for (const [i, path] of paths.entries()) await writeFile(path, damaged(i))
    runs = 100
    const { cache, events, load } = await cached()
    for (let n = 0; n < 12; n++) assert.equal(await load(n), `value ${n}, run ${101 + n}`)
    await cache.settled()
    assert.equal(events.filter(({ type }) => type === 'refused').length, 12)
    assert.deepEqual([runs, cache.stats().storageErrors], [112, 0])
  }
})

test('F7: every bit of an entry of a kilobyte flipped, every cut, and every pair of entries exchanged: the core refuses all', async () => {
  const core = await Core.create(await compile(), { maxBytes: 4_000_000, maxEntryBytes: 1_000_000 }, Uint32Array.of(1, 2, 3, 4), false)
  const prefix = keyPrefix(null, 'load', null)
  const payload = { kind: kind.bytes, bytes: new Uint8Array(1024 - 96).map((_, i) => i * 31) }
  const sealed = Array.from({ length: 24 }, (_, n) => {
    core.digest(prefix, [n])
    const key = core.key()
    const name = new Uint8Array(32).fill(n)
    core.store(key, { payload, tokens: new Uint8Array(0), costMs: 1, ttlMs: Infinity, staleForMs: 0 }, 0)
    return { key, name, entry: core.seal(name, payload) }
  })
  const refuses = (at: number, entry: Uint8Array): boolean => core.admit(sealed[at]!.key, sealed[at]!.name, entry, 0).status !== status.ok
  const { entry } = sealed[0]!
  assert.equal(entry.length, 1024)
  for (let bit = 0; bit < 8 * entry.length; bit++) {
    entry[bit >> 3]! ^= 1 << (bit & 7)
    assert.ok(refuses(0, entry), `bit ${bit}`)
    entry[bit >> 3]! ^= 1 << (bit & 7)
  }
  for (let length = 0; length < entry.length; length++) assert.ok(refuses(0, entry.slice(0, length)), `${length} bytes`)
  for (const i of sealed.keys()) for (const [j, { entry }] of sealed.entries()) assert.equal(refuses(i, entry), i !== j, `${j} under the name of ${i}`)
})

test('F9: names that would lead elsewhere are refused before anything is touched, for tens of thousands of them', async () => {
  const directory = join(folder, 'hostile')
  const storage = fileSystem({ directory })
  const pieces = ['..', '/', '\\', '\0', 'CON', 'a', 'f0', '.', ' ', '%2e', ':', '?', 'A', '\u202e', 'é', '~', '\n', 'nul', '0'.repeat(300)]
  let seed = 1
  const random = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n
  for (let i = 0; i < 30_000; i++) {
    const key = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]).join('')
    if (/^[0-9a-f]{8,128}$/.test(key)) continue
    const refused = await (i % 3 === 0 ? storage.get(key) : i % 3 === 1 ? storage.set(key, new Uint8Array(1), {}) : storage.delete(key)).then(() => false, (error: Error) => /is not a key/.test(error.message))
    assert.ok(refused, JSON.stringify(key))
  }
  await assert.rejects(stat(directory), /ENOENT/, 'not even the folder was made')
})

test('F9: keys of users, however odd, are entries of their own, and nothing is written outside', async () => {
  const outside = await mkdtemp(join(folder, 'outside-'))
  const directory = join(outside, 'in')
  const { cache } = await bench({ storage: fileSystem({ directory }) })
  const keys = ['../../x', '/etc/passwd', 'a', 'a/b', 'a:b', 'A', 'CON', 'nul\0byte', 'x'.repeat(300), '', '.', '..', '\u00e9', 'e\u0301', '\ud800', 'foo?q=1', 'foo?q=2', '~/.ssh', '-rf', '%2e%2e%2f']
  for (const key of keys) await cache.set(key, `of ${key}`)
  await cache.settled()
  assert.deepEqual(await readdir(outside), ['in'])
  assert.equal((await entriesIn(directory)).length, keys.length)
  const later = await bench({ storage: fileSystem({ directory }) })
  for (const key of keys) assert.equal(await later.cache.get(key), `of ${key}`)
  assert.equal(later.cache.stats().storageErrors, 0)
})

test('F9: a link where an entry should be is not followed; the call computes, and its entry takes the place', { skip: unix }, async () => {
  const directory = join(folder, 'links')
  const secret = join(folder, 'secret')
  await writeFile(secret, 'the secret')
  const first = await bench({ storage: fileSystem({ directory }) })
  await first.cache.set('k', 1)
  await first.cache.settled()
  const [key] = await entriesIn(directory)
  const path = join(directory, key!.slice(0, 2), key!.slice(2))
  await rm(path)
  await symlink(secret, path)
  const { cache, events } = await bench({ storage: fileSystem({ directory }) })
  let runs = 0
  assert.equal(await cache.getOrSet('k', () => ++runs), 1)
  await cache.settled()
  assert.deepEqual([runs, cache.stats().storageErrors, await readFile(secret, 'utf8')], [1, 0, 'the secret'])
  assert.deepEqual(events.flatMap(event => (event.type === 'refused' ? [event.reason] : [])), ['truncated'])
  assert.ok((await stat(path)).isFile())
  assert.equal(await (await bench({ storage: fileSystem({ directory }) })).cache.get('k'), 1)
})

test('F9: a pipe where an entry should be holds nobody up', { skip: unix || (!works('mkfifo', '--version') && 'there is no mkfifo here') }, async () => {
  const directory = join(folder, 'pipes')
  const storage = fileSystem({ directory })
  const key = 'ab'.repeat(32)
  await storage.set(key, new Uint8Array(1), {})
  const path = join(directory, key.slice(0, 2), key.slice(2))
  await rm(path)
  execFileSync('mkfifo', [path])
  assert.deepEqual(await storage.get(key), new Uint8Array(0))
  await storage.set(key, new Uint8Array(2), {})
  assert.deepEqual(await storage.get(key), new Uint8Array(2))
})

for (const durability of ['process', 'power'] as const) {
  const odd: Record<string, (path: string) => Promise<unknown>> = {
    'a link': path => symlink(join(folder, 'nowhere'), path),
    'a link to a file': path => symlink(fileURLToPath(import.meta.url), path),
    'a pipe': async path => execFileSync('mkfifo', [path]),
    'an empty folder': path => mkdir(path),
    'a folder with something in it': async path => { await mkdir(path); await writeFile(join(path, 'theirs'), 'x') },
  }
  test(`F9: what is no file in the place of an entry is damaged, and gone after a check, durability '${durability}'`, { skip: unix || (!works('mkfifo', '--version') && 'there is no mkfifo here') }, async () => {
    for (const [what, plant] of Object.entries(odd)) {
      const directory = await mkdtemp(join(folder, 'odd-'))
      const open = () => fileSystem({ directory, durability })
      const { cache } = await bench({ storage: open() })
      await cache.set('a', 1)
      await cache.scope('acme').set('b', 2)
      await cache.settled()
      const planted = join(directory, 'ab', 'c'.repeat(62))
      await mkdir(join(directory, 'ab'), { recursive: true, mode: 0o700 })
      await plant(planted)
      assert.deepEqual(await open().get(`ab${'c'.repeat(62)}`), new Uint8Array(0), what)
      const stays = what === 'a folder with something in it'
      const { entries, damaged, removed } = await cache.check()
      assert.deepEqual({ entries, damaged, removed }, { entries: 3, damaged: 1, removed: 1 }, what)
      assert.equal(await lstat(planted).then(() => true, () => false), stays, what)
      if (!stays) await plant(planted)
      assert.equal((await cache.invalidate({ match: 'a*' })).matched, 1, what)
      const { forgotten, owed } = await cache.forget('acme')
      assert.deepEqual({ forgotten, owed }, { forgotten: 1, owed: 0 }, what)
      assert.equal(await lstat(planted).then(() => true, () => false), stays, what)
      await cache.close()
      assert.equal(cache.stats().storageErrors, 0, what)
    }
  })
}

test('Folders that others could write to, links, and folders of others are refused, with what to do', { skip: unix }, async () => {
  const plant: [string, (path: string) => Promise<unknown>, RegExp][] = [
    ['group-writable', async path => { await mkdir(path); await chmod(path, 0o770) }, /others than its owner can write to it.*To do: chmod go-w '/],
    ['world-writable', async path => { await mkdir(path); await chmod(path, 0o777) }, /others than its owner can write to it.*To do: chmod go-w '/],
    ['linked', async path => { await mkdir(`${path}-real`, { mode: 0o700 }); await symlink(`${path}-real`, path) }, /symbolic link.*To do: give the directory that it leads to/],
    ['a file', path => writeFile(path, ''), /is not a directory/],
    ['linked within', async path => { await mkdir(path, { mode: 0o700 }); await mkdir(`${path}-real`); for (let i = 0; i < 256; i++) await symlink(`${path}-real`, join(path, i.toString(16).padStart(2, '0'))) }, /symbolic link/],
    ['drafts linked', async path => { await mkdir(path, { mode: 0o700 }); await mkdir(`${path}-real`); await symlink(`${path}-real`, join(path, 'tmp')) }, /symbolic link/],
    ...(isRoot ? [["another's", async (path: string) => { await mkdir(path, { mode: 0o700 }); await chown(path, 65534, 65534) }, /belongs to another user \(65534\).*To do: chown 0 '/] as [string, (path: string) => Promise<unknown>, RegExp]] : []),
  ]
  for (const [name, make, message] of plant) {
    const directory = join(folder, `planted-${name}`)
    await make(directory)
    const { cache, events } = await bench({ storage: fileSystem({ directory }) })
    let runs = 0
    assert.equal(await cache.getOrSet('k', () => ++runs), 1, name)
    await cache.settled()
    const errors = events.filter(event => event.type === 'storage-error')
    assert.ok(errors.length > 0 && errors.length === cache.stats().storageErrors, name)
    for (const event of errors) assert.match(String((event as { error: Error }).error.message), message, name)
    assert.deepEqual(await readdir(`${directory}-real`).catch(() => []), [], `${name}: something was written through the link`)
  }
})

test('A directory that is removed, or moved away, under a running process is made anew', async () => {
  const directory = join(folder, 'removed')
  const storage = fileSystem({ directory })
  const key = 'cd'.repeat(32)
  await storage.set(key, new Uint8Array(1), {})
  await rm(directory, { recursive: true, maxRetries: 10 })
  assert.equal(await storage.get(key), undefined)
  await storage.set(key, new Uint8Array(2), {})
  assert.deepEqual(await storage.get(key), new Uint8Array(2))
  await rename(directory, `${directory}-away`)
  await storage.delete(key)
  await storage.set(key, new Uint8Array(3), {})
  assert.deepEqual(await storage.get(key), new Uint8Array(3))
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
})

test('clear() removes what this storage made, and nothing else that lies in the directory', async () => {
  const directory = join(folder, 'cleared')
  await mkdir(directory, { mode: 0o700 })
  await writeFile(join(directory, 'thesis.txt'), 'years of work')
  const storage = fileSystem({ directory })
  for (let i = 0; i < 20; i++) await storage.set(i.toString(16).padStart(2, '0').repeat(32), new Uint8Array(1), {})
  await storage.clear!()
  assert.deepEqual(await entriesIn(directory), [])
  assert.equal(await readFile(join(directory, 'thesis.txt'), 'utf8'), 'years of work')
})
