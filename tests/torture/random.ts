/** Random choices that a seed repeats: sfc32 (Chris Doty-Humphrey's small fast counter), seeded with two numbers. */
export class Random {
  private a: number
  private b: number
  private c = 0x9e3779b9
  private d = 1

  /** Each `stream` of a seed is a sequence of its own. */
  constructor(seed: number, stream = 0) {
    this.a = seed | 0
    this.b = stream | 0
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 bits, as a number from 0 to 2^32 - 1. */
  bits(): number {
    const sum = (this.a + this.b + this.d) | 0
    this.d = (this.d + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (this.c << 21) | (this.c >>> 11)
    this.c = (this.c + sum) | 0
    return sum >>> 0
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n)
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** `count` times what `make` makes. */
  times<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make)
  }

  shuffled<T>(list: readonly T[]): T[] {
    const items = [...list]
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      ;[items[i], items[j]] = [items[j]!, items[i]!]
    }
    return items
  }
}

/** A seed for a run that was given none. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}
