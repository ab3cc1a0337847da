#include "policies/eviction_lru.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace reprise;

namespace {
constexpr std::uint64_t kEnough = 64'000'000;
}

namespace {

Slot victim(EvictionLru& lru) {
  // It asks nothing of anybody.
  return lru.victim({}, Residents(nullptr, nullptr, nullptr));
}

// The order in which everything would be evicted.
std::vector<Slot> drain(EvictionLru& lru) {
  std::vector<Slot> order;
  while (victim(lru) != kNoSlot && order.size() < 1'000) {
    order.push_back(victim(lru));
    lru.removed(order.back(), {}, Removal::evicted);
  }
  return order;
}

EvictionLru& add(EvictionLru& lru, const std::vector<Slot>& slots) {
  for (const Slot slot : slots) REQUIRE(lru.added(slot, {}));
  return lru;
}

using Order = std::vector<Slot>;

}  // namespace

TEST_CASE("where there is no entry there is no victim") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  CHECK(victim(lru) == kNoSlot);
  add(lru, {5});
  lru.removed(5, {}, Removal::other);
  CHECK(victim(lru) == kNoSlot);
}

TEST_CASE("entries that nobody used go in the order they came") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  CHECK(drain(add(lru, {2, 0, 1, 3})) == Order{2, 0, 1, 3});
}

TEST_CASE("an entry that was used goes last, whether it was the oldest, the newest or between") {
  const Slot used = GENERATE(Slot{0}, Slot{1}, Slot{2});
  CAPTURE(used);
  Pages pages(kEnough);
  EvictionLru lru(pages);
  add(lru, {0, 1, 2});
  lru.used(used, {});
  Order expected{0, 1, 2};
  std::erase(expected, used);
  expected.push_back(used);
  CHECK(drain(lru) == expected);
}

TEST_CASE("an entry that was removed leaves the order of the others as it was") {
  const Slot removed = GENERATE(Slot{0}, Slot{1}, Slot{2}, Slot{3});
  CAPTURE(removed);
  Pages pages(kEnough);
  EvictionLru lru(pages);
  add(lru, {0, 1, 2, 3});
  lru.removed(removed, {}, Removal::other);
  Order expected{0, 1, 2, 3};
  std::erase(expected, removed);
  CHECK(drain(lru) == expected);
}

TEST_CASE("naming a victim does not remove it") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  add(lru, {4, 6});
  CHECK(victim(lru) == 4);
  CHECK(victim(lru) == 4);
}

TEST_CASE("a slot that was emptied and filled again is new") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  add(lru, {0, 1});
  lru.removed(0, {}, Removal::other);
  add(lru, {0});
  CHECK(drain(lru) == Order{1, 0});
}

TEST_CASE("size and cost do not matter to it") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  REQUIRE(lru.added(0, {0, 1, 1e9}));
  REQUIRE(lru.added(1, {0, 1'000'000, 0}));
  CHECK(drain(lru) == Order{0, 1});
}

TEST_CASE("after clear everything is gone, its memory too, and it can be filled again") {
  Pages pages(kEnough);
  EvictionLru lru(pages);
  add(lru, {0, 1, 2});
  CHECK(lru.bytes() > 0);
  lru.clear();
  CHECK(victim(lru) == kNoSlot);
  CHECK(lru.bytes() == 0);
  CHECK(drain(add(lru, {7, 3})) == Order{7, 3});
}

TEST_CASE("over any sequence of verbs the victim is the one that a plain list names") {
  const std::uint32_t seed = GENERATE(11u, 12u, 13u, 14u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  Pages pages(kEnough);
  EvictionLru lru(pages);
  Order model;  // oldest first
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<Slot>(random() % 40);
    const auto at = std::find(model.begin(), model.end(), slot);
    if (at == model.end()) {
      REQUIRE(lru.added(slot, {}));
      model.push_back(slot);
    } else {
      model.erase(at);
      if (random() % 3 == 0) {
        lru.removed(slot, {}, Removal::other);
      } else {
        lru.used(slot, {});
        model.push_back(slot);
      }
    }
    const Slot expected = model.empty() ? kNoSlot : model.front();
    if (victim(lru) != expected) {
      CAPTURE(step, expected, victim(lru));
      FAIL("another victim than the list's");
    }
  }
  CHECK(lru.valid());
  REQUIRE(model.size() > 5);
  CHECK(drain(lru) == model);
}
