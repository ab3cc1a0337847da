/** node:crypto when it is first needed: to load it takes as long as half of all else that a start takes, and memory needs but a few random bytes of it. */
let loaded: typeof import('node:crypto') | undefined

export function nodeCrypto(): typeof import('node:crypto') {
  return (loaded ??= process.getBuiltinModule('node:crypto'))
}
