// The control plane: embind. Called when a cache is made and when someone asks how it is doing, never on a call.
#include <emscripten/bind.h>

#include <new>

#include "state.h"

namespace reprise {
namespace {

struct ControlOptions {
  double max_bytes = 0;
  double max_entry_bytes = 0;
  // The secret key of this cache's digests: 128 random bits, as four numbers.
  std::uint32_t key0 = 0, key1 = 0, key2 = 0, key3 = 0;
};

struct ControlStats {
  double hits_fresh, hits_stale, hits_admitted;
  double misses_absent, misses_expired, misses_invalidated;
  double refused_damaged, refused_expired, refused_invalidated;
  double stored, not_stored, not_admitted;
  double evicted, expired, invalidated, replaced;
  double saved_ms;
  double entries, bytes;
};

bool create(const ControlOptions& options) {
  const SipKey key{(std::uint64_t{options.key1} << 32) | options.key0,
                   (std::uint64_t{options.key3} << 32) | options.key2};
  delete state;
  state = new (std::nothrow) State({static_cast<std::uint64_t>(options.max_bytes),
                                    static_cast<std::uint64_t>(options.max_entry_bytes)},
                                   key);
  return state != nullptr;
}

ControlStats stats() {
  const Stats& s = state->cache.stats();
  const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
  return {count(s.hits_fresh),
          count(s.hits_stale),
          count(s.hits_admitted),
          count(s.misses_absent),
          count(s.misses_expired),
          count(s.misses_invalidated),
          count(s.refused_damaged),
          count(s.refused_expired),
          count(s.refused_invalidated),
          count(s.stored),
          count(s.not_stored),
          count(s.not_admitted),
          count(s.evicted),
          count(s.expired),
          count(s.invalidated),
          count(s.replaced),
          s.saved_ms,
          count(state->cache.entries()),
          count(state->cache.bytes())};
}

// The format of this boundary; js/core.ts refuses a module of another one.
int version() { return 1; }

}  // namespace
}  // namespace reprise

EMSCRIPTEN_BINDINGS(reprise) {
  using namespace reprise;
  emscripten::value_object<ControlOptions>("Options")
      .field("maxBytes", &ControlOptions::max_bytes)
      .field("maxEntryBytes", &ControlOptions::max_entry_bytes)
      .field("key0", &ControlOptions::key0)
      .field("key1", &ControlOptions::key1)
      .field("key2", &ControlOptions::key2)
      .field("key3", &ControlOptions::key3);
  emscripten::value_object<ControlStats>("Stats")
      .field("hitsFresh", &ControlStats::hits_fresh)
      .field("hitsStale", &ControlStats::hits_stale)
      .field("hitsAdmitted", &ControlStats::hits_admitted)
      .field("missesAbsent", &ControlStats::misses_absent)
      .field("missesExpired", &ControlStats::misses_expired)
      .field("missesInvalidated", &ControlStats::misses_invalidated)
      .field("refusedDamaged", &ControlStats::refused_damaged)
      .field("refusedExpired", &ControlStats::refused_expired)
      .field("refusedInvalidated", &ControlStats::refused_invalidated)
      .field("stored", &ControlStats::stored)
      .field("notStored", &ControlStats::not_stored)
      .field("notAdmitted", &ControlStats::not_admitted)
      .field("evicted", &ControlStats::evicted)
      .field("expired", &ControlStats::expired)
      .field("invalidated", &ControlStats::invalidated)
      .field("replaced", &ControlStats::replaced)
      .field("savedMs", &ControlStats::saved_ms)
      .field("entries", &ControlStats::entries)
      .field("bytes", &ControlStats::bytes);
  emscripten::function("create", &create);
  emscripten::function("stats", &stats);
  emscripten::function("version", &version);
}
