// Where the demo's files are, wherever it is started from.

import { fileURLToPath } from 'node:url'

const inProject = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

export const folders = {
  project: inProject('.'),
  /** The entries of the file-system storage. They are still there in the next run: that is the point. */
  entries: inProject('.reprise'),
  picture: inProject('build/demo'),
  pageSource: inProject('web-demo'),
  page: inProject('build/web-demo'),
  demo: inProject('demo'),
  package: inProject('dist'),
}
