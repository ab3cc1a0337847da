// What memory knows of one entry beside its key and its payload: a few bytes before the payload, in the same block.
//
//   bits: 22 set of tokens, 4 kind of payload, 6 what follows  4
//   cost, a float of milliseconds               4
//   idle_ms, idle_until                         16   only where it may die of idleness
//   created                                     6, or 8 where it is before 1970 or after the year 10889
//   fresh_until - created                       4 or 8   not where it is fresh for ever
//   stale_until - fresh_until                   4 or 8   not where both are the same
//   size of the payload, place of the next part 8   only where the payload takes more than one block
//   dictionary 1, size when decoded less one 2    3   only where the payload is compressed; it is in one block then
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

// How the parts of a record are found. Reading is inline: a look-up needs half of it, and every call makes one.
namespace record_bits {

// The bits above the set of tokens.
constexpr std::uint32_t kKindAt = 22;  // four bits
constexpr std::uint32_t kInParts = 1U << 26;
constexpr std::uint32_t kEnds = 1U << 27;
constexpr std::uint32_t kGetsStale = 1U << 28;
constexpr std::uint32_t kIdles = 1U << 29;
constexpr std::uint32_t kWide = 1U << 30;
constexpr std::uint32_t kCompressed = 1U << 31;  // never with kInParts

constexpr std::size_t kIdleAt = 8;

struct Layout {
  bool wide;
  std::uint32_t created_at;
  std::uint32_t ends_at;
  std::uint32_t stale_at;
  std::uint32_t size;
};

inline Layout layout_of(std::uint32_t bits) {
  const bool wide = (bits & kWide) != 0;
  const std::uint32_t duration = wide ? 8 : 4;
  Layout layout{wide, (bits & kIdles) != 0 ? 24U : 8U, 0, 0, 0};
  layout.ends_at = layout.created_at + (wide ? 8 : 6);
  layout.stale_at = layout.ends_at + ((bits & kEnds) != 0 ? duration : 0);
  layout.size = layout.stale_at + ((bits & kGetsStale) != 0 ? duration : 0) +
                ((bits & kInParts) != 0 ? 8 : 0) + ((bits & kCompressed) != 0 ? 3 : 0);
  return layout;
}

inline std::uint64_t load_duration(Bytes block, std::uint32_t at, bool wide) {
  return wide ? load<std::uint64_t>(block, at) : load<std::uint32_t>(block, at);
}

inline Millis load_created(Bytes block, const Layout& layout) {
  if (layout.wide) return load<Millis>(block, layout.created_at);
  return static_cast<Millis>(load<std::uint32_t>(block, layout.created_at) |
                             std::uint64_t{load<std::uint16_t>(block, layout.created_at + 4)}
                                 << 32);
}

inline Millis moved_by(Millis from, std::uint64_t difference) {
  return static_cast<Millis>(static_cast<std::uint64_t>(from) + difference);
}

}  // namespace record_bits

struct Record {
  // Of one that has a ttl and nothing out of the ordinary.
  static constexpr std::uint32_t kUsualSize = 18;
  static constexpr std::uint32_t kMaxSize = 4 + 4 + 16 + 3 * 8 + 8;
  static constexpr std::uint32_t kMostSets = 1U << 22;

  Lifetime life{};
  float cost_ms = 0;
  std::uint32_t token_set = 0;
  PayloadKind kind = PayloadKind::cbor;
  bool whole = true;  // the payload lies in the same block
  bool compressed = false;
  std::uint8_t dictionary = 0;     // where compressed
  std::uint64_t payload_size = 0;  // as it was given
  std::uint64_t stored_size = 0;   // as it lies here: less where compressed
  Ref next = kNowhere;             // the block after this one, where not whole
  std::uint32_t size = 0;          // of what write() wrote: the payload begins there

  // Writes to `out`, which has room for kMaxSize, and says how many bytes that took.
  [[nodiscard]] std::uint32_t write(MutableBytes out) const;

  // Of a block that begins with one.
  [[nodiscard]] static Record read(Bytes block);
  [[nodiscard]] static bool is_whole(Bytes block);
  [[nodiscard]] static bool is_compressed(Bytes block);
  [[nodiscard]] static std::uint32_t size_of(Bytes block);
  [[nodiscard]] static PayloadKind kind_of(Bytes block) {
    return static_cast<PayloadKind>(load<std::uint32_t>(block, 0) >> record_bits::kKindAt &
                                    (kKinds - 1));
  }
  // An answer at `now` was given: the end of idleness moves, where there is one.
  static void answered(MutableBytes block, Millis now);
  // Of one that is fresh: it is stale from `now` on, for as long as it would have been. False where it cannot be.
  [[nodiscard]] static bool expire(MutableBytes block, Millis now);
};

inline Record Record::read(Bytes block) {
  using namespace record_bits;
  const auto bits = load<std::uint32_t>(block, 0);
  const Layout layout = layout_of(bits);
  Record record;
  record.token_set = bits & (kMostSets - 1);
  record.kind = kind_of(block);
  record.whole = (bits & kInParts) == 0;
  record.cost_ms = load<float>(block, 4);
  if ((bits & kIdles) != 0) {
    record.life.idle_ms = load<Millis>(block, kIdleAt);
    record.life.idle_until = load<Millis>(block, kIdleAt + 8);
  }
  record.life.created = load_created(block, layout);
  record.life.fresh_until = kForever;
  if ((bits & kEnds) != 0) {
    record.life.fresh_until =
        moved_by(record.life.created, load_duration(block, layout.ends_at, layout.wide));
  }
  record.life.stale_until = record.life.fresh_until;
  if ((bits & kGetsStale) != 0) {
    record.life.stale_until =
        moved_by(record.life.fresh_until, load_duration(block, layout.stale_at, layout.wide));
  }
  record.size = layout.size;
  if (record.whole) {
    record.payload_size = record.stored_size = block.size() - layout.size;
    if ((bits & kCompressed) != 0) {
      record.compressed = true;
      record.dictionary = load<std::uint8_t>(block, layout.size - 3);
      record.payload_size = std::uint64_t{load<std::uint16_t>(block, layout.size - 2)} + 1;
    }
  } else {
    record.payload_size = record.stored_size = load<std::uint32_t>(block, layout.size - 8);
    record.next = load<Ref>(block, layout.size - 4);
  }
  return record;
}

inline bool Record::is_whole(Bytes block) {
  return (load<std::uint32_t>(block, 0) & record_bits::kInParts) == 0;
}

inline bool Record::is_compressed(Bytes block) {
  return (load<std::uint32_t>(block, 0) & record_bits::kCompressed) != 0;
}

inline std::uint32_t Record::size_of(Bytes block) {
  return record_bits::layout_of(load<std::uint32_t>(block, 0)).size;
}

}  // namespace reprise
