#include "policies/eviction_s3fifo.h"

#include <catch2/catch.hpp>

using namespace reprise;

namespace {

const Residents kNobody(nullptr, nullptr, nullptr);

}  // namespace

TEST_CASE("S3-FIFO: who was used twice in the small queue moves on, and who was not leaves first") {
  EvictionS3Fifo policy(100);
  for (Slot slot = 0; slot < 100; ++slot) REQUIRE(policy.added(slot, {slot, 1, 1}));
  policy.used(0, {0, 1, 1});
  policy.used(0, {0, 1, 1});
  policy.used(1, {1, 1, 1});
  CHECK(policy.victim({500, 1, 1}, kNobody) == 1);
  CHECK(policy.valid());
}

TEST_CASE("S3-FIFO: a ghost that returns enters the main queue, and outlives newcomers") {
  EvictionS3Fifo policy(100);
  for (Slot slot = 0; slot < 100; ++slot) REQUIRE(policy.added(slot, {slot, 1, 1}));
  REQUIRE(policy.victim({500, 1, 1}, kNobody) == 0);
  policy.removed(0, {0, 1, 1}, Removal::evicted);
  REQUIRE(policy.added(0, {0, 1, 1}));
  for (std::uint64_t key = 200; key < 280; ++key) {
    const Slot victim = policy.victim({key, 1, 1}, kNobody);
    REQUIRE(victim != 0);
    policy.removed(victim, {key, 1, 1}, Removal::evicted);
    REQUIRE(policy.added(victim, {key, 1, 1}));
  }
  CHECK(policy.valid());
}

TEST_CASE("S3-FIFO: what is larger than the small queue is refused") {
  EvictionS3Fifo policy(100);
  for (Slot slot = 0; slot < 100; ++slot) REQUIRE(policy.added(slot, {slot, 1, 1}));
  CHECK(policy.victim({500, 11, 1}, kNobody) == kNoSlot);
  CHECK(policy.victim({500, 10, 1}, kNobody) == 0);
}
