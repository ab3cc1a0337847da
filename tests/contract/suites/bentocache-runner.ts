// Runs bentocache.spec.ts by japa, for which it is written. One JSON object a line, of which ../bentocache.test.ts counts the ends of tests.

import { assert } from '@japa/assert'
import { configure, processCLIArgs, run } from '@japa/runner'

processCLIArgs(['--reporters=ndjson'])
configure({ files: () => [new URL('./bentocache.spec.ts', import.meta.url)], plugins: [assert()] })
await run()
