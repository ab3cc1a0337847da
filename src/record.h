// What memory knows of one entry beside its key and its payload: a few bytes before the payload, in the same block.
//
//   bits: 24 set of tokens, 8 what follows      4
//   cost, a float of milliseconds               4
//   idle_ms, idle_until                         16   only where it may die of idleness
//   created                                     6, or 8 where it is before 1970 or after the year 10889
//   fresh_until - created                       4 or 8   not where it is fresh for ever
//   stale_until - fresh_until                   4 or 8   not where both are the same
//   size of the payload, place of the next part 8   only where the payload takes more than one block
//
// What is not there costs nothing: an entry without an end has 14 bytes, one with a ttl below 49 days 18.
// The times are exact to the millisecond whatever they are. `next` lies last, so it can be found without reading the rest.
#pragma once

#include <cstdint>

#include "arena.h"
#include "bytes.h"
#include "entry.h"
#include "lifetime.h"

namespace reprise {

struct Record {
  static constexpr std::uint32_t kMaxSize = 4 + 4 + 16 + 3 * 8 + 8;
  static constexpr std::uint32_t kMostSets = 1U << 24;

  Lifetime life{};
  float cost_ms = 0;
  std::uint32_t token_set = 0;
  PayloadKind kind = PayloadKind::cbor;
  bool whole = true;  // the payload lies in the same block
  std::uint64_t payload_size = 0;
  Ref next = kNowhere;     // the block after this one, where not whole
  std::uint32_t size = 0;  // of what write() wrote: the payload begins there

  // Writes to `out`, which has room for kMaxSize, and says how many bytes that took.
  [[nodiscard]] std::uint32_t write(MutableBytes out) const;

  // Of a block that begins with one.
  [[nodiscard]] static Record read(Bytes block);
  [[nodiscard]] static bool is_whole(Bytes block);
  [[nodiscard]] static std::uint32_t size_of(Bytes block);
  // An answer at `now` was given: the end of idleness moves, where there is one.
  static void answered(MutableBytes block, Millis now);
};

}  // namespace reprise
