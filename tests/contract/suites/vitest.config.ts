import { fileURLToPath } from 'node:url'

export default {
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: { include: ['tests/contract/suites/*.suite.ts'], watch: false },
}
