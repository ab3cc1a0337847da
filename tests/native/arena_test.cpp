#include "arena.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

// A failing malloc answers nullptr, as it does without the sanitizer.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

using namespace reprise;

TEST_CASE("a block costs its size, a header, and the rounding to 8") {
  CHECK(Arena::cost_of(0) == 0);
  CHECK(Arena::cost_of(1) == 16);
  CHECK(Arena::cost_of(8) == 16);
  CHECK(Arena::cost_of(9) == 24);
  CHECK(Arena::cost_of(1'000) == 1'008);
}

TEST_CASE("an arena counts what its blocks cost, and is at 0 when all are free") {
  Arena arena;
  CHECK(arena.bytes() == 0);
  std::uint8_t* small = arena.allocate(1);
  std::uint8_t* large = arena.allocate(100'000);
  REQUIRE(small != nullptr);
  REQUIRE(large != nullptr);
  CHECK(arena.bytes() == Arena::cost_of(1) + Arena::cost_of(100'000));
  arena.free(large, 100'000);
  CHECK(arena.bytes() == Arena::cost_of(1));
  arena.free(small, 1);
  CHECK(arena.bytes() == 0);
}

TEST_CASE("where memory cannot be had there is no block, and nothing is counted") {
  Arena arena;
  volatile std::size_t size = SIZE_MAX / 2;
  CHECK(arena.allocate(size) == nullptr);
  CHECK(arena.bytes() == 0);
}

TEST_CASE("every byte of a block can be written without touching another block") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  struct Block {
    std::uint8_t* at;
    std::size_t size;
    std::uint8_t fill;
  };
  const auto intact = [](const Block& block) {
    for (std::size_t i = 0; i < block.size; ++i) {
      if (block.at[i] != block.fill) return false;
    }
    return true;
  };
  Arena arena;
  std::vector<Block> blocks;
  std::size_t cost = 0;
  bool all_intact = true;
  bool all_counted = true;
  for (int step = 0; step < 5'000; ++step) {
    if (blocks.size() < 50 || random() % 2 == 0) {
      const Block block{nullptr, 1 + random() % 500, static_cast<std::uint8_t>(random())};
      blocks.push_back(block);
      blocks.back().at = arena.allocate(block.size);
      REQUIRE(blocks.back().at != nullptr);
      std::memset(blocks.back().at, block.fill, block.size);
      cost += Arena::cost_of(block.size);
    } else {
      const std::size_t which = random() % blocks.size();
      all_intact = all_intact && intact(blocks[which]);
      arena.free(blocks[which].at, blocks[which].size);
      cost -= Arena::cost_of(blocks[which].size);
      blocks[which] = blocks.back();
      blocks.pop_back();
    }
    all_counted = all_counted && arena.bytes() == cost;
  }
  CHECK(all_intact);
  CHECK(all_counted);
  for (const Block& block : blocks) arena.free(block.at, block.size);
  CHECK(arena.bytes() == 0);
}
