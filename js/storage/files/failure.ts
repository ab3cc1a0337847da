/** What went wrong with a file, in words: what was tried, where, and what to do about it. The system's own error is the cause. */
import { StorageError } from '../../errors.js'

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room, or give a smaller maxBytes.',
  EDQUOT: "The user's quota is used up: make room, or give a smaller maxBytes.",
  EFBIG: 'The file would be larger than this process may write: raise `ulimit -f`, or set maxEntryBytes.',
  EMFILE: 'This process has too many files open: close some, or raise `ulimit -n`.',
  ENFILE: 'The machine has too many files open: close some.',
  EACCES: 'This process may not do that: give its user the directory, or give another directory.',
  EPERM: 'This process may not do that: give its user the directory, or give another directory.',
  EROFS: 'The file system is read-only: give a directory that can be written.',
  EIO: 'The disk fails: look at it, or give a directory elsewhere.',
  ELOOP: 'There is a symbolic link where a file of the cache should be. It is not followed: remove it.',
  ENOTDIR: 'There is a file where a directory should be: give another directory.',
  EISDIR: 'There is a directory where a file of the cache should be: remove it.',
}

/** `doing` such as 'write'; says where the failure does not. */
export function failure(doing: string, path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const said = error instanceof Error ? error.message : String(error)
  const hint = advice[codeOf(error) ?? '']
  return new StorageError(`fileSystem: could not ${doing} ${path}: ${said}.${hint === undefined ? '' : ` ${hint}`}`, { cause: error })
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

/** Of opening and reading: there is something in the place of a file that is none, such as a link, a pipe, a folder or a socket. */
export function isNoFile(error: unknown): boolean {
  return ['ELOOP', 'EMLINK', 'ESPIPE', 'EISDIR', 'ENXIO'].includes(codeOf(error) ?? '')
}

/** Of unlinking: it may be a folder. (Only Linux says for certain.) */
export function isFolder(error: unknown): boolean {
  return ['EISDIR', 'EPERM'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | null)?.code
}
