// A cache with all that it is made of. The policy is LRU, whose choices a test can foresee.
#pragma once

#include "cache.h"
#include "policies/eviction_lru.h"

struct Limits {
  std::uint64_t max_bytes = 64'000'000;
  std::uint64_t max_entry_bytes = std::uint64_t{8} << 20;
};

struct LruParts {
  reprise::Pages pages;
  reprise::EvictionLru policy;
  explicit LruParts(std::uint64_t max_bytes) : pages(max_bytes), policy(pages) {}
};

struct LruCache : LruParts, reprise::Cache {
  explicit LruCache(const Limits& limits)
      : LruParts(limits.max_bytes), Cache({limits.max_entry_bytes}, pages, policy) {}

  [[nodiscard]] bool valid() const { return Cache::valid() && policy.valid(); }
};
