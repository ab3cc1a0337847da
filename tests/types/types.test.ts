// The types of the built package, as a user's compiler sees them: what they accept, what they refuse and why, and how they look.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Of users, and the declarations of the package are checked with them. */
const usual = { strict: true, target: 'ES2022', module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2022', 'DOM', 'ESNext.Decorators', 'ESNext.Disposable'], types: [], skipLibCheck: false, noEmit: true }
const strictest = {
  ...usual,
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
}

interface Complaint {
  readonly file: string
  readonly line: number
  readonly code: string
  readonly text: string
}

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-types-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/reprise'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})

after(() => rm(folder, { recursive: true, force: true }))

const source = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8')

/** What the compiler says of these files. */
async function compile(files: Record<string, string>, compilerOptions: object): Promise<Complaint[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }))
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '--project', folder, '--pretty', 'false', '--noErrorTruncation']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch((error: unknown) => {
    const { stdout } = error as { stdout?: string }
    if (stdout === undefined || stdout === '') throw error
    return { stdout }
  })
  // `refuse.ts(5,1): error TS2345: …`, and indented lines that say more.
  return stdout.split(/\n(?=\S)/).flatMap(text => {
    const [, file, line, code] = /^(\S+)\((\d+),\d+\): error TS(\d+):/.exec(text) ?? []
    if (file === undefined) return text.trim() === '' ? [] : [{ file: '', line: 0, code: '', text }]
    return [{ file, line: Number(line), code: code!, text }]
  })
}

/** Who says nothing of `using` and decorators has neither; the declarations bring what they need. */
const plain = { ...usual, lib: ['ES2022', 'DOM'] }

test('The declarations bring what they need of the language, however little of it is switched on', async () => {
  const using = `import { createCache } from 'reprise'\nconst cache = await createCache({ secret: undefined })\nawait cache[Symbol.asyncDispose]()\n`
  assert.deepEqual((await compile({ 'plain.ts': using }, plain)).map(({ text }) => text), [])
  assert.deepEqual((await compile({ 'plain.ts': using }, { ...strictest, lib: ['ES2022', 'DOM'] })).map(({ text }) => text), [])
})

for (const [name, options] of Object.entries({ usual, strictest })) {
  test(`Every signature keeps its type, under ${name} settings`, async () => {
    const files = { 'accept.ts': await source('./accept.ts'), 'refuse.ts': await source('./refuse.ts') }
    assert.deepEqual((await compile(files, options)).map(({ text }) => text), [])
  })
}

test('What is refused is refused for its own reason', async () => {
  const text = await source('./refuse.ts')
  const lines = text.split('\n')
  const expected = lines.flatMap((line, i) => {
    const [, code, why] = /^ *\/\/ @ts-expect-error (\d+): (.+)$/.exec(line) ?? []
    return code === undefined ? [] : [{ line: i + 2, code, why: why! }]
  })
  assert.equal(expected.length, lines.filter(line => /^ *\/\/ @ts-expect-error/.test(line)).length, 'each says why')
  assert.ok(expected.length >= 60, `${expected.length} lines`)
  const complaints = await compile({ 'refuse.ts': text.replaceAll('@ts-expect-error', 'refused,') }, usual)
  for (const { line, code, why } of expected) {
    const here = complaints.filter(one => one.line === line)
    const said = here.map(one => one.text).join('\n') || 'nothing'
    assert.ok(here.some(one => one.code === code && one.text.includes(why)), `line ${line}: ${lines[line - 1]}\nis to be refused with ${code}: ${why}\nand was with ${said}`)
  }
  const others = complaints.filter(one => expected.every(({ line }) => line !== one.line))
  assert.deepEqual(others.map(one => one.text), [], 'nothing else is refused')
})

test('What an editor shows of a wrapped function is that function', async () => {
  await compile({ 'accept.ts': await source('./accept.ts') }, { ...usual, noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: 'shown' })
  const shown = (await readFile(join(folder, 'shown/accept.d.ts'), 'utf8')).replace(/\s+/g, ' ')
  const of = (name: string): string | undefined => new RegExp(`export declare const ${name}: (.*?);(?= (?:export|declare|interface|type|\\/\\*\\*|\\/\\/) )`).exec(shown)?.[1]
  assert.deepEqual(
    Object.fromEntries(['ask', 'sync', 'generic', 'optional', 'refreshed', 'terse', 'load'].map(name => [name, of(name)])),
    {
      ask: 'Wrapped<(id: string) => Promise<User>>',
      sync: 'Wrapped<(n: number) => number>',
      generic: 'Wrapped<<T>(value: T) => Promise<T[]>>',
      optional: 'Wrapped<(id: string, page?: number, size?: number) => Promise<number>>',
      refreshed: 'Wrapped<(id: string, ...more: string[]) => Promise<User>>',
      terse: 'Wrapped<() => number>',
      load: 'Wrapped<(id: number) => Promise<User>>',
    },
  )
})

test('No type of the package is any', async () => {
  const types = join(root, 'dist/types')
  const files = (await readdir(types, { recursive: true })).filter(name => name.endsWith('.d.ts'))
  assert.ok(files.length > 20, `${files.length} files`)
  const found: string[] = []
  for (const file of files) {
    const code = (await readFile(join(types, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, comment => comment.replace(/[^\n]/g, ' '))
    for (const [i, line] of code.split('\n').entries()) if (/(?<![\w.'"])any(?![\w'"?:(])/.test(line)) found.push(`${file}:${i + 1}: ${line.trim()}`)
  }
  assert.deepEqual(found, [])
})
