// For node:test: a line of JSON for each test at the top of a file, with what it told, for scripts/matrix.mjs.

export default async function* rows(events) {
  let last
  for await (const { type, data } of events) {
    if (data.nesting !== 0) continue
    if (type === 'test:diagnostic' && last !== undefined) last.told.push(data.message)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (last !== undefined) yield `${JSON.stringify(last)}\n`
    last = { title: data.name, passed: type === 'test:pass', skipped: data.skip, ms: data.details.duration_ms, told: [] }
  }
  if (last !== undefined) yield `${JSON.stringify(last)}\n`
}
