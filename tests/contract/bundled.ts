/** A program of these tests as one file that plain node runs: it starts in a third of the time, and other users may read it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `source`, such as 'tests/contract/files-child.ts'; returns where the bundle is, and how to remove it. */
export async function bundled(source: string): Promise<{ file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-program-'))
  const file = join(folder, 'program.mjs')
  // Packages that are CommonJS ask for Node's modules by require().
  const banner = { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" }
  await build({ absWorkingDir: root, entryPoints: [source], outfile: file, bundle: true, format: 'esm', platform: 'node', target: 'es2022', logLevel: 'silent', banner })
  await chmod(folder, 0o755)
  await chmod(file, 0o644)
  return { file, remove: () => rm(folder, { recursive: true, force: true }) }
}
