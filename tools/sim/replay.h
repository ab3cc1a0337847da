// A trace replayed against the cache itself: each request is a look_up, and after a miss a store, as a call would do it.
// The policy is the only thing that is chosen.
#pragma once

#include <cstdint>

#include "eviction.h"
#include "trace.h"

namespace reprise::sim {

// What the policy is to save.
enum class Objective : std::uint8_t {
  cost,      // sizes and costs are the trace's
  requests,  // sizes are the trace's, every miss costs 1
  unit,      // every size and every cost is 1
};

struct Replayed {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  double bytes = 0;  // of all requests; sizes and costs are the trace's, whatever the objective
  double bytes_hit = 0;
  double cost = 0;
  double cost_saved = 0;
  std::uint64_t most_entries = 0;
  std::uint64_t metadata_bytes = 0;  // of the policy, at its end
  std::uint64_t not_admitted = 0;
  std::uint64_t evicted = 0;
  double seconds = 0;

  [[nodiscard]] double hit_ratio() const {
    return static_cast<double>(hits) / static_cast<double>(requests);
  }
  [[nodiscard]] double byte_hit_ratio() const { return bytes > 0 ? bytes_hit / bytes : 0; }
  [[nodiscard]] double cost_hit_ratio() const { return cost > 0 ? cost_saved / cost : 0; }
  [[nodiscard]] double metadata_per_entry() const {
    return most_entries == 0
               ? 0
               : static_cast<double>(metadata_bytes) / static_cast<double>(most_entries);
  }
};

// The sum of all sizes, as the objective counts them.
std::uint64_t footprint(const Trace& trace, Objective objective);

// The pages of a simulated cache: as many as it asks for.
constexpr std::uint64_t kPagesBytes = Pages::kMaxBytes;

// `policy` is new, and made of `pages` like everything else.
Replayed replay(const Trace& trace, Objective objective, std::uint64_t capacity_bytes, Pages& pages,
                Eviction& policy);

}  // namespace reprise::sim
