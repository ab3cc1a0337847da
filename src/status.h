// What a verb answers when it does not simply succeed. Inside the core errors are values; nothing throws.
// The numbers cross the boundary to JavaScript (js/core.ts mirrors them), so an existing one never changes.
#pragma once

#include <cstdint>

namespace reprise {

enum class Status : std::uint8_t {
  ok = 0,
  // An entry from storage was refused because …
  truncated = 1,      // it ends before its own length says
  not_an_entry = 2,   // it does not begin with our magic
  other_format = 3,   // another version of the entry format wrote it
  bad_seal = 4,       // a byte of it changed after it was sealed
  other_key = 5,      // it answers another question: files were swapped
  expired = 6,        // its time is over
  invalidated = 7,    // one of its tokens is no longer the tag's token
  unknown_token = 8,  // it names a tag whose token has not been loaded yet; load it and ask again
  bad_field = 9,      // the seal holds but a field makes no sense
  // A value was not kept in memory because …
  too_large = 10,     // it is above max_entry_bytes, or above the whole budget
  no_room = 11,       // memory could not grow
  no_lifetime = 12,   // its ttl is 0
  not_admitted = 13,  // memory is full of what is worth more
  // An entry from storage was admitted, and …
  stale = 14,     // it is stale, but answers
  retained = 15,  // it is too stale for this call: it answers only if a new value cannot be made
};

}  // namespace reprise
