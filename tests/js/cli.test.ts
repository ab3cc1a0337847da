import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../js/cli/program.js'
import { nativeKey } from '../native-key.js'

interface Said {
  code: number
  out: string
  err: string
}

function reprise(args: string[], stdin: string | Uint8Array = ''): Said {
  const said: Said = { code: -1, out: '', err: '' }
  said.code = run(args, { read: () => Buffer.from(stdin), out: text => void (said.out += text), err: text => void (said.err += text) })
  return said
}

function refused(args: string[], stdin: string | Uint8Array = ''): string {
  const { code, out, err } = reprise(args, stdin)
  assert.equal(code, 2)
  assert.equal(out, '')
  return err
}

test('The command prints diagnostic notation, bytes and digest of a call', () => {
  const { code, out, err } = reprise(['key', '{"prompt":"hi"}', '--name', 'ask'])
  assert.deepEqual({ code, err }, { code: 0, err: '' })
  assert.match(out, /^diagnostic  \[1, null, "ask", null, \[\{"prompt": "hi"\}\]\]\nbytes       8501f66361736bf681a16670726f6d7074626869\nsha256      [0-9a-f]{64}\n$/)
})

test('The JSON may come first, last, through stdin or after --, and flags may have an equals sign', () => {
  const { out } = reprise(['key', '-5', '--name', 'ask', '--scope', 's', '--version', '2'])
  assert.match(out, /^diagnostic  \[1, "s", "ask", 2, \[-5\]\]\n/)
  for (const args of [['--name=ask', '--scope=s', '--version=2', '-5'], ['--version', '2', '--name', 'ask', '--scope', 's', '--', '-5']]) assert.equal(reprise(['key', ...args]).out, out)
  assert.equal(reprise(['key', '-', '--name', 'ask', '--scope', 's', '--version', '2'], ' -5\n').out, out)
})

test('--args takes all arguments, and without it an array is one argument', () => {
  assert.match(reprise(['key', '[1,2]', '--name', 'f', '--args']).out, /"f", null, \[1, 2\]\]\n/)
  assert.match(reprise(['key', '[1,2]', '--name', 'f']).out, /"f", null, \[\[1, 2\]\]\]\n/)
})

test('Without a name it is a key as cache.get() takes it', () => {
  assert.match(reprise(['key', '["user",7]']).out, /^diagnostic  \[1, null, null, null, \["user", 7\]\]\n/)
  assert.equal(reprise(['key', '"a"']).out, reprise(['key', '["a"]']).out)
  assert.match(refused(['key', '7']), /without --name .* a text, or an array/)
  assert.match(refused(['key', '["a"]', '--args']), /--args belongs to a function/)
  assert.match(refused(['key', '["a"]', '--version', '1']), /--version belongs to a function/)
})

test('A version is a number where it looks like one, and text otherwise or in quotes', () => {
  const version = (text: string): string | undefined => /"f", (.*), \[1\]\]\n/.exec(reprise(['key', '1', '--name', 'f', '--version', text]).out)?.[1]
  assert.deepEqual(['2', '-2', '"2"', '2.0', '02', '-0', '2026-01', '9007199254740992'].map(version), ['2', '-2', '"2"', '"2.0"', '"02"', '"-0"', '"2026-01"', '"9007199254740992"'])
})

test('What is wrong with the command line is said on stderr, with exit code 2', () => {
  assert.match(refused([]), /^reprise <command>/)
  assert.match(refused(['kye']), /there is no command "kye"\. Commands: key\./)
  assert.match(refused(['toString']), /there is no command "toString"/)
  assert.match(refused(['key']), /^reprise key: the JSON is missing.*single quotes/)
  assert.match(refused(['key', '1', '--nam', 'f']), /there is no flag --nam\. Flags: --name, --scope, --version, --args\./)
  assert.match(refused(['key', '1', '--name']), /--name needs a value/)
  assert.match(refused(['key', '1', '--name=']), /--name needs a value/)
  assert.match(refused(['key', '1', '--args=yes', '--name', 'f']), /--args takes no value/)
  assert.match(refused(['key', '1', '--name', 'f', '--name', 'g']), /--name is given twice/)
  assert.match(refused(['key', '{a:', '1}', '--name', 'f']), /one JSON to give, but 2 were given/)
  assert.match(refused(['key', '{"a":1}', '--name', 'f', '--args']), /--args takes the array/)
  assert.match(refused(['key', `${'['.repeat(513)}${']'.repeat(513)}`, '--name', 'f']), /nested deeper than 512 levels/)
  assert.match(refused(['key', '-', '--name', 'f'], Uint8Array.of(0x22, 0xff, 0x22)), /not UTF-8/)
})

test('JSON that is wrong is shown where it is wrong, with a hint about the shell', () => {
  const places: [string, number][] = [
    ['{prompt: hi}', 1], ['{"a":1,}', 7], ['[1,2', 4], ['', 0], ['{"a" 1}', 5], ['"a\nb"', 2], ['01', 1], ['[1] 2', 4], ['"\\x"', 1], ['[tru]', 1], ["{'a':1}", 1],
  ]
  for (const [text, at] of places) {
    const message = refused(['key', text, '--name', 'f'])
    assert.match(message, new RegExp(`at position ${at}\\.\\n`), text)
    assert.match(message, /\n {2,}\^\nIn a shell, put the JSON in single quotes/)
  }
  assert.doesNotMatch(refused(['key', '-', '--name', 'f'], '{'), /shell/)
})

test('Help is there for the program and for the command', () => {
  assert.match(reprise(['--help']).out, /key +the key of a call/)
  for (const args of [['key', '--help'], ['key', '-h', '--nonsense']]) assert.match(reprise(args).out, /^reprise key '<json>' --name ask/)
})

/** Inputs of every kind, each with the flags that it is given. */
const inputs: string[][] = [
  ['null'], ['"a"'], ['true'], ['0'], ['-0'], ['-0.0'], ['1.0'], ['1e2'], ['-1'], ['1.5'], ['0.1'], ['1e21'], ['1e-7'], ['0.000001'], ['123456789012345680000'], ['5e-324'], ['1.7976931348623157e308'],
  ['9007199254740991'], ['9007199254740992'], ['9007199254740993'], ['-9007199254740993'], ['18446744073709551615'], ['18446744073709551616'], ['1e22'], ['1.25e-5'], ['3.4028234663852886e38'], ['65504.5'], ['-2.5e-8'],
  ['5.960464477539063e-8'], ['0.30000000000000004'], ['2e-323'], ['4.35'], ['100000000000000000000000'],
  ['""'], ['"\\u0000\\b\\f\\n\\r\\t\\"\\\\\\/\\u007f\\u0080\\u00a0\\u00ad\\u200b\\u202e\\u2028\\u2060\\ufeff"'], ['"Grüße aus 東京 😀 \\ud83d\\ude00 👩‍👩‍👧 𐅑 \\uffff"'], ['"é e\u0301"'],
  ['[]'], ['{}'], ['[[],[[]],{}]'], ['{"b":1,"a":[1.5,{"d":null,"c":"ü"}],"":0,"aa":2,"é":3,"😀":4,"\uffff":5}'], ['{"__proto__":1,"constructor":2,"toJSON":3}'], ['{"a":1,"a":2}'],
  [` [ 1 ,\n\t2 ] `], [JSON.stringify(Array.from({ length: 300 }, (_, i) => i * 1000))], [JSON.stringify({ ['x'.repeat(300)]: 'y'.repeat(70_000) })], [`${'['.repeat(512)}1${']'.repeat(512)}`],
  ['[1,"two"]', '--args'], ['[]', '--args'], ['1', '--version', '2'], ['1', '--version', '-2'], ['1', '--version', '"2"'], ['1', '--version', '2.0'], ['1', '--version', 'ü"'], ['1', '--version=9007199254740991'], ['1', '--version=9007199254740992'],
  ['1', '--scope', 'a:b'], ['1', '--scope', '東京 \\'], ['--scope=-', '-7'], ['--', '"--name"'],
].map(args => ['--name', 'ask', ...args])
inputs.push(['"a"'], ['["user",7]'], ['[]', '--scope', 's'], ['1', '--name', 'odd "name"\\\u00a0\u202e𐅑'], ['1', '--name', '--scope'])

const wrong: string[][] = [
  [], ['1', '2', '--name', 'f'], ['{a:1}', '--name', 'f'], ['1', '--nam', 'f'], ['1', '--name'], ['1', '--name='], ['1', '--args=1', '--name', 'f'], ['1', '--name', 'f', '--name', 'f'], ['1'], ['{}'], ['[1]', '--args'],
  ['[1]', '--version', '1'], ['{}', '--args', '--name', 'f'], ['1', '--name', 'f', '--version', '"'], [`${'['.repeat(513)}${']'.repeat(513)}`, '--name', 'f'], ['', '--name', 'f'],
]

test(`The native tool prints the same, byte for byte, for ${inputs.length} inputs`, { skip: nativeKey.missing }, () => {
  for (const args of inputs) {
    const native = spawnSync(nativeKey.path, args, { encoding: 'utf8' })
    const { code, out, err } = reprise(['key', ...args])
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    assert.equal(native.status, 0, `${args.join(' ')}: ${native.stderr}`)
    assert.equal(native.stdout, out)
  }
})

test(`The native tool refuses what we refuse`, { skip: nativeKey.missing }, () => {
  for (const args of wrong) {
    const native = spawnSync(nativeKey.path, args, { encoding: 'utf8', input: '' })
    assert.match(native.stderr, /^reprise-key: ./)
    assert.deepEqual([native.status, native.stdout], [2, ''], args.join(' '))
    refused(['key', ...args])
  }
})

test('The native tool reads stdin too, with a byte order mark or without', { skip: nativeKey.missing }, () => {
  const args = ['-', '--name', 'f']
  for (const input of ['{"a": "é"}\n', '\ufeff[1]']) {
    assert.equal(spawnSync(nativeKey.path, args, { encoding: 'utf8', input }).stdout, reprise(['key', ...args], input).out)
  }
})

test('As a program it reads the real stdin, and says what is wrong on the real stderr', () => {
  const main = fileURLToPath(new URL('../../js/cli/main.ts', import.meta.url))
  const program = (args: string[], input = ''): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, ['--import', 'tsx', main, ...args], { encoding: 'utf8', input })
  const { status, stdout, stderr } = program(['key', '-', '--name', 'ask'], '{"prompt":"hi"}')
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  assert.equal(stdout, reprise(['key', '{"prompt":"hi"}', '--name', 'ask']).out)
  const failed = program(['key', '{', '--name', 'ask'])
  assert.deepEqual([failed.status, failed.stdout], [2, ''])
  assert.match(failed.stderr, /at position 1\./)
})
