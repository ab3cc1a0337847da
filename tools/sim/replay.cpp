#include "replay.h"

#include <algorithm>
#include <chrono>

#include "cache.h"

namespace reprise::sim {

namespace {

// Keys are digests in life: 128 bits that look random. The first half alone tells these apart.
Digest128 digest_of(std::uint32_t key) {
  std::uint64_t x = key * std::uint64_t{0x9e3779b97f4a7c15} + 0x1234567;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  x ^= x >> 31;
  return {x, ~x};
}

}  // namespace

std::uint64_t footprint(const Trace& trace, Objective objective) {
  return objective == Objective::unit ? trace.sizes.size() : trace.footprint_bytes();
}

Replayed replay(const Trace& trace, Objective objective, std::uint64_t capacity_bytes, Pages& pages,
                Eviction& policy) {
  constexpr Millis kNow = 0;
  const auto start = std::chrono::steady_clock::now();
  Options options;
  options.simulated_bytes = options.max_entry_bytes = std::max<std::uint64_t>(1, capacity_bytes);
  Cache cache(options, pages, policy);
  Replayed result;
  result.capacity_bytes = capacity_bytes;
  result.requests = trace.requests.size();
  Draft draft;
  draft.life = Lifetime::from(kNow, kForever, 0);
  for (const std::uint32_t key : trace.requests) {
    const double bytes = static_cast<double>(trace.sizes[key]);
    const double cost = trace.costs[key];
    result.bytes += bytes;
    result.cost += cost;
    const Digest128 digest = digest_of(key);
    if (cache.look_up(digest, kNow).slot != kNoSlot) {
      ++result.hits;
      result.bytes_hit += bytes;
      result.cost_saved += cost;
      continue;
    }
    draft.payload_size = objective == Objective::unit ? 1 : trace.sizes[key];
    draft.cost_ms = objective == Objective::cost ? cost : 1;
    cache.store(digest, draft, {}, kNow);
    result.most_entries = std::max<std::uint64_t>(result.most_entries, cache.entries());
  }
  result.metadata_bytes = policy.bytes();
  result.not_admitted = cache.stats().not_admitted;
  result.evicted = cache.stats().evicted;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace reprise::sim
