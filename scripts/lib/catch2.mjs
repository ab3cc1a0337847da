// Runs a program made with Catch2 and counts its test cases.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture } from './process.mjs'

/**
 * @param {string[]} program the command and its first arguments
 * @param {string[]} filter Catch2's own arguments, to run a part of the tests
 * @returns {Promise<{ passed: number, failed: number, output: string }>}
 */
export async function runCatch2(program, filter = []) {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-catch2-'))
  const report = join(folder, 'report.xml')
  try {
    const [command, ...first] = program
    const limits = { timeoutSeconds: 900 }
    const { code, output } = await capture(command, [...first, ...filter, '-r', 'xml', '-o', report], limits)
    const xml = await readFile(report, 'utf8').catch(() => '')
    // The report ends with the totals; a program that crashed never wrote them.
    const totals = /<OverallResultsCases successes="(\d+)" failures="(\d+)" expectedFailures="(\d+)"/.exec(xml)
    const passed = totals ? Number(totals[1]) + Number(totals[3]) : 0
    const failed = totals ? Number(totals[2]) : 0
    if (totals && code === 0) return { passed, failed, output }

    // Something is wrong. Once more, with the report that people read.
    const again = await capture(command, [...first, ...filter], limits)
    return { passed, failed: Math.max(failed, 1), output: output + again.output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
