// What the benches use of their peers. Declared here, so that types are checked where the peers are not installed.

declare module 'ohash' {
  export function hash(input: unknown): string
}

declare module 'safe-stable-stringify' {
  export function stringify(input: unknown): string | undefined
}

declare module 'object-hash' {
  export default function objectHash(input: object): string
}

/** The version of each package, put in by run.mjs. */
declare const versions: Readonly<Record<string, string>>
