#include "index.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

using namespace reprise;

namespace {

Digest128 key(std::uint64_t low, std::uint64_t high = 0) { return {low, high}; }

struct HashOfKey {
  std::size_t operator()(const Digest128& digest) const {
    return static_cast<std::size_t>((digest.low ^ digest.high << 20) * 0x9e3779b97f4a7c15u >> 16);
  }
};

}  // namespace

TEST_CASE("an empty index finds nothing and is valid") {
  const Index index;
  CHECK(index.find(key(1)) == kNoSlot);
  CHECK(index.size() == 0);
  CHECK(index.slots() == 0);
  CHECK(index.valid());
}

TEST_CASE("a key is found under the slot it was given, until it is erased") {
  Index index;
  const Slot slot = index.insert(key(1, 2));
  REQUIRE(slot != kNoSlot);
  CHECK(index.find(key(1, 2)) == slot);
  CHECK(index.key(slot) == key(1, 2));
  CHECK(index.used(slot));
  CHECK(index.size() == 1);
  index.erase(slot);
  CHECK(index.find(key(1, 2)) == kNoSlot);
  CHECK_FALSE(index.used(slot));
  CHECK(index.size() == 0);
  CHECK(index.valid());
}

TEST_CASE("keys that meet in a bucket are different keys") {
  Index index;
  const Slot one = index.insert(key(7, 1));
  const Slot two = index.insert(key(7, 2));
  const Slot far = index.insert(key(7 + (std::uint64_t{1} << 40), 1));
  CHECK(index.find(key(7, 1)) == one);
  CHECK(index.find(key(7, 2)) == two);
  CHECK(index.find(key(7 + (std::uint64_t{1} << 40), 1)) == far);
  CHECK(index.find(key(7, 3)) == kNoSlot);
  CHECK(index.find(key(7 + (std::uint64_t{1} << 41), 1)) == kNoSlot);
}

TEST_CASE("the key of zeros is a key like any other") {
  Index index;
  CHECK(index.find(key(0)) == kNoSlot);
  const Slot slot = index.insert(key(0));
  CHECK(index.find(key(0)) == slot);
  index.erase(slot);
  CHECK(index.find(key(0)) == kNoSlot);
}

TEST_CASE("slots are small: a freed one is given out before a new one") {
  Index index;
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(index.insert(key(i)) == i);
  index.erase(1);
  index.erase(2);
  const Slot first = index.insert(key(10));
  const Slot second = index.insert(key(11));
  CHECK(first + second == 3);
  CHECK(index.slots() == 4);
  CHECK(index.insert(key(12)) == 4);
  CHECK(index.slots() == 5);
}

TEST_CASE("an index that grows keeps every key under its slot") {
  Index index;
  bool kept = true;
  for (std::uint64_t i = 0; i < 3'000; ++i) kept = kept && index.insert(key(i * 31, i)) == i;
  for (std::uint64_t i = 0; i < 3'000; ++i) kept = kept && index.find(key(i * 31, i)) == i;
  CHECK(kept);
  CHECK(index.size() == 3'000);
  CHECK(index.valid());
}

TEST_CASE("an index counts the memory of its keys") {
  Index index;
  CHECK(index.bytes() == 0);
  for (std::uint64_t i = 0; i < 1'000; ++i) REQUIRE(index.insert(key(i)) == i);
  CHECK(index.bytes() >= 1'000 * (sizeof(Digest128) + sizeof(Slot)));
}

// Five keys whose home buckets are the last two or the first two of a table of 16, in every combination: the
// clusters wrap round the end, and each erasure has to shift others across it.
TEST_CASE("whichever key of a cluster is erased, the others are still found") {
  std::string lost;
  for (std::uint64_t homes = 0; homes < 1'024; ++homes) {
    for (std::size_t erased = 0; erased < 5; ++erased) {
      Index index;
      std::vector<Digest128> keys;
      for (std::uint64_t i = 0; i < 5; ++i) {
        keys.push_back(key((14 + (homes >> 2 * i & 3)) & 15, i + 1));
        if (index.insert(keys.back()) != i) lost += "insert ";
      }
      index.erase(static_cast<Slot>(erased));
      bool good = index.valid() && index.find(keys[erased]) == kNoSlot;
      for (std::size_t i = 0; i < 5; ++i) good = good && (i == erased || index.find(keys[i]) == i);
      if (!good) lost += std::to_string(homes) + "/" + std::to_string(erased) + " ";
    }
  }
  CHECK(lost == "");
}

TEST_CASE("a cleared index is empty and can be filled again") {
  Index index;
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(index.insert(key(i)) == i);
  index.erase(50);
  index.clear();
  CHECK(index.size() == 0);
  CHECK(index.slots() == 0);
  CHECK(index.bytes() == 0);
  CHECK(index.find(key(1)) == kNoSlot);
  CHECK(index.valid());
  CHECK(index.insert(key(1)) == 0);
  CHECK(index.find(key(1)) == 0);
}

TEST_CASE("over any sequence of verbs the index agrees with std::unordered_map and stays valid") {
  const std::uint32_t seed = GENERATE(41u, 42u, 43u, 44u);
  // Few low halves: long clusters in every build. Many: like the digests it is made for.
  const std::uint64_t lows = GENERATE(std::uint64_t{3}, std::uint64_t{64}, std::uint64_t{1} << 40);
  CAPTURE(seed, lows);
  std::mt19937_64 random(seed);
  Index index;
  std::unordered_map<Digest128, Slot, HashOfKey> model;
  std::vector<Digest128> known;
  for (int i = 0; i < 300; ++i) known.push_back(key(random() % lows, random() % 1'000));
  for (int step = 0; step < 2'000; ++step) {
    CAPTURE(step);
    const Digest128& digest = known[random() % known.size()];
    // It fills for a while, then it empties.
    const bool filling = step / 400 % 2 == 0;
    const auto expected = model.find(digest);
    const Slot found = index.find(digest);
    bool good = found == (expected == model.end() ? kNoSlot : expected->second);
    if (expected == model.end()) {
      if (filling || random() % 4 == 0) {
        const Slot slot = index.insert(digest);
        good = good && slot != kNoSlot && index.key(slot) == digest;
        for (const auto& other : model) good = good && other.second != slot;
        model.emplace(digest, slot);
      }
    } else if (!filling || random() % 4 == 0) {
      index.erase(expected->second);
      model.erase(expected);
    }
    good = good && index.size() == model.size() && index.valid();
    if (!good) FAIL("the index and the model part");
  }
  std::size_t found = 0;
  for (const auto& [digest, slot] : model) found += index.find(digest) == slot ? 1 : 0;
  REQUIRE(model.size() > 10);
  CHECK(found == model.size());
}
