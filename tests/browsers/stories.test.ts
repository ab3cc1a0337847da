// A story that is told in one browser is told in all.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8')

test('Every story is told in Chromium, Firefox and WebKitGTK, and each is a row of the matrix', async () => {
  const names = [...(await read('stories.ts')).matchAll(/^export const (\w+)(?:: Story| = \(.*\): Story) =/gm)].map(([, name]) => name!)
  assert.ok(names.length >= 8, names.join())
  for (const [file, browser] of [['chromium', 'Chromium'], ['firefox', 'Firefox'], ['webkit', 'WebKitGTK']] as const) {
    const told = [...(await read(`${file}.test.ts`)).matchAll(/^test\('(\w+) \| [^'|]+', told\(stories\.(\w+)/gm)]
    assert.deepEqual(told.map(([, consumer, story]) => `${consumer}: ${story}`).sort(), names.map(name => `${browser}: ${name}`).sort())
  }
})
