/** Bundles for Node: made where the package is installed, run where nothing is. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import test, { type TestContext } from 'node:test'
import { computesOnce, printed } from './asked.js'
import { type Bundler, esbuild, rollup, rspack, webpack } from './bundlers.js'
import { ran } from './program.js'
import { emptyFolder, userFolder, write } from './tarball.js'

test('esbuild | a bundle for Node runs where no package is installed', t => runsAlone(t, esbuild))
test('Rollup | a bundle for Node runs where no package is installed', t => runsAlone(t, rollup))
test('webpack | a bundle for Node runs where no package is installed', t => runsAlone(t, webpack))
test('Rspack | a bundle for Node runs where no package is installed', t => runsAlone(t, rspack))

async function runsAlone(t: TestContext, bundler: Bundler): Promise<void> {
  t.diagnostic(`version ${await bundler.version()}`)
  const entry = await bundler.bundle(await userFolder(t, { 'main.js': printed }), 'node')
  const elsewhere = await emptyFolder(t)
  const files = await readdir(dirname(entry))
  await write(elsewhere, Object.fromEntries(await Promise.all(files.map(async file => [file, await readFile(`${dirname(entry)}/${file}`, 'utf8')]))))
  const name = entry.slice(dirname(entry).length + 1)
  await computesOnce(async () => JSON.parse(await ran(process.execPath, [name], { cwd: elsewhere })))
}
