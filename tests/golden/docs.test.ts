/** The worked example of docs/keys.md, run: by Python with cbor2 and hashlib as it stands there, and by both commands. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { run } from '../../js/cli/program.js'
import { nativeKey } from '../native-key.js'

const page = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8')
const example = page.slice(page.indexOf('## A worked example'))

/** The block of code in this language. */
function block(language: string): string {
  return new RegExp(`\n\`\`\`${language}\n(.*?)\`\`\`\n`, 's').exec(example)?.[1] ?? assert.fail(`docs/keys.md has no worked example in ${language}`)
}

const json = block('json').trim()
const printed = block('text')
const [, bytes, sha256] = /^bytes +([0-9a-f]+)\nsha256 +([0-9a-f]+)$/m.exec(printed) ?? assert.fail('bytes and sha256 are missing')

/** The words of the command on the page, after `npx reprise key`. */
const words = [...block('sh').replace(/^npx reprise key /, '').matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)

test('The command on the page asks for the argument on the page', () => assert.equal(words[0], json))

test('`reprise key` prints what the page says', () => {
  let out = ''
  const code = run(['key', ...words], { read: () => Buffer.alloc(0), out: text => void (out += text), err: text => assert.fail(text) })
  assert.equal(code, 0)
  assert.equal(out, printed)
})

test('The native reprise-key prints what the page says', { skip: nativeKey.missing }, () => {
  const { stdout, stderr } = spawnSync(nativeKey.path, words, { encoding: 'utf8' })
  assert.equal(stdout, printed, stderr)
})

test('The Python program on the page prints the bytes and the digest on the page', t => {
  const python = ['/usr/bin/python3', 'python3'].find(python => spawnSync(python, ['-c', 'import cbor2']).status === 0)
  if (python === undefined) return t.skip('left out: there is no Python with cbor2 here (Debian: apt-get install python3-cbor2)')
  const { stdout, stderr } = spawnSync(python, ['-c', block('python')], { encoding: 'utf8', env: { ...process.env, PYTHONUTF8: '1' } })
  assert.equal(stdout, `${bytes}\n${sha256}\n`, stderr)
})
