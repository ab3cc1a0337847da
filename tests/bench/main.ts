/** The frame around a bench in Node: options, what machine this is, and the report on stdout. */
import { cpus, loadavg, release, type } from 'node:os'
import { type Pace, quick, type Result, thorough, VerificationError } from './harness.js'
import { jsonReport, textReport } from './report.js'

export interface Session {
  readonly pace: Pace
  readonly chromium: boolean
  /** Says on stderr what is being measured now. */
  progress(line: string): void
}

/** Above it, something else keeps a processor busy. */
const busyLoad = 1.5

/** Runs a bench and reports. Ends with exit code 1 if something was wrong, never because something was slow. */
export async function main(bench: (session: Session) => Promise<Result[]>): Promise<void> {
  const asked = (option: string): boolean => process.argv.includes(`--${option}`)
  const tell = asked('json') ? console.error : console.log
  const pace = asked('quick') ? quick : thorough
  const start = performance.now()
  const loadBefore = loadavg()[0]!
  tell(machine())
  tell(`${pace.rounds} slices of ${pace.sliceMs} ms each, in turns; verified before.`)
  warnIfBusy(loadBefore)
  try {
    const results = await bench({ pace, chromium: asked('chromium'), progress: (line) => console.error(`measuring ${line}`) })
    if (asked('json')) process.stdout.write(`${JSON.stringify(jsonReport(results))}\n`)
    else process.stdout.write(`\n${textReport(results)}\n`)
    tell(`It took ${((performance.now() - start) / 1000).toFixed(0)} s. Load average ${loadBefore.toFixed(2)} before, ${loadavg()[0]!.toFixed(2)} after.`)
    warnIfBusy(loadBefore)
  } catch (error) {
    console.error(error instanceof VerificationError ? error.message : error)
    process.exitCode = 1
  }
}

function machine(): string {
  const processors = cpus()
  return [
    `Reprise ${versions['reprise']}, Node ${process.version}, V8 ${process.versions.v8}`,
    `${type()} ${release()}, ${processors.length} x ${processors[0]?.model ?? 'a processor without a name'}`,
  ].join('\n')
}

function warnIfBusy(load: number): void {
  if (load <= busyLoad) return
  console.error(`WARNING: the load average was ${load.toFixed(2)} before the start, so other programs were using this machine.
Times are too high then, and ratios are rough. To do: run it again when the machine is idle.`)
}
