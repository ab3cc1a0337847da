// One cache per WebAssembly instance: its memory is the cache's memory, and dropping the instance drops all.
#pragma once

#include "boundary.h"
#if REPRISE_DENSE
#include "dense.h"
#endif

namespace reprise {

struct State {
  Pages pages;
  EvictionAsg eviction;
#if REPRISE_DENSE
  Dense dense;
#endif
  Cache cache;
  KeyDigest digest;  // of what was fed so far
  Draft draft{};     // what seal_begin seals: the last store or redraft
  Sealer sealer{};
  EntryReader reader{};
  Status read = Status::ok;
  std::uint64_t entry_size = 0;  // of the entry being admitted
  Cache::Place reading{};        // where read_payload left off

  // `pages_bytes`: the budget of what is made of pages. `dense_bytes`: of compression, where the module has it.
  State(std::uint64_t pages_bytes, [[maybe_unused]] std::uint64_t dense_bytes,
        const Options& options, SipKey sip_key)
      : pages(pages_bytes),
        eviction(pages, sip_key.k0),
#if REPRISE_DENSE
        dense(dense_bytes),
        cache(options, pages, eviction, &dense),
#else
        cache(options, pages, eviction),
#endif
        digest(sip_key) {
  }
};

extern Block block;
// nullptr until create() was called; exports are not called before.
extern State* state;

}  // namespace reprise
