import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
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
  await rm(directory, { recursive: true })
})

test('A write that fails leaves the older entry and no litter', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory })
  const key = 'cd'.repeat(32)
  await storage.set(key, new Uint8Array([1]), {})
  await assert.rejects(storage.set(key, {} as Uint8Array, {}))
  assert.deepEqual(await storage.get(key), new Uint8Array([1]))
  assert.deepEqual(await readdir(join(directory, 'cd')), ['cd'.repeat(31)])
  await rm(directory, { recursive: true })
})

test('A key that is not hexadecimal never becomes a path', async () => {
  const directory = await folder()
  const storage = fileSystem({ directory })
  for (const key of ['../../etc/passwd', 'a/b', '', 'AB'.repeat(32), 'ab\0cd']) {
    await assert.rejects(storage.get(key), /is not a key/)
    await assert.rejects(storage.set(key, new Uint8Array(1), {}), /is not a key/)
    await assert.rejects(storage.delete(key), /is not a key/)
  }
  await rm(directory, { recursive: true })
})

test('A directory that cannot be used is an error of the operation, not of the process', async () => {
  const directory = await folder()
  await writeFile(join(directory, 'file'), 'x')
  await symlink('loop', join(directory, 'loop'))
  for (const name of ['file', 'loop']) {
    const storage = fileSystem({ directory: join(directory, name) })
    await assert.rejects(storage.set('ab'.repeat(32), new Uint8Array(1), {}))
  }
  await rm(directory, { recursive: true })
})

test('An option that is no path is refused at once', () => {
  for (const directory of [undefined, '', 5]) assert.throws(() => fileSystem({ directory } as never), /OptionError: fileSystem: directory: .* is not a path/)
  assert.throws(() => fileSystem(undefined as never), /is not a path/)
})
