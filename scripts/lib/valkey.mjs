// Valkey 8, which Debian 12 has among its backports only: unpacked into build/valkey, where the tests find it. Nothing is installed, and no list of sources
// is changed. Where that cannot be done (another system, no network) the tests run with Redis alone, and say so.

import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { filesBelow } from './files.mjs'
import { root, run, StepError } from './process.mjs'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const release = 'bookworm'

/** Where the server is; undefined where it is not. */
export function unpackedValkey() {
  const path = join(root, 'build/valkey/usr/bin/valkey-server')
  return existsSync(path) ? path : undefined
}

export function canUnpackValkey() {
  return process.platform === 'linux' && existsSync(keyring) && existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg')
}

/** Downloads its packages, verified by Debian's keys, and unpacks them. */
export async function unpackValkey() {
  const folder = join(root, 'build/valkey.new')
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'lists/partial'), { recursive: true })
  await mkdir(join(folder, 'cache'), { recursive: true })
  await mkdir(join(folder, 'debs'))
  // apt may hand the download to a user of its own.
  await chmod(join(folder, 'debs'), 0o777)
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${await mirror()} ${release}-backports main\n`)
  const options = { 'Dir::Etc::SourceList': join(folder, 'sources.list'), 'Dir::Etc::SourceParts': '/dev/null', 'Dir::State::lists': join(folder, 'lists'), 'Dir::Cache': join(folder, 'cache') }
  const set = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await run('apt-get', ['-q', ...set, 'update'], { timeoutSeconds: 120 })
  await run('apt-get', ['-q', ...set, 'download', 'valkey-server', 'valkey-tools'], { cwd: join(folder, 'debs'), timeoutSeconds: 120 })
  for (const deb of filesBelow('build/valkey.new/debs', '.deb')) await run('dpkg', ['-x', join(root, deb), folder])
  await rm(join(root, 'build/valkey'), { recursive: true, force: true })
  await rename(folder, join(root, 'build/valkey'))
}

/** Where this machine has its packages of Debian 12 from: backports lie beside them. */
async function mirror() {
  const sources = await run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'])
  const found = sources.split('\n').find((line) => line.endsWith(` ${release}`))
  if (found === undefined) throw new StepError('apt has no source of Debian 12 here.')
  return found.slice(0, -release.length - 1)
}
