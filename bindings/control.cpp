// The control plane: embind. Called when a cache is made and when someone asks how it is doing, never on a call.
#include <emscripten/bind.h>

#include <new>

#include "heap.h"
#include "state.h"

namespace reprise {
namespace {

constexpr double kReserve = 64 * 1024 + 16 * 1024;

// In the order of `statNames` in js/boundary.ts, which a test compares.
struct ControlStats {
  double hits_fresh, hits_stale, hits_admitted;
  double misses_absent, misses_evicted, misses_expired, misses_invalidated;
  double refused_damaged, refused_expired, refused_invalidated;
  double stored, not_stored, not_admitted;
  double evicted, expired, invalidated, replaced;
  double saved_ms;
  double entries, bytes, metadata, memory;
};

// What of the budget is left for pages: less the module itself with its stack and the shared block, less the tables
// beside the pages, less what malloc adds and the last 64 KiB, which the host gives whole; and less the dictionaries.
std::uint64_t for_pages(double max_bytes, std::uint64_t dense_bytes) {
  const auto used = static_cast<double>(heap_end());
  const double left = max_bytes - used - kReserve - static_cast<double>(dense_bytes);
  return left <= 0
             ? 0
             : static_cast<std::uint64_t>(left / (kPageSize + Pages::kTablesPerPage)) * kPageSize;
}

// key0 to key3: the secret key of this cache's digests, 128 random bits.
bool create(double max_bytes, double max_entry_bytes, std::uint32_t key0, std::uint32_t key1,
            std::uint32_t key2, std::uint32_t key3) {
  const SipKey key{(std::uint64_t{key1} << 32) | key0, (std::uint64_t{key3} << 32) | key2};
#if REPRISE_DENSE
  const std::uint64_t dense_bytes = Dense::share_of(static_cast<std::uint64_t>(max_bytes));
#else
  const std::uint64_t dense_bytes = 0;
#endif
  if (state != nullptr) return false;  // one cache per instance
  alignas(State) static std::byte place[sizeof(State)];
  state = new (place) State(for_pages(max_bytes, dense_bytes), dense_bytes,
                            {static_cast<std::uint64_t>(max_entry_bytes)}, key);
  return true;
}

// Where they lie, until the next call.
std::uint32_t stats() {
  static ControlStats out;
  const Stats& s = state->cache.stats();
  const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
  out = {count(s.hits_fresh),
         count(s.hits_stale),
         count(s.hits_admitted),
         count(s.misses_absent),
         count(s.misses_evicted),
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
         count(state->cache.bytes()),
         count(state->cache.metadata()),
         static_cast<double>(memory_size())};
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&out));
}

// The format of this boundary; js/core.ts refuses a module of another one.
int version() { return 4; }

}  // namespace
}  // namespace reprise

// libc++ says why it ends the program, and would bring in all of printf for it, a tenth of the module.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is the C++ ABI's.
extern "C" [[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }

EMSCRIPTEN_BINDINGS(reprise) {
  using namespace reprise;
  emscripten::function("create", &create);
  emscripten::function("stats", &stats);
  emscripten::function("version", &version);
}
