/** The program reprise-key of the native build, for tests that hold it against the JavaScript one. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = fileURLToPath(new URL('../build/native/reprise-key', import.meta.url))

export const nativeKey = {
  path,
  /** Why a test that needs it is left out; false if it is there. */
  missing: existsSync(path) ? false : 'left out: there is no build/native/reprise-key (node scripts/build.mjs native)',
} as const
