// Time as the core knows it: a number of milliseconds that the caller hands in. Nothing in src/ asks a clock.
//
// An entry has two ends. Until `fresh_until` it answers calls; from then until `stale_until` it may
// answer while a new value is made; after that it is dead. Both are exclusive: an entry with a ttl of
// 1,000 ms made at 0 is fresh at 999 and not at 1,000. An entry may also die of idleness: every answer moves
// `idle_until` on, but what is fixed stays fixed.
//
// The time between the two ends is the window. It is known of every entry that has one, as an entry may be told to be
// stale early: then the window begins there. So an entry that is fresh for ever and has a window is fresh only until
// kForever less that.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace reprise {

// Milliseconds since 1970-01-01 UTC, or a duration in milliseconds. 64 bits: no ttl is too long.
using Millis = std::int64_t;

constexpr Millis kForever = std::numeric_limits<Millis>::max();

// now + duration, staying at kForever instead of wrapping round. A negative duration counts as none.
[[nodiscard]] constexpr Millis after(Millis now, Millis duration) {
  if (duration <= 0) return now;
  return now > kForever - duration ? kForever : now + duration;
}

// The longest window of what is fresh for ever: 570,000 years. What is fresh until kForever less this is so for ever, to anybody.
constexpr Millis kLongestWindow = Millis{1} << 54;

// How far two clocks that share entries, or one before and after it was set right, may be apart. What was made later than that
// from now is over: nobody can tell how old it is, and a clock that went back must not make it live longer.
constexpr Millis kMostSkew = Millis{5} * 60 * 1000;

enum class Freshness : std::uint8_t { fresh, stale, expired };

struct Lifetime {
  Millis created = 0;
  Millis fresh_until = 0;
  Millis stale_until = 0;  // never before fresh_until
  // How long it lives without an answer, and till when that is; for ever where it does not matter.
  Millis idle_ms = kForever;
  Millis idle_until = kForever;

  [[nodiscard]] constexpr Freshness at(Millis now) const {
    if (created > after(now, kMostSkew)) return Freshness::expired;
    if (idle_until != kForever && idle_until > after(after(now, idle_ms), kMostSkew)) {
      return Freshness::expired;
    }
    if (now >= idle_until) return Freshness::expired;
    if (now < fresh_until) return Freshness::fresh;
    return now < stale_until ? Freshness::stale : Freshness::expired;
  }

  // There is a time when it is stale.
  [[nodiscard]] constexpr bool has_window() const { return stale_until > fresh_until; }

  // A lifetime that begins now: fresh for `ttl`, then stale for `stale_for`, and over when idle for `idle`.
  [[nodiscard]] static constexpr Lifetime from(Millis now, Millis ttl, Millis stale_for,
                                               Millis idle = kForever) {
    const Millis window = std::clamp(stale_for, Millis{0}, kLongestWindow);
    const Millis fresh_until = std::min(after(now, ttl), kForever - window);
    return {now, fresh_until, after(fresh_until, stale_for), idle, after(now, idle)};
  }
};

}  // namespace reprise
