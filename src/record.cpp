#include "record.h"

#include <cstring>

#include "cold.h"

namespace reprise {

using namespace record_bits;

namespace {

// Differences of times as they are stored: modulo 2^64, so nothing is lost whatever the times are.
std::uint64_t from_to(Millis from, Millis to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

void put_duration(MutableBytes out, std::uint32_t at, bool wide, std::uint64_t value) {
  if (wide) return put(out, at, value);
  put(out, at, static_cast<std::uint32_t>(value));
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
  if (compressed) bits |= kCompressed;
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
  if (compressed) {
    put(out, layout.size - 3, dictionary);
    put(out, layout.size - 2, static_cast<std::uint16_t>(payload_size - 1));
  }
  return layout.size;
}

void Record::answered(MutableBytes block, Millis now) {
  if ((load<std::uint32_t>(block, 0) & kIdles) == 0) return;
  put(block, kIdleAt + 8, after(now, load<Millis>(block, kIdleAt)));
}

// What is stored of the two ends are differences. That of the stale one stays as it is. That of the fresh one gets smaller, as
// the entry was fresh, so it fits its field of four or eight bytes; and the field is there, as nothing gets stale that is
// fresh for ever. Where the clock was set back to before the entry was made, it was made now.
REPRISE_COLD bool Record::expire(MutableBytes block, Millis now) {
  const auto bits = load<std::uint32_t>(block, 0);
  if ((bits & kGetsStale) == 0 || (bits & kEnds) == 0) return false;
  const Layout layout = layout_of(bits);
  Millis created = load_created(block, layout);
  if (now < created) {
    if (now < 0 && !layout.wide) return false;
    created = now;
    std::memcpy(block.data() + layout.created_at, &created, layout.wide ? 8 : 6);
  }
  put_duration(block, layout.ends_at, layout.wide, from_to(created, now));
  return true;
}

}  // namespace reprise
