#include "record.h"

#include <cstring>

namespace reprise {

namespace {

// The bits above the set of tokens.
constexpr std::uint32_t kKindAt = 24;  // two bits
constexpr std::uint32_t kInParts = 1U << 26;
constexpr std::uint32_t kEnds = 1U << 27;
constexpr std::uint32_t kGetsStale = 1U << 28;
constexpr std::uint32_t kIdles = 1U << 29;
constexpr std::uint32_t kWide = 1U << 30;

constexpr std::size_t kIdleAt = 8;

struct Layout {
  bool wide;
  std::uint32_t created_at;
  std::uint32_t ends_at;
  std::uint32_t stale_at;
  std::uint32_t size;
};

Layout layout_of(std::uint32_t bits) {
  const bool wide = (bits & kWide) != 0;
  const std::uint32_t duration = wide ? 8 : 4;
  Layout layout{wide, (bits & kIdles) != 0 ? 24U : 8U, 0, 0, 0};
  layout.ends_at = layout.created_at + (wide ? 8 : 6);
  layout.stale_at = layout.ends_at + ((bits & kEnds) != 0 ? duration : 0);
  layout.size = layout.stale_at + ((bits & kGetsStale) != 0 ? duration : 0) +
                ((bits & kInParts) != 0 ? 8 : 0);
  return layout;
}

// Differences of times as they are stored: modulo 2^64, so nothing is lost whatever the times are.
std::uint64_t from_to(Millis from, Millis to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

Millis moved_by(Millis from, std::uint64_t difference) {
  return static_cast<Millis>(static_cast<std::uint64_t>(from) + difference);
}

void put_duration(MutableBytes out, std::uint32_t at, bool wide, std::uint64_t value) {
  if (wide) return put(out, at, value);
  put(out, at, static_cast<std::uint32_t>(value));
}

std::uint64_t load_duration(Bytes block, std::uint32_t at, bool wide) {
  return wide ? load<std::uint64_t>(block, at) : load<std::uint32_t>(block, at);
}

}  // namespace

std::uint32_t Record::write(MutableBytes out) const {
  const bool ends = life.fresh_until != kForever;
  const bool gets_stale = life.stale_until != life.fresh_until;
  const std::uint64_t fresh_for = ends ? from_to(life.created, life.fresh_until) : 0;
  const std::uint64_t stale_for = from_to(life.fresh_until, life.stale_until);
  const bool wide = static_cast<std::uint64_t>(life.created) >> 48 != 0 || fresh_for > UINT32_MAX ||
                    stale_for > UINT32_MAX;
  std::uint32_t bits = token_set | static_cast<std::uint32_t>(kind) << kKindAt;
  if (!whole) bits |= kInParts;
  if (ends) bits |= kEnds;
  if (gets_stale) bits |= kGetsStale;
  if (life.idle_until != kForever) bits |= kIdles;
  if (wide) bits |= kWide;
  const Layout layout = layout_of(bits);
  put(out, 0, bits);
  put(out, 4, cost_ms);
  if ((bits & kIdles) != 0) {
    put(out, kIdleAt, life.idle_ms);
    put(out, kIdleAt + 8, life.idle_until);
  }
  std::memcpy(out.data() + layout.created_at, &life.created, wide ? 8 : 6);
  if (ends) put_duration(out, layout.ends_at, wide, fresh_for);
  if (gets_stale) put_duration(out, layout.stale_at, wide, stale_for);
  if (!whole) {
    put(out, layout.size - 8, static_cast<std::uint32_t>(payload_size));
    put(out, layout.size - 4, next);
  }
  return layout.size;
}

Record Record::read(Bytes block) {
  const auto bits = load<std::uint32_t>(block, 0);
  const Layout layout = layout_of(bits);
  Record record;
  record.token_set = bits & (kMostSets - 1);
  record.kind = static_cast<PayloadKind>(bits >> kKindAt & 3);
  record.whole = (bits & kInParts) == 0;
  record.cost_ms = load<float>(block, 4);
  if ((bits & kIdles) != 0) {
    record.life.idle_ms = load<Millis>(block, kIdleAt);
    record.life.idle_until = load<Millis>(block, kIdleAt + 8);
  }
  if (layout.wide) {
    record.life.created = load<Millis>(block, layout.created_at);
  } else {
    record.life.created =
        static_cast<Millis>(load<std::uint32_t>(block, layout.created_at) |
                            std::uint64_t{load<std::uint16_t>(block, layout.created_at + 4)} << 32);
  }
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
    record.payload_size = block.size() - layout.size;
  } else {
    record.payload_size = load<std::uint32_t>(block, layout.size - 8);
    record.next = load<Ref>(block, layout.size - 4);
  }
  return record;
}

bool Record::is_whole(Bytes block) { return (load<std::uint32_t>(block, 0) & kInParts) == 0; }

std::uint32_t Record::size_of(Bytes block) { return layout_of(load<std::uint32_t>(block, 0)).size; }

void Record::answered(MutableBytes block, Millis now) {
  if ((load<std::uint32_t>(block, 0) & kIdles) == 0) return;
  put(block, kIdleAt + 8, after(now, load<Millis>(block, kIdleAt)));
}

}  // namespace reprise
