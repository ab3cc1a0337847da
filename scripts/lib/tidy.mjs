// Runs clang-tidy over src/ and bindings/, a few files at a time.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { filesBelow, unlessUpToDate } from './files.mjs'
import { capture, run, StepError } from './process.mjs'

/** Checks each file that changed since it was last found clean; throws if there is any finding. */
export async function tidy(workers) {
  const emscripten = await emscriptenArguments()
  const jobs = [
    ...filesBelow('src', '.cpp').map((file) => ({ file, args: ['-p', 'build/native'] })),
    ...filesBelow('bindings', '.cpp').map((file) => ({ file, args: ['-p', 'build/wasm', ...emscripten] })),
  ]
  const findings = new Set() // one in a header is found once for each file that includes it
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      for (const finding of await tidyFile(job)) findings.add(finding)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  if (findings.size > 0) {
    throw new StepError(`clang-tidy found ${findings.size} things.`, [...findings].join('\n'))
  }
}

/** Gives back clang-tidy's findings, each as one text. */
async function tidyFile({ file, args }) {
  const headers = [...filesBelow('src', '.h'), ...filesBelow('bindings', '.h')]
  let findings = []
  const stamp = join('tidy', file.replaceAll('/', '-'))
  await unlessUpToDate(stamp, [file, '.clang-tidy', 'CMakeLists.txt', ...headers], [], async () => {
    const { code, output } = await capture('clang-tidy', ['--quiet', ...args, file], { timeoutSeconds: 300 })
    if (code !== 0) findings = findingsIn(output)
  })
  if (findings.length > 0) await rm(join('build/stamps', stamp), { force: true })
  return findings
}

/** Splits "file:line:column: error: …" and the lines that explain it from the next such line. */
function findingsIn(output) {
  const lines = output.split('\n').filter((line) => line && !/^\d+ warnings?( and \d+ errors?)? generated\.$/.test(line))
  const found = lines.join('\n').split(/\n(?=\S+:\d+:\d+: (?:error|warning): )/)
  return found.length > 0 && found[0] !== '' ? found : [output]
}

/** clang-tidy reads "em++ …" as any clang; these are the flags em++ itself would add. */
async function emscriptenArguments() {
  const flags = await run('em++', ['--cflags'], { env: { NODE_PATH: '/usr/share/nodejs' } })
  return flags
    .trim()
    .split(/\s+/)
    .map((flag) => `--extra-arg=${flag}`)
}
