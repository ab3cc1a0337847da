// What happened, counted. Each counter says when it is bumped; none is ever set back. JavaScript adds what only
// it can see (calls that went by uncached, storage errors).
#pragma once

#include <cstdint>

namespace reprise {

struct Stats {
  std::uint64_t hits_fresh = 0;  // look_up found a fresh entry in memory
  std::uint64_t hits_stale = 0;  // look_up found one that was stale but allowed
  // A look_up that had missed was then answered by storage: admit said ok or stale.
  std::uint64_t hits_admitted = 0;

  // look_up found no usable entry in memory, because … (the hits and these are all look_ups)
  std::uint64_t misses_absent = 0;       // there is none
  std::uint64_t misses_evicted = 0;      // there was one lately, and it had to make room
  std::uint64_t misses_expired = 0;      // its time was over; or it stays, too stale for this call
  std::uint64_t misses_invalidated = 0;  // one of its tags had been invalidated

  // admit refused an entry from storage (a miss counted above stays a miss), because …
  std::uint64_t refused_damaged = 0;  // truncated, bad seal, foreign, another key, another format
  std::uint64_t refused_expired = 0;
  std::uint64_t refused_invalidated = 0;

  // store or admit put an entry into memory, or did not: too large, not worth it, no room, no lifetime, invalidated.
  std::uint64_t stored = 0;
  std::uint64_t not_stored = 0;
  std::uint64_t not_admitted = 0;  // of those: all that is in memory is worth more

  // An entry left memory, because …
  std::uint64_t evicted = 0;  // room was needed
  std::uint64_t expired =
      0;  // its time was over (met by look_up, by sweep, or when room was needed)
  std::uint64_t invalidated = 0;  // it or one of its tags was invalidated
  std::uint64_t replaced = 0;     // a newer entry of the same key took its place

  double saved_ms = 0;  // the cost of every entry that answered a call, summed at each hit
};

}  // namespace reprise
