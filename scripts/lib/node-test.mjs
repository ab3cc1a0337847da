// Runs test files with node:test and counts their tests.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { capture, root } from './process.mjs'

/**
 * @param {string[]} files
 * @param {{ timeoutSeconds?: number, conditions?: string[], env?: Record<string, string> }} [options] `conditions` choose among the imports of package.json
 * @returns {Promise<{ passed: number, failed: number, skipped: number, output: string }>}
 */
export async function runNodeTests(files, { timeoutSeconds = 600, conditions = [], env = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-node-test-'))
  const report = join(folder, 'report.tap')
  try {
    const reporters = [
      ['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ['--test-reporter=tap', `--test-reporter-destination=${report}`],
    ].flat()
    const args = [...conditions.map((name) => `--conditions=${name}`), '--import', 'tsx', '--test', ...reporters, ...files]
    const { code, output } = await capture(process.execPath, args, { timeoutSeconds, env })
    const tap = await readFile(report, 'utf8').catch(() => '')
    // TAP ends with lines like "# pass 12".
    const total = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0)
    const empty = filesWithoutTests(tap, files)
    const failed = total('fail') + total('cancelled') + empty.length
    const broken = code !== 0 && failed === 0 ? 1 : 0
    const complaints = empty.map((file) => `\n${file} contains no test.`).join('')
    return {
      passed: total('pass') - empty.length,
      failed: failed + broken,
      skipped: total('skipped') + total('todo'),
      output: failuresFirst(output) + complaints,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * What failed, then what else was printed; never the hundreds of lines of what passed, behind which
 * whoever reads (or a page that shows the first lines of it) would not find the one that matters.
 */
function failuresFirst(output) {
  const [before, failures = ''] = output.split(/^✖ failing tests:$/m)
  const rest = before.split('\n').filter((line) => !/^\s*✔ /.test(line))
  return `${failures.trim()}\n\n${rest.join('\n').trim()}`.trim()
}

/** node:test counts a file without any test as a test that passed, and names it by its path. */
function filesWithoutTests(tap, files) {
  const passed = [...tap.matchAll(/^ok \d+ - (.+?)(?: # .*)?$/gm)].map((match) => resolve(root, match[1]))
  return files.filter((file) => passed.includes(resolve(root, file)))
}
