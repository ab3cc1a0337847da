import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }

for (const name of ['start', 'test', 'bench', 'torture', 'size', 'matrix', 'build', 'release']) {
  for (const flag of ['--help', '-h']) {
    test(`npm run ${name} -- ${flag} says what it does, and does nothing`, async () => {
      const [, script] = scripts[name]!.split(' ')
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [script!, flag], { cwd: root })
      assert.equal(stderr, '')
      const lines = readFileSync(root + script!, 'utf8').split('\n')
      assert.equal(stdout.split('\n')[0], lines[0]!.slice(3), 'the comment that the script begins with')
      assert.match(stdout, new RegExp(`^ {2}(npm run(?: -s)?|npm|node) .*${name}`, 'm'), 'an example')
      assert.doesNotMatch(stdout, /^\/\/|^import/m)
    })
  }
}
