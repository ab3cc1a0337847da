// A cache with all that it is made of. The policy is LRU, whose choices a test can foresee.
#pragma once

#include "cache.h"
#include "dense.h"
#include "policies/eviction_lru.h"

struct Limits {
  std::uint64_t max_bytes = 64'000'000;
  std::uint64_t max_entry_bytes = std::uint64_t{8} << 20;
  std::uint64_t dense_bytes = 0;  // beside max_bytes, for compression; 0: there is none
};

struct LruParts {
  reprise::Pages pages;
  reprise::EvictionLru policy;
  reprise::Dense dense;
  explicit LruParts(const Limits& limits)
      : pages(limits.max_bytes), policy(pages), dense(limits.dense_bytes) {}
};

struct LruCache : LruParts, reprise::Cache {
  explicit LruCache(const Limits& limits)
      : LruParts(limits),
        Cache({limits.max_entry_bytes}, pages, policy, limits.dense_bytes == 0 ? nullptr : &dense) {
  }

  [[nodiscard]] bool valid() const { return Cache::valid() && policy.valid(); }
};
