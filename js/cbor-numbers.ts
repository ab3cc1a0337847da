/** The numbers of CBOR (RFC 8949): what a head says, and tags. They are written into the code that uses them, so importing this loads nothing. */
export enum major { unsigned = 0, negative = 1, bytes = 2, text = 3, array = 4, map = 5, tag = 6 }

export enum simple { false = 0xf4, true = 0xf5, null = 0xf6, undefined = 0xf7 }

/** Tags: the registered ones where their meaning fits exactly, ours (from `hole` on) where none does. */
export enum tag {
  bigPositive = 2,
  bigNegative = 3,
  url = 32,
  set = 258,
  wtf8 = 273,
  map = 259,
  /** 0x52505230, "RPR0". Each number above it is one type; docs/keys.md lists them. */
  hole = 0x5250_5230,
  date = 0x5250_5231,
  regExp = 0x5250_5232,
  error = 0x5250_5233,
  dataView = 0x5250_5234,
  searchParams = 0x5250_5235,
  json = 0x5250_5236,
  /** In values only: an object met before, by its number. */
  again = 0x5250_5237,
}
