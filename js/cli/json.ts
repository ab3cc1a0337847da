/** JSON from a command line: where it is wrong, and why that is often the shell's doing. */
import { UsageError } from './usage.js'

/** The value of `text`. Throws UsageError that shows the place where it stops to be JSON, followed by `hint`. */
export function parseJson(text: string, hint: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const at = faultIn(text)
    const found = at < text.length ? `${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))} cannot stand` : 'something is missing'
    const before = text.slice(Math.max(0, at - 30), at)
    const after = text.slice(at, at + 30)
    throw new UsageError(`this is not JSON: ${found} at position ${at}.\n  ${oneLine(before + after)}\n  ${' '.repeat(oneLine(before).length)}^${hint && `\n${hint}`}`)
  }
}

function oneLine(text: string): string {
  return text.replace(/\s/g, ' ')
}

/** Where the first character stands that JSON does not allow there. JSON.parse knows, but only some engines tell. */
function faultIn(text: string): number {
  let at = 0
  const space = (): void => void take(/[ \t\n\r]*/y)
  /** Takes what matches at the present place; says whether anything did. */
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const length = pattern.exec(text)?.[0].length ?? 0
    at += length
    return length > 0
  }
  const expect = (pattern: RegExp): void => {
    if (!take(pattern)) throw at
  }
  const string = (): void => {
    expect(/"/y)
    take(/(?:[^"\\\0-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y)
    expect(/"/y)
  }
  const members = (open: RegExp, close: RegExp, member: () => void): boolean => {
    if (!take(open)) return false
    space()
    if (take(close)) return true
    for (;;) {
      space()
      member()
      space()
      if (take(close)) return true
      expect(/,/y)
    }
  }
  const value = (): void => {
    space()
    if (members(/\[/y, /\]/y, value)) return
    if (members(/\{/y, /\}/y, () => (string(), space(), expect(/:/y), value()))) return
    if (text[at] === '"') return string()
    expect(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y)
  }
  try {
    value()
    space()
  } catch (place) {
    if (typeof place !== 'number') throw place
  }
  return at
}
