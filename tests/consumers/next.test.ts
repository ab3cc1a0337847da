/** Next.js with Turbopack: built once, started, and a route of each kind asked twice. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { answering, answersTwice, asked, computesOnce } from './asked.js'
import { ran, served } from './program.js'
import { commandOf, userFolder, versionOf } from './tarball.js'

const files = {
  'app/node/route.js': `${asked()}
  export const dynamic = 'force-dynamic'
  export const GET = async () => Response.json(await asked())
`,
  'app/edge/route.js': `${answering}
  export const runtime = 'edge'
  export const GET = () => answer()
`,
  // What is linked here lies elsewhere, which Turbopack refuses unless it is below its root.
  'next.config.js': "export default { turbopack: { root: '/' } }",
}

test('Next.js | a route in Node and one at the edge, built by Turbopack, answer and remember what they answered', async t => {
  t.diagnostic(`version ${await versionOf('next')}`)
  const folder = await userFolder(t, files, ['next', 'react', 'react-dom'])
  const where = { cwd: folder, env: { NEXT_TELEMETRY_DISABLED: '1' } }
  await ran(process.execPath, [commandOf('next'), 'build'], where)
  const address = await served(t, process.execPath, [commandOf('next'), 'start', '--port', '0', '--hostname', '127.0.0.1'], where)
  const get = async (route: string): Promise<unknown> => {
    const response = await fetch(`${address}/${route}`, { signal: AbortSignal.timeout(60_000) })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text)
  }
  await computesOnce(() => get('node'))
  await answersTwice(() => get('edge'))
})
