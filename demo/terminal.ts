// Lines on a terminal: colour and a moving status line where a person watches, plain text where a file does.

import type { WriteStream } from 'node:tty'

export class Terminal {
  readonly #out: WriteStream | NodeJS.WriteStream
  readonly #live: boolean
  readonly #colored: boolean
  #statusShown = false

  constructor(out: WriteStream | NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>) {
    this.#out = out
    this.#live = out.isTTY === true
    this.#colored = this.#live && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  }

  print(line = ''): void {
    this.clearStatus()
    this.#out.write(`${line}\n`)
  }

  /** A line that the next one replaces. A file never sees it. */
  status(text: string): void {
    if (!this.#live) return
    this.#out.write(`\r\x1b[2K${this.dim(text)}`)
    this.#statusShown = true
  }

  clearStatus(): void {
    if (this.#statusShown) this.#out.write('\r\x1b[2K')
    this.#statusShown = false
  }

  bold(text: string): string {
    return this.#style(text, 1, 22)
  }

  dim(text: string): string {
    return this.#style(text, 2, 22)
  }

  green(text: string): string {
    return this.#style(text, 32, 39)
  }

  #style(text: string, on: number, off: number): string {
    return this.#colored ? `\x1b[${on}m${text}\x1b[${off}m` : text
  }
}
