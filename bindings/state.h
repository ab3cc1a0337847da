// One cache per WebAssembly instance: its memory is the cache's memory, and dropping the instance drops all.
#pragma once

#include "boundary.h"

namespace reprise {

struct State {
  EvictionAsg eviction;
  Cache cache;
  SipKey key;
  SipHash digest{SipKey{}};  // of the canonical bytes fed so far
  Draft draft{};             // what seal_begin seals: the last store
  Sealer sealer{};
  EntryReader reader{};
  Status read = Status::ok;
  std::uint64_t entry_size = 0;  // of the entry being admitted

  State(const Options& options, SipKey sip_key)
      : eviction(sip_key.k0), cache(options, eviction), key(sip_key), digest(sip_key) {}
};

extern Block block;
// nullptr until create() was called; exports are not called before.
extern State* state;

}  // namespace reprise
