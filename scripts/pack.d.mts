/** `modules`: a line with the digest of each, as sha256sum writes them. */
export function pack(source?: string, target?: string): Promise<{
  readonly tarball: string
  readonly files: readonly string[]
  readonly bytes: number
  readonly unpackedBytes: number
  readonly sha256: string
  readonly modules: string
}>
export function publicManifest(manifest: object): object
