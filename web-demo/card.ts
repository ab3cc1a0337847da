/** One call on the page: its button, its progress, its result, and the line that says where that came from. */
import { element, make } from './page.js'
import type { Verdict } from './verdict.js'

export class Card {
  readonly #run: HTMLButtonElement
  readonly #progress: HTMLProgressElement
  readonly #verdict: HTMLElement
  readonly #result: HTMLElement
  readonly #asked: HTMLElement
  readonly #nothing: Node
  readonly #firstLabel: string

  constructor(private readonly root: HTMLElement) {
    this.#run = element('[data-part=run]', root)
    this.#progress = element('[data-part=progress]', root)
    this.#verdict = element('[data-part=verdict]', root)
    this.#result = element('[data-part=result]', root)
    this.#asked = element('[data-part=asked]', root)
    this.#nothing = this.#result.firstElementChild!.cloneNode(true)
    this.#firstLabel = this.#run.textContent
  }

  get busy(): boolean {
    return this.#result.ariaBusy === 'true'
  }

  asks(what: string): void {
    this.#asked.textContent = what
  }

  onRun(listener: () => void): void {
    this.#run.addEventListener('click', () => {
      if (this.#run.ariaDisabled !== 'true') listener()
    })
  }

  /** The call cannot be made; `why` says what would help. */
  disable(why: string): void {
    this.#run.ariaDisabled = 'true'
    this.#say('failed', make('strong', {}, why))
  }

  start(): void {
    this.#result.ariaBusy = 'true'
    // Not `disabled`: that would take the focus away from who works with the keyboard.
    this.#run.ariaDisabled = 'true'
  }

  /** The function runs. `done` goes from 0 to 1; without it, nobody knows. */
  compute(what: string, done?: number): void {
    if (this.root.dataset['source'] !== 'running' || this.#verdict.textContent !== what) this.#say('running', make('strong', {}, what))
    this.#progress.hidden = false
    if (done === undefined) this.#progress.removeAttribute('value')
    else this.#progress.value = done
  }

  show(...content: (Node | string)[]): void {
    this.#result.replaceChildren(...content)
  }

  finish({ source, headline, details }: Verdict): void {
    this.#end()
    this.#run.textContent = this.#run.dataset['again'] ?? this.#firstLabel
    this.#say(source, make('strong', {}, headline), ` ${details}`)
  }

  fail(message: string): void {
    this.#end()
    this.show(this.#nothing.cloneNode(true))
    this.#say('failed', make('strong', {}, 'The call failed.'), ` ${message}`)
  }

  /** As it was in the beginning, but for one line. */
  reset(line: string): void {
    this.show(this.#nothing.cloneNode(true))
    this.#run.textContent = this.#firstLabel
    this.#say('none', line)
  }

  #end(): void {
    this.#result.ariaBusy = 'false'
    this.#run.ariaDisabled = 'false'
    this.#progress.hidden = true
    this.#progress.value = 0
  }

  #say(source: string, ...content: (Node | string)[]): void {
    this.root.dataset['source'] = source
    // A new element each time, so that the same words are announced, and lit up, again.
    this.#verdict.replaceChildren(make('span', {}, ...content))
  }
}
