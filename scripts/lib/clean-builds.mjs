// Two builds of the same commit, from nothing, in folders of different names and depths and in different time zones. Where they
// are equal, whoever has the commit and the same compiler can make the published files again and compare.

import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { filesIn } from '../pack.mjs'
import { root, run, StepError } from './process.mjs'

const environments = [
  { folder: 'a', env: { TZ: 'UTC', LC_ALL: 'C' } },
  { folder: 'another-folder/with-a-longer-name', env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'C.UTF-8' } },
]

/** Builds HEAD twice below `folder`, with `changes` (path to text) made to it, and answers where, if both are equal. */
export async function cleanBuilds(folder, changes) {
  const builds = []
  for (const { folder: name, env } of environments) builds.push(await cleanBuild(join(folder, name), env, changes))
  await checkEqual(builds[0], builds[1], 'Two clean builds of one commit differ, so nobody could check what is published.')
  return builds[0]
}

async function cleanBuild(folder, env, changes) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await run('git', ['archive', '--format=tar', `--output=${folder}.tar`, 'HEAD'])
  await run('tar', ['-xf', `${folder}.tar`, '-C', folder])
  for (const [path, text] of Object.entries(changes)) await writeFile(join(folder, path), text)
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  // The source of LZ4, which CMake would download again, and whose hashes it checks either way.
  const lz4 = 'build/third_party/lz4'
  if (existsSync(join(root, lz4))) {
    await mkdir(join(folder, dirname(lz4)), { recursive: true })
    await cp(join(root, lz4), join(folder, lz4), { recursive: true })
  }
  await run(process.execPath, ['scripts/build.mjs', 'wasm'], { cwd: folder, env })
  return folder
}

/** Throws if dist/ of two folders does not hold the same files with the same bytes. */
export async function checkEqual(one, other, message) {
  const [files, others] = [filesIn(one, 'dist'), filesIn(other, 'dist')]
  const differing = []
  for (const path of new Set([...files, ...others])) {
    if (!others.includes(path)) differing.push(`  ${path} is in the first only`)
    else if (!files.includes(path)) differing.push(`  ${path} is in the second only`)
    else if (!(await readFile(join(one, path))).equals(await readFile(join(other, path)))) differing.push(`  ${path} has other bytes`)
  }
  if (differing.length === 0) return
  throw new StepError(
    `${message}\n${differing.sort().join('\n')}\nWhat differs between the builds is the time and the folder (__FILE__, __DATE__, a name made of a path): ` +
      `see what of it is in the files, in\n  ${join(one, 'dist')}\n  ${join(other, 'dist')}`,
  )
}
