#include "index.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

using namespace reprise;

namespace {

constexpr std::uint64_t kBudget = 4'000'000;

Slot insert(Index& index, const Digest128& key) { return index.insert(key, 0); }

Digest128 key(std::uint64_t low, std::uint64_t high = 0) { return {low, high}; }

struct HashOfKey {
  std::size_t operator()(const Digest128& digest) const {
    return static_cast<std::size_t>((digest.low ^ digest.high << 20) * 0x9e3779b97f4a7c15u >> 16);
  }
};

}  // namespace

TEST_CASE("an empty index finds nothing and is valid") {
  Pages pages(kBudget);
  const Index index(pages);
  CHECK(index.find(key(1)) == kNoSlot);
  CHECK(index.size() == 0);
  CHECK(index.slots() == 0);
  CHECK(index.valid());
}

TEST_CASE("a key is found under the slot it was given, until it is erased") {
  Pages pages(kBudget);
  Index index(pages);
  const Slot slot = insert(index, key(1, 2));
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
  Pages pages(kBudget);
  Index index(pages);
  const Slot one = insert(index, key(7, 1));
  const Slot two = insert(index, key(7, 2));
  const Slot far = insert(index, key(7 + (std::uint64_t{1} << 40), 1));
  CHECK(index.find(key(7, 1)) == one);
  CHECK(index.find(key(7, 2)) == two);
  CHECK(index.find(key(7 + (std::uint64_t{1} << 40), 1)) == far);
  CHECK(index.find(key(7, 3)) == kNoSlot);
  CHECK(index.find(key(7 + (std::uint64_t{1} << 41), 1)) == kNoSlot);
}

TEST_CASE("the key of zeros is a key like any other") {
  Pages pages(kBudget);
  Index index(pages);
  CHECK(index.find(key(0)) == kNoSlot);
  const Slot slot = insert(index, key(0));
  CHECK(index.find(key(0)) == slot);
  index.erase(slot);
  CHECK(index.find(key(0)) == kNoSlot);
}

TEST_CASE("slots are small: a freed one is given out before a new one") {
  Pages pages(kBudget);
  Index index(pages);
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(insert(index, key(i)) == i);
  index.erase(1);
  index.erase(2);
  const Slot first = insert(index, key(10));
  const Slot second = insert(index, key(11));
  CHECK(first + second == 3);
  CHECK(index.slots() == 4);
  CHECK(insert(index, key(12)) == 4);
  CHECK(index.slots() == 5);
}

TEST_CASE("an index that grows keeps every key under its slot") {
  Pages pages(kBudget);
  Index index(pages);
  bool kept = true;
  for (std::uint64_t i = 0; i < 3'000; ++i) kept = kept && insert(index, key(i * 31, i)) == i;
  for (std::uint64_t i = 0; i < 3'000; ++i) kept = kept && index.find(key(i * 31, i)) == i;
  CHECK(kept);
  CHECK(index.size() == 3'000);
  CHECK(index.valid());
}

TEST_CASE("an index takes 20 bytes for a key, and four for each of its buckets", "[many]") {
  Pages pages(kBudget);
  Index index(pages);
  CHECK(index.bytes() == 0);
  constexpr std::uint64_t kKeys = 100'000;
  for (std::uint64_t i = 0; i < kKeys; ++i) REQUIRE(insert(index, key(i, i << 32)) == i);
  CHECK(index.bytes() <= kKeys * 20 + 131'072 * 4 + 2 * kPageSize);
  CHECK(index.bytes() == std::uint64_t{pages.used()} * kPageSize);
}

TEST_CASE("a slot holds the place of its block, which may change") {
  Pages pages(kBudget);
  Index index(pages);
  const Slot slot = index.insert(key(1), 77);
  CHECK(index.block(slot) == 77);
  index.set_block(slot, 78);
  CHECK(index.block(slot) == 78);
  CHECK(index.find(key(1)) == slot);
}

TEST_CASE("an index that gets no page says so, and holds what it held") {
  Pages pages(3 * kPageSize);
  Index index(pages);
  std::uint64_t kept = 0;
  while (kept < 100'000 && insert(index, key(kept, kept << 32)) != kNoSlot) ++kept;
  CHECK(kept > 1'000);
  CHECK(kept < 4'000);
  CHECK(insert(index, key(kept)) == kNoSlot);
  CHECK(index.valid());
  bool found = true;
  for (std::uint64_t i = 0; i < kept; ++i) found = found && index.find(key(i, i << 32)) == i;
  CHECK(found);
  index.erase(5);
  CHECK(insert(index, key(kept)) == 5);
}

// Five keys whose home buckets are the last two or the first two of a table of 16, in every combination: the
// clusters wrap round the end, and each erasure has to shift others across it.
TEST_CASE("whichever key of a cluster is erased, the others are still found") {
  std::string lost;
  for (std::uint64_t homes = 0; homes < 1'024; ++homes) {
    for (std::size_t erased = 0; erased < 5; ++erased) {
      Pages pages(kBudget);
      Index index(pages);
      std::vector<Digest128> keys;
      for (std::uint64_t i = 0; i < 5; ++i) {
        keys.push_back(key((14 + (homes >> 2 * i & 3)) & 15, i + 1));
        if (insert(index, keys.back()) != i) lost += "insert ";
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
  Pages pages(kBudget);
  Index index(pages);
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(insert(index, key(i)) == i);
  index.erase(50);
  index.clear();
  CHECK(index.size() == 0);
  CHECK(index.slots() == 0);
  CHECK(index.bytes() == 0);
  CHECK(index.find(key(1)) == kNoSlot);
  CHECK(index.valid());
  CHECK(insert(index, key(1)) == 0);
  CHECK(index.find(key(1)) == 0);
}

TEST_CASE("over any sequence of verbs the index agrees with std::unordered_map and stays valid") {
  const std::uint32_t seed = GENERATE(41u, 42u, 43u, 44u);
  // Few low halves: long clusters in every build. Many: like the digests it is made for.
  const std::uint64_t lows = GENERATE(std::uint64_t{3}, std::uint64_t{64}, std::uint64_t{1} << 40);
  CAPTURE(seed, lows);
  std::mt19937_64 random(seed);
  Pages pages(kBudget);
  Index index(pages);
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
        const Slot slot = insert(index, digest);
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
