// `npm run release` in a repository of its own, made of the files that are here: what stops it, and what it does where nothing does.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, utimesSync } from 'node:fs'
import { appendFile, chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const notCopied = /(^|\/)(node_modules|\.git|build|dist|\.reprise|\.next)(\/|$)/
const repository = { type: 'git', url: 'git+https://github.com/nobody/reprise.git' }

let folder: string
let repo: string
/** What npm was called with, by everyone. */
let calls: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-release-'))
  repo = join(folder, 'repository')
  calls = join(folder, 'calls')
  await cp(root, repo, { recursive: true, preserveTimestamps: true, filter: (path) => !notCopied.test(relative(root, path)) })
  for (const path of ['node_modules', 'tests/consumers/node_modules']) await symlink(realpathSync(join(root, path)), join(repo, path))
  for (const path of ['dist', 'build/third_party/lz4']) if (existsSync(join(root, path))) await cp(join(root, path), join(repo, path), { recursive: true })
  await npmThatTells()
  git('init', '--quiet')
  commit('all that is here')
})

after(() => rm(folder, { recursive: true, force: true }))

describe('a release is stopped by', () => {
  test('what is not committed', async () => {
    await appendFile(at('README.md'), 'One more line.\n')
    await writeFile(at('notes.txt'), 'mine')
    stoppedAtOnce(release(), /not as in the last commit:\n M README\.md\n\?\? notes\.txt\n(.|\n)*Commit them, or put them away/)
    clean()
  })

  test('a changelog that says nothing of it', async () => {
    const text = await readFile(at('CHANGELOG.md'), 'utf8')
    const committed = async (sections: string): Promise<void> => {
      await writeFile(at('CHANGELOG.md'), `# Changelog\n\n${sections}`)
      commit('changelog')
    }
    await committed('## Unreleased\n\n## 0.0.1 (2026-01-01)\n\n- Something.\n')
    stoppedAtOnce(release('--version', 'minor'), /says nothing below "## Unreleased"\. Write there what changed/)
    await committed('## 0.0.1 (2026-01-01)\n\n- Something.\n')
    stoppedAtOnce(release(), /does not begin with a section that is not released yet, but with "## 0\.0\.1 \(2026-01-01\)"/)
    await committed('## Unreleased\n\n- Something.\n')
    stoppedAtOnce(release(), /does not say which version comes next\. Say it: npm run release -- --version/)
    stoppedAtOnce(release('--version', 'next'), /"next" is no version that npm takes/)
    await committed('## Unreleased\n\n- Something.\n\n## 3.0.0 (2026-01-01)\n\n- Something.\n')
    stoppedAtOnce(release('--version', '3.0.0'), /has a section for 3\.0\.0 already/)
    await writeFile(at('CHANGELOG.md'), text)
    commit('the changelog as it was')
  })

  test('a version that has a tag', () => {
    git('tag', 'v7.0.0')
    stoppedAtOnce(release('--version', '7.0.0'), /There is a tag v7\.0\.0 already/)
  })

  test('anything that users would have to install, or that nobody has decided to publish', async () => {
    for (const [fields, message] of [
      ['"dependencies": { "left-pad": "1.3.0" },', /package\.json has dependencies: left-pad\. (.|\n)*devDependencies/],
      ['"optionalDependencies": { "fsevents": "2.0.0" },', /has optionalDependencies: fsevents/],
      ['"workspaces": ["packages/*"],', /fields that nobody has decided about: workspaces/],
    ] as const) {
      await withManifest((text) => text.replace('{', `{ ${fields}`), () => stoppedAtOnce(release(), message))
    }
    await withManifest((text) => text.replace('"optional": true', '"optional": false'), () => stoppedAtOnce(release(), /makes everyone install ioredis: a peer must be optional/))
  })

  test('no repository, where more is asked for than a dry run', async () => {
    await withManifest((text) => changed(text, { description: 'without one', repository: undefined }), () => {
      stoppedAtOnce(release('--write'), /package\.json names no repository\. (.|\n)*Add: {2}"repository": \{/)
    })
  })

  test('options that do not go together', () => {
    stoppedAtOnce(release('--publish'), /Unknown option '--publish'(.|\n)*Usage: npm run release/)
    stoppedAtOnce(release('--write', '--skip-tests'), /not written without its tests/)
    stoppedAtOnce(release('--tag', 'v1.0.0', '--write'), /nothing is to be written for it/)
  })

  test('a tag of another version, or before the changelog is that of the release', () => {
    stoppedAtOnce(release('--tag', 'v9.9.9'), /The tag is v9\.9\.9, and package\.json says \d+\.\d+\.\d+\. Delete the tag/)
    const { version } = manifest()
    stoppedAtOnce(release('--tag', `v${version}`), new RegExp(`first section of CHANGELOG\\.md should be that of ${version} with a date`))
  })
})

describe('the tarball', () => {
  const pack = (): Result => call(process.execPath, ['scripts/pack.mjs'])

  test('holds no file that nobody allowed', async () => {
    await writeFile(at('dist/secrets.env'), 'TOKEN=1')
    stopped(pack(), /would be published, and nobody has allowed that:\n {2}dist\/secrets\.env\nIf users need them, add them/)
    await rm(at('dist/secrets.env'))
  })

  test('misses none', async () => {
    const bytes = await readFile(at('dist/tiered.js'))
    await rm(at('dist/tiered.js'))
    stopped(pack(), /belong to the package and are not in the tarball:\n {2}dist\/tiered\.js\nBuild anew/)
    await writeFile(at('dist/tiered.js'), bytes)
  })

  test('has no types of what users may not have', async () => {
    const text = await readFile(at('dist/types/index.d.ts'), 'utf8')
    await appendFile(at('dist/types/index.d.ts'), "export type { IDBPDatabase } from 'idb';\n")
    stopped(pack(), /dist\/types\/index\.d\.ts has types of "idb", which users may not have/)
    await writeFile(at('dist/types/index.d.ts'), text)
  })

  test('has a package.json without scripts, and types that an entry leads to only', () => {
    const { code, output } = pack()
    assert.equal(code, 0, output)
    const tarball = at(`build/release/reprise-${manifest().version}.tgz`)
    const packed = JSON.parse(call('tar', ['-xzOf', tarball, 'package/package.json']).output) as Record<string, unknown>
    for (const name of ['scripts', 'devDependencies', 'dependencies', 'imports', 'overrides', 'private']) assert.equal(packed[name], undefined, name)
    for (const name of ['name', 'version', 'license', 'exports', 'bin', 'engines']) assert.deepEqual(packed[name], manifest()[name], name)
    const files = call('tar', ['-tzf', tarball]).output.split('\n')
    assert.ok(files.includes('package/dist/types/cache.d.ts'))
    assert.ok(existsSync(at('dist/types/glue.d.ts')), 'there is no such type, so this test shows nothing')
    assert.ok(!files.includes('package/dist/types/glue.d.ts'))
  })

  test('is not sent from a folder by hand', () => {
    stopped(call('npm', ['publish', '--dry-run']), /not published from a folder\. `npm run release` prepares/)
  })
})

describe('a release that nothing stops', () => {
  test('is built twice with the same bytes, and as a dry run changes nothing', async () => {
    await rm(calls, { force: true })
    const head = git('rev-parse', 'HEAD')
    const { code, output } = release('--version', '7.1.0', '--skip-tests')
    assert.equal(code, 0, output)
    assert.match(output, /^reprise 7\.1\.0, from commit [0-9a-f]+\. This is a dry run/m)
    assert.match(output, /^build it twice, from nothing … /m)
    // Ours, of which the tests of this folder are about, is a third build of the same sources.
    for (const name of ['core.wasm', 'core-dense.wasm']) assert.ok(output.includes(`${sha256(await readFile(join(root, 'dist', name)))}  ${name}\n`), output)
    assert.ok(output.includes(`${sha256(await readFile(at('build/release/reprise-7.1.0.tgz')))}  build/release/reprise-7.1.0.tgz`), output)
    assert.match(output, /Nothing was changed\. To release 7\.1\.0:(.|\n)*npm run release -- --version 7\.1\.0 --write(.|\n)*git tag -a v7\.1\.0/)

    assert.equal(git('status', '--porcelain'), '')
    assert.equal(git('rev-parse', 'HEAD'), head)
    assert.equal(git('tag', '--list', 'v7.1.0'), '')
    assert.deepEqual(npmCalls(), ['pack', 'version'])
  })

  test('writes version and date when it is told to, after its tests, and never publishes', async () => {
    await compilerReplaced(async () => {
      await withManifest((text) => changed(text, { repository }), async () => {
        await rm(calls, { force: true })
        const { code, output } = release('--version', '7.2.0', '--write')
        assert.equal(code, 0, output)
        assert.deepEqual(npmCalls(), ['pack', 'test', 'version'])
        const examples = readdirSync(at('examples')).map((name) => ` M examples/${name}/package.json\n`)
        assert.ok(examples.length > 0)
        assert.equal(git('status', '--porcelain'), ` M CHANGELOG.md\n${examples.join('')} M package-lock.json\n M package.json\n`)
        assert.equal(manifest().version, '7.2.0')
        const date = new Date().toISOString().slice(0, 10)
        assert.match(readFileSync(at('CHANGELOG.md'), 'utf8'), new RegExp(`^# Changelog\\n\\n## 7\\.2\\.0 \\(${date}\\)\\n`))
        assert.match(output, /git commit -m 'Release 7\.2\.0' package\.json package-lock\.json (examples\/\S+ )+CHANGELOG\.md\n {2}git tag -a v7\.2\.0/)
        git('reset', '--hard', '--quiet')
      })
    })
  })
})

describe('what was built stops a release', () => {
  test('where it is not the same each time', async () => {
    // A custom section, whose name is a letter of the folder.
    const marked = 'case "$PWD" in */a) letter=a ;; *) letter=b ;; esac\nprintf "\\000\\002\\001$letter" >> build/wasm/core.wasm\n'
    await compilerReplaced(() => {
      const result = release('--skip-tests')
      stopped(result, /Two clean builds of one commit differ(.|\n)* {2}dist\/core\.wasm has other bytes/)
      assert.doesNotMatch(result.output, /core-dense/)
    }, marked)
  })

  test('where it is not what was tested, be it for a tag', async () => {
    const { version } = manifest()
    const changelog = await readFile(at('CHANGELOG.md'), 'utf8')
    await compilerReplaced(async () => {
      await withManifest((text) => changed(text, { repository }), async () => {
        await writeFile(at('CHANGELOG.md'), changelog.replace(/^## .*$/m, `## ${version} (2026-11-23)`))
        git('commit', '--quiet', '--all', '--amend', '--message', `Release ${version}`)
        await rm(calls, { force: true })
        const bytes = await readFile(at('dist/node.js'))
        await appendFile(at('dist/node.js'), '// changed by hand\n')
        const result = release('--tag', `v${version}`)
        stopped(result, /The tests ran with other files than those that were packed(.|\n)* {2}dist\/node\.js has other bytes/)
        assert.match(result.output, /^pack it … (.|\n)*^publint … (.|\n)*^attw … /m, 'this should be the last of its steps')
        assert.deepEqual(npmCalls(), ['pack', 'test'])
        await writeFile(at('dist/node.js'), bytes)
      })
    })
  })
})

// ---- the repository ----------------------------------------------------------------------------

interface Result {
  readonly code: number | null
  readonly output: string
}

const at = (path: string): string => join(repo, path)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const manifest = (): Record<string, unknown> => JSON.parse(readFileSync(at('package.json'), 'utf8')) as Record<string, unknown>

function release(...args: string[]): Result {
  // However new git and npm make it: what is installed is what it lists.
  utimesSync(at('package-lock.json'), 1, 1)
  return call(process.execPath, ['scripts/release.mjs', ...args])
}

function call(command: string, args: readonly string[]): Result {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: repo, env, encoding: 'utf8', timeout: 240_000 })
  return { code: status, output: stdout + stderr }
}

function stopped({ code, output }: Result, message: RegExp): void {
  assert.equal(code, 1, output)
  assert.match(output, message)
  assert.doesNotMatch(output, /\n {4}at /, 'a stack trace is for nobody')
}

/** Before a minute is spent on builds. */
function stoppedAtOnce(result: Result, message: RegExp): void {
  stopped(result, message)
  assert.doesNotMatch(result.output, /build it twice/)
}

function git(...args: string[]): string {
  const { code, output } = call('git', ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.org', ...args])
  assert.equal(code, 0, output)
  return output
}

function commit(message: string): void {
  git('add', '--all')
  git('commit', '--quiet', '--message', message)
}

/** Back to the last commit. */
function clean(): void {
  git('reset', '--hard', '--quiet')
  git('clean', '-d', '--force', '--quiet')
}

function changed(text: string, fields: object): string {
  return `${JSON.stringify({ ...(JSON.parse(text) as object), ...fields }, null, 2)}\n`
}

/** Does `work` with another package.json, committed, and takes that back. */
async function withManifest(edit: (text: string) => string, work: () => void | Promise<void>): Promise<void> {
  const text = await readFile(at('package.json'), 'utf8')
  assert.notEqual(edit(text), text)
  await writeFile(at('package.json'), edit(text))
  commit('another package.json')
  try {
    await work()
  } finally {
    git('reset', '--hard', '--quiet', 'HEAD~1')
  }
}

/** Does `work` where the modules need no compiler: they are those that we have. What else is done is done. */
async function compilerReplaced(work: () => void | Promise<void>, more = ''): Promise<void> {
  const path = join(folder, 'bin/cmake')
  await writeFile(path, `#!/bin/sh\n[ "$1" = --build ] || exit 0\nmkdir -p build/wasm\ncp '${root}'/dist/*.wasm build/wasm/\n${more}`)
  await chmod(path, 0o755)
  try {
    await work()
  } finally {
    await rm(path)
  }
}

/** npm, but that each call is noted, and that all tests pass at once: they would begin with this one. */
async function npmThatTells(): Promise<void> {
  const npm = call('sh', ['-c', 'command -v npm']).output.trim()
  assert.notEqual(npm, '')
  await mkdir(join(folder, 'bin'))
  const script = `#!/bin/sh\necho "$1" >> '${calls}'\n[ "$1" = test ] && exit 0\nexec '${npm}' "$@"\n`
  await writeFile(join(folder, 'bin/npm'), script)
  await chmod(join(folder, 'bin/npm'), 0o755)
}

/** Which of npm's commands were called since the list was begun; those of a build that had to fetch LZ4 are among them. */
function npmCalls(): string[] {
  return [...new Set(readFileSync(calls, 'utf8').trim().split('\n'))].sort()
}
