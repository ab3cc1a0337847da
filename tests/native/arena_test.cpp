#include "arena.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

using namespace reprise;

namespace {

// An arena whose blocks are told by their number, as slots are.
struct Blocks {
  struct Block {
    Ref at = kNowhere;
    std::uint32_t size = 0;
    std::uint8_t fill = 0;
  };

  Pages pages;
  Arena arena{pages, this, &moved};
  std::vector<Block> blocks{};
  std::vector<std::uint32_t> unused{};
  std::uint64_t moves = 0;
  bool told_right = true;

  explicit Blocks(std::uint64_t budget) : pages(budget) {}

  static void moved(void* self, std::uint32_t owner, Ref from, Ref to) {
    auto* const all = static_cast<Blocks*>(self);
    all->told_right = all->told_right && all->blocks[owner].at == from;
    all->blocks[owner].at = to;
    all->moves += all->blocks[owner].size;
  }

  [[nodiscard]] bool add(std::uint32_t size, std::uint8_t fill, bool hurry = false) {
    const bool again = !unused.empty();
    const auto number = again ? unused.back() : static_cast<std::uint32_t>(blocks.size());
    const Ref at = arena.allocate(number, size, hurry);
    if (at == kNowhere) return false;
    if (again) unused.pop_back();
    if (!again) blocks.push_back({});
    blocks[number] = {at, size, fill};
    std::memset(arena.at(at), fill, size);
    return true;
  }

  void remove(std::uint32_t number) {
    arena.free(blocks[number].at);
    blocks[number] = {};
    unused.push_back(number);
  }

  [[nodiscard]] bool intact(std::uint32_t number) const {
    const Block& block = blocks[number];
    if (block.at == kNowhere) return true;
    const std::uint8_t* content = arena.at(block.at);
    return arena.owner(block.at) == number && arena.size(block.at) == block.size &&
           std::all_of(content, content + block.size,
                       [&](std::uint8_t b) { return b == block.fill; });
  }

  [[nodiscard]] bool all_intact() const {
    for (std::uint32_t i = 0; i < blocks.size(); ++i) {
      if (!intact(i)) return false;
    }
    return true;
  }

  // Removes one at random; false where there is none.
  bool remove_any(std::mt19937& random) {
    if (unused.size() == blocks.size()) return false;
    auto number = static_cast<std::uint32_t>(random() % blocks.size());
    while (blocks[number].at == kNowhere) {
      number = (number + 1) % static_cast<std::uint32_t>(blocks.size());
    }
    remove(number);
    return true;
  }
};

}  // namespace

TEST_CASE("a block takes its size and six bytes, and a page goes back when all of it is free") {
  Blocks b(4 * kPageSize);
  CHECK(b.arena.bytes() == 0);
  REQUIRE(b.add(1, 7));
  REQUIRE(b.add(1'000, 8));
  CHECK(b.arena.live() == 1'001 + 2 * Arena::kHeader);
  CHECK(b.arena.bytes() == kPageSize);
  b.remove(1);
  CHECK(b.arena.live() == 1 + Arena::kHeader);
  CHECK(b.intact(0));
  b.remove(0);
  CHECK(b.arena.live() == 0);
  CHECK(b.arena.bytes() == 0);
  CHECK(b.pages.used() == 0);
}

TEST_CASE("four of the largest blocks fill a page, and larger ones there are not") {
  Blocks b(kPageSize);
  CHECK_FALSE(b.add(Arena::kMaxBlock + 1, 1));
  for (std::uint8_t i = 0; i < 4; ++i) CHECK(b.add(Arena::kMaxBlock, i));
  CHECK_FALSE(b.add(0, 1));
  CHECK(b.arena.live() == kPageSize);
  CHECK(b.all_intact());
  CHECK(b.arena.valid());
}

TEST_CASE("where memory is full what was freed anywhere comes back as room") {
  Blocks b(8 * kPageSize);
  while (b.add(100, static_cast<std::uint8_t>(b.blocks.size()))) {
  }
  const std::size_t full = b.blocks.size();
  CHECK(full == 8 * (kPageSize / 106));
  // One in eight, all over: no two neighbours.
  std::uint32_t removed = 0;
  for (std::uint32_t i = 0; i < full; i += 8, ++removed) b.remove(i);
  std::uint32_t added = 0;
  while (b.add(Arena::kMaxBlock, 1)) ++added;
  CHECK(added >= 2);
  while (b.add(100, 2)) ++added;
  CHECK(b.all_intact());
  CHECK(b.arena.valid());
  CHECK(b.arena.live() > 8 * kPageSize * 15ULL / 16);
}

TEST_CASE("an arena gives a page back where its blocks fit the others") {
  Blocks b(8 * kPageSize);
  while (b.add(100, static_cast<std::uint8_t>(b.blocks.size()))) {
  }
  CHECK(b.pages.used() == 8);
  CHECK_FALSE(b.arena.release_page());
  const std::size_t full = b.blocks.size();
  for (std::uint32_t i = 0; i < full; i += 5) b.remove(i);
  CHECK(b.arena.release_page());
  CHECK(b.pages.used() == 7);
  CHECK(b.all_intact());
  CHECK(b.arena.valid());
}

// How an eviction uses it: what is refused evicts until it is not. The sizes are those of caches: small ones, a few
// kilobytes, parts of large ones, all mixed, and drifting from one kind to the other.
TEST_CASE(
    "whatever the sizes, a full arena is full: nine tenths and more are live, and copying stays "
    "bounded") {
  struct Mix {
    const char* name;
    std::uint32_t least, most;
    double full;
  };
  const Mix mix = GENERATE(values<Mix>({{"tiny", 1, 100, 0.93},
                                        {"small", 50, 600, 0.93},
                                        {"replies", 500, 4'000, 0.92},
                                        {"large", 3'000, Arena::kMaxBlock, 0.85},
                                        {"parts", Arena::kMaxBlock, Arena::kMaxBlock, 0.99},
                                        {"mixed", 1, Arena::kMaxBlock, 0.90},
                                        {"drifting", 0, 0, 0.85}}));
  const std::uint32_t seed = 1;
  CAPTURE(mix.name, seed);
  std::mt19937 random(seed);
  constexpr std::uint64_t kBudget = 2'000'000 / kPageSize * kPageSize;
  Blocks b(kBudget);
  std::uint64_t stored = 0;
  std::uint64_t most_evicted = 0;
  double least_full = 1;
  const auto intact_often = [&](int step) {
    return step % 16'384 != 0 || (b.all_intact() && b.arena.valid());
  };
  for (int step = 0; stored < 4 * kBudget; ++step) {
    std::uint32_t least = mix.least;
    std::uint32_t most = mix.most;
    if (most == 0) {
      const bool tiny = stored / kBudget % 2 == 0;
      least = tiny ? 1 : 4'000;
      most = tiny ? 200 : Arena::kMaxBlock;
    }
    const auto size = static_cast<std::uint32_t>(least + random() % (most - least + 1));
    const std::uint64_t live = b.arena.live();
    const auto fill = static_cast<std::uint8_t>(random());
    while (!b.add(size, fill, live - b.arena.live() > 8 * size + 1'024)) {
      if (!b.remove_any(random)) FAIL("an empty arena has no room");
    }
    most_evicted = std::max(most_evicted, live + size + Arena::kHeader - b.arena.live());
    stored += size;
    if (!intact_often(step)) FAIL("a block is not what was written");
    if (stored > 2 * kBudget) {
      least_full =
          std::min(least_full, static_cast<double>(b.arena.live()) / static_cast<double>(kBudget));
    }
  }
  const double copied = static_cast<double>(b.moves) / static_cast<double>(stored);
  CAPTURE(least_full, copied, most_evicted);
  CHECK(least_full >= mix.full);
  CHECK(copied < 20);
  CHECK(most_evicted < 16 * Arena::kMaxBlock);
  CHECK(b.all_intact());
  CHECK(b.told_right);
  CHECK(b.pages.bytes() <= kBudget);
}
