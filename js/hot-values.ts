/**
 * The values of the hottest entries, ready to be handed out: making them anew out of bytes is most of what a hit costs.
 *
 * A text cannot be changed, so it is handed out as it is. Of an object a template is held, and each caller gets a copy: that
 * takes a seventh of decoding it, as nothing is read and no text is made. An entry's place goes by its slot. Who has a place loses it to
 * one who is asked for twice while nobody asks for the owner; so few places do, as some entries are asked for much more often than others.
 *
 * Slot, low and high say whose a value is, the latter two of the key: what a slot held for another key is never returned, even if
 * nobody told us. All of it is in the budget: `reservedBytes` is what the entries cannot have.
 */
import { beyondLatin1 } from './platform-text.js'

export class HotValues {
  private readonly templates: unknown[] = new Array<unknown>(places).fill(undefined)
  /** Of each place: slot, low, high. */
  private readonly owners = new Uint32Array(3 * places).fill(nobody)
  /** Who was asked for last in a place without being its owner: low. */
  private readonly challengers = new Uint32Array(places)
  private readonly weights = new Float64Array(places)
  private left: number
  readonly reservedBytes: number

  constructor(maxBytes: number) {
    this.left = this.reservedBytes = Math.min(Math.floor(maxBytes / 32), mostBytes)
  }

  /** A value for one caller; undefined where it is not held. */
  find(slot: number, low: number, high: number): unknown {
    const place = slot % places
    const template = this.templates[place]
    if (template === undefined || !this.owns(3 * place, slot, low, high)) return undefined
    this.challengers[place] = 0
    return isObject(template) ? copyOf(template as Template) : template
  }

  /** A value that was not held was made just now: of primitives, arrays and plain objects, each of which it has once. */
  note(slot: number, low: number, high: number, value: unknown): void {
    const place = slot % places
    if (this.challengers[place] !== low) {
      this.challengers[place] = low
      return
    }
    const weight = weightOf(value)
    if (weight > Math.min(heaviest, this.left + this.weights[place]!)) return
    this.empty(place)
    this.templates[place] = isObject(value) ? templateOf(value) : value
    this.owners.set([slot, low, high], 3 * place)
    this.weights[place] = weight
    this.left -= weight
  }

  /** The slot has another entry now, or none. */
  drop(slot: number): void {
    const place = slot % places
    this.challengers[place] = 0
    if (this.owners[3 * place] === slot) this.empty(place)
  }

  private empty(place: number): void {
    this.owners[3 * place] = nobody
    this.templates[place] = undefined
    this.left += this.weights[place]!
    this.weights[place] = 0
  }

  private owns(at: number, slot: number, low: number, high: number): boolean {
    const { owners } = this
    return owners[at] === slot && owners[at + 1] === low && owners[at + 2] === high
  }
}

const places = 1024
const nobody = 0xffff_ffff

/** Of all values, and of one. */
const mostBytes = 2_000_000
const heaviest = 16_384

/**
 * What a value is copied from, in one list, as most of a copy is waiting for memory: of an object or array that nobody else has, itself, what copies it
 * (undefined: it is an array), how many of its members are to be copied themselves, and of each of those the place and, in the same way, all there is to it.
 */
type Template = readonly unknown[]

function templateOf(value: object): Template {
  const template: unknown[] = []
  add(value)
  return template

  function add(value: object): object {
    const spread = Array.isArray(value) ? undefined : spreadOf(value)
    const whole = (spread === undefined ? (value as unknown[]).slice() : spread(value)) as Record<string, unknown>
    const places = Object.keys(whole).filter(place => isObject(whole[place]))
    template.push(whole, spread, places.length)
    for (const place of places) {
      template.push(spread === undefined ? Number(place) : place)
      whole[place] = add(whole[place] as object)
    }
    return whole
  }
}

function copyOf(template: Template): object {
  at = 0
  return copyNext(template)
}

/** Where the template is read. */
let at = 0

function copyNext(template: Template): object {
  const whole = template[at] as object
  const spread = template[at + 1] as Spread | undefined
  const parts = template[at + 2] as number
  at += 3
  // Apart, as V8 stores by place in another way than by name.
  if (spread === undefined) {
    const copy = (whole as unknown[]).slice()
    for (let i = 0; i < parts; i++) copy[template[at++] as number] = copyNext(template)
    return copy
  }
  const copy = spread(whole) as Record<string, unknown>
  for (let i = 0; i < parts; i++) copy[template[at++] as string] = copyNext(template)
  return copy
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

type Spread = (object: object) => object

/**
 * An object is copied at once, as it lies in memory, where V8 has met its shape before: it remembers shapes by the place in the source, up to four.
 * So there are many such places, and objects of the same names use the same one. (It halves the time of a copy.)
 */
const spreads: readonly Spread[] = [
  o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }),
  o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }),
  o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }),
  o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }), o => ({ ...o }),
]
/** The first place is for shapes that come after so many others. */
const spreadsByNames = new Map<string, Spread>()
const mostNames = 4 * (spreads.length - 1)

function spreadOf(object: object): Spread {
  const names = Object.keys(object).join()
  const known = spreadsByNames.get(names)
  if (known !== undefined || spreadsByNames.size === mostNames) return known ?? spreads[0]!
  const spread = spreads[1 + (spreadsByNames.size % (spreads.length - 1))]!
  spreadsByNames.set(names, spread)
  return spread
}

/** What a value takes as a template, roughly and rather too much. All its texts are cut from one: a wide character makes each of them wide. */
function weightOf(value: unknown): number {
  units = 0
  isWide = false
  const weight = weightBesideText(value)
  return weight + (isWide ? 2 : 1) * units
}

/** Of the texts that were weighed. */
let units = 0
let isWide = false

function weightBesideText(value: unknown): number {
  if (typeof value === 'string') {
    units += value.length
    isWide ||= beyondLatin1.test(value)
    return 32
  }
  if (!isObject(value)) return 16
  let weight = 192
  for (const member of Object.values(value)) weight += 16 + weightBesideText(member)
  return weight
}
