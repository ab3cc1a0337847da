// What runs elsewhere and cannot be run here: that each file can be read, and that what it calls exists.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, '.github/workflows')

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly 'runs-on': string
  readonly container?: string
  readonly needs?: string
  readonly 'timeout-minutes'?: number
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}
interface Workflow {
  readonly on: { readonly push?: { readonly tags?: string[]; readonly branches?: string[] } }
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

/** Bun reads YAML, and is here already: the package is tried in it. */
function parsed(name: string): Workflow {
  const bun = join(root, 'tests/consumers/node_modules/.bin/bun')
  assert.ok(existsSync(bun), 'There is no Bun here, which reads the files. To do: node scripts/setup.mjs')
  const program = 'console.log(JSON.stringify(Bun.YAML.parse(await Bun.file(process.argv[1]).text())))'
  return JSON.parse(execFileSync(bun, ['-e', program, join(folder, name)], { encoding: 'utf8', timeout: 30_000 })) as Workflow
}

const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts

/** What is wrong with a command of a workflow; undefined where all it names exists. */
function wrongIn(command: string): string | undefined {
  const [program, ...words] = command.split(' ')
  if (program === 'git') return words[0] === 'config' ? undefined : `git ${words[0]} is not expected`
  if (program !== 'npm') return `${program} is not known to be there`
  if (words[0] === 'publish') return undefined
  const name = words[0] === 'run' ? words[1]! : words[0]!
  const script = scripts[name]
  if (script === undefined) return `package.json has no script "${name}"`
  const path = script.split(' ').find((word) => word.endsWith('.mjs'))
  if (path === undefined || !existsSync(join(root, path))) return `"${script}" runs a file that does not exist`
  const options = words.filter((word) => /^--\w/.test(word))
  if (options.length === 0) return undefined
  const usage = spawnSync(process.execPath, [path, '--usage-please'], { cwd: root, encoding: 'utf8', timeout: 30_000 }).stderr
  return options.every((option) => usage.includes(`${option} `)) ? undefined : `${path} does not know ${options.join(' ')}: ${usage}`
}

const commands = (job: Job): string[] => job.steps.flatMap(({ run }) => run?.trim().split('\n') ?? [])
const find = (job: Job, action: string): Step => {
  const step = job.steps.find(({ uses }) => uses?.startsWith(`${action}@`))
  assert.ok(step, `no step uses ${action}`)
  return step
}

describe('the workflows', () => {
  const names = readdirSync(folder)

  test('are the two that are known here', () => {
    assert.deepEqual(names.sort(), ['release.yml', 'test.yml'])
  })

  for (const name of names) {
    test(`${name} calls only what exists, needs no secret, and every job ends`, () => {
      const { jobs } = parsed(name)
      assert.ok(Object.keys(jobs).length > 0)
      for (const job of Object.values(jobs)) {
        assert.ok(job['timeout-minutes']! > 0, 'a job has no time limit')
        assert.ok(commands(job).length > 0)
        for (const command of commands(job)) assert.equal(wrongIn(command), undefined)
        for (const { uses } of job.steps) if (uses !== undefined) assert.match(uses, /^actions\/[a-z-]+@v\d+$/)
        // scripts/setup.mjs brings the Emscripten of Debian 12; that of another system makes other bytes.
        if (commands(job).some((command) => /^npm (test|run)/.test(command))) assert.equal(job.container, 'node:20-bookworm')
      }
      assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /secrets\.|NODE_AUTH_TOKEN/)
    })
  }

  test('a command that does not exist is noticed', () => {
    assert.match(wrongIn('npm run relase')!, /no script "relase"/)
    assert.match(wrongIn('npm run release -- --publish')!, /does not know --publish/)
    assert.match(wrongIn('pnpm test')!, /pnpm is not known/)
  })

  test('a push is tested, and a tag does not publish what was not proven', () => {
    assert.deepEqual(parsed('test.yml').on.push?.branches, ['**'])
    const { on, jobs } = parsed('release.yml')
    assert.deepEqual(on, { push: { tags: ['v*'] } })
    assert.deepEqual(Object.keys(jobs), ['prove', 'publish'])
    assert.equal(jobs['publish']!.needs, 'prove')
    assert.ok(commands(jobs['prove']!).includes('npm run release -- --tag "$GITHUB_REF_NAME"'))
  })

  test('who may publish runs no code of the repository, and who runs it may not publish', () => {
    const { permissions, jobs } = parsed('release.yml')
    assert.deepEqual(permissions, {})
    assert.deepEqual(jobs['prove']!.permissions, { contents: 'read' })
    assert.deepEqual(jobs['publish']!.permissions, { 'id-token': 'write' })
    assert.deepEqual(commands(jobs['publish']!), ['npm publish ./*.tgz --provenance --access public'])
    assert.ok(!jobs['publish']!.steps.some(({ uses }) => uses?.startsWith('actions/checkout@')))
    assert.deepEqual(parsed('test.yml').permissions, { contents: 'read' })
  })

  test('what is published is the tarball that was proven', () => {
    const { jobs } = parsed('release.yml')
    const sent = find(jobs['prove']!, 'actions/upload-artifact').with
    const fetched = find(jobs['publish']!, 'actions/download-artifact').with
    assert.equal(sent?.['path'], 'build/release/*.tgz')
    assert.match(readFileSync(join(root, 'scripts/pack.mjs'), 'utf8'), /'build\/release'/)
    assert.equal(fetched?.['name'], sent?.['name'])
    assert.ok(Number(find(jobs['publish']!, 'actions/setup-node').with?.['node-version']) >= 24, 'npm 11.5.1 comes with Node 24')
  })
})
