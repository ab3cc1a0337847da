#include "policies/eviction_wtinylfu.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace reprise;

namespace {
constexpr std::uint64_t kEnough = 64'000'000;
}

namespace {

const Residents kNobody(nullptr, nullptr, nullptr);

Worth worth(std::uint64_t key) { return {(key + 1) * 0xd1342543de82ef95U, 1, 1}; }

}  // namespace

TEST_CASE("W-TinyLFU: a scan of new keys does not flush what is used often") {
  Pages pages(kEnough);
  EvictionWTinyLfu policy(pages, 100);
  std::vector<std::uint64_t> key_of;
  for (Slot slot = 0; slot < 100; ++slot) {
    REQUIRE(policy.added(slot, worth(slot)));
    key_of.push_back(slot);
  }
  for (int round = 0; round < 4; ++round) {
    for (Slot slot = 0; slot < 90; ++slot) policy.used(slot, worth(slot));
  }
  for (std::uint64_t key = 1'000; key < 1'400; ++key) {
    const Slot victim = policy.victim(worth(key), kNobody);
    if (victim == kNoSlot) continue;
    policy.removed(victim, worth(key_of[victim]), Removal::evicted);
    REQUIRE(policy.added(victim, worth(key)));
    key_of[victim] = key;
  }
  int kept = 0;
  for (const std::uint64_t key : key_of) kept += key < 90 ? 1 : 0;
  CHECK(kept > 80);
  CHECK(policy.valid());
}

TEST_CASE("W-TinyLFU: over a long load the lists stay whole while the window climbs") {
  Pages pages(kEnough);
  EvictionWTinyLfu policy(pages, 50);
  std::vector<std::uint64_t> key_of(50, UINT64_MAX);
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const std::uint64_t key = step * step % 97;
    Slot at = 0;
    while (at < 50 && key_of[at] != key) ++at;
    if (at < 50) {
      policy.used(at, worth(key));
      continue;
    }
    at = 0;
    while (at < 50 && key_of[at] != UINT64_MAX) ++at;
    if (at == 50) {
      at = policy.victim(worth(key), kNobody);
      if (at == kNoSlot) continue;
      policy.removed(at, worth(key_of[at]), Removal::evicted);
    }
    REQUIRE(policy.added(at, worth(key)));
    key_of[at] = key;
    if (step % 100 == 0) REQUIRE(policy.valid());
  }
  CHECK(policy.valid());
}
