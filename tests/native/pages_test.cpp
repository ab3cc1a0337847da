#include "pages.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

using namespace reprise;

TEST_CASE("a budget is whole pages, and no page more is given out") {
  const std::uint64_t budget =
      GENERATE(std::uint64_t{0}, std::uint64_t{kPageSize} - 1, std::uint64_t{kPageSize},
               std::uint64_t{50} * kPageSize - 1);
  Pages pages(budget);
  std::uint32_t count = 0;
  while (pages.allocate() != kNoPage) ++count;
  CHECK(count == budget / kPageSize);
  CHECK(pages.used() == count);
  CHECK(pages.bytes() <= budget);
  CHECK(pages.valid());
}

TEST_CASE(
    "what is taken from the host grows with use, to four times as much at most, and never "
    "shrinks") {
  Pages pages(std::uint64_t{1'000} * kPageSize);
  CHECK(pages.bytes() == 0);
  bool close = true;
  for (std::uint32_t used = 1; used <= 1'000; ++used) {
    REQUIRE(pages.allocate() != kNoPage);
    close = close && pages.bytes() <= 4 * used * std::uint64_t{kPageSize};
  }
  CHECK(close);
  for (Page page = 0; page < 1'000; ++page) pages.free(page);
  CHECK(pages.used() == 0);
  CHECK(pages.bytes() == std::uint64_t{1'000} * kPageSize);
  CHECK(pages.valid());
}

TEST_CASE("pages that are in use at once share no byte") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  Pages pages(std::uint64_t{40} * kPageSize);
  std::vector<Page> used;
  for (int step = 0; step < 2'000; ++step) {
    const Page page = random() % 2 == 0 ? pages.allocate() : kNoPage;
    if (page != kNoPage) {
      REQUIRE(std::find(used.begin(), used.end(), page) == used.end());
      std::memset(pages.at(page), static_cast<int>(page), kPageSize);
      used.push_back(page);
    } else if (!used.empty()) {
      const std::size_t which = random() % used.size();
      const std::uint8_t* bytes = pages.at(used[which]);
      const auto mark = static_cast<std::uint8_t>(used[which]);
      REQUIRE(std::all_of(bytes, bytes + kPageSize, [=](std::uint8_t b) { return b == mark; }));
      pages.free(used[which]);
      used[which] = used.back();
      used.pop_back();
    }
    REQUIRE(pages.valid());
  }
}

TEST_CASE("an allocation that a test makes fail fails once") {
  Pages pages(std::uint64_t{10} * kPageSize);
  pages.fail_at(2);
  CHECK(pages.allocate() != kNoPage);
  CHECK_FALSE(pages.failed());
  CHECK(pages.allocate() == kNoPage);
  CHECK(pages.failed());
  CHECK(pages.allocate() != kNoPage);
  CHECK(pages.used() == 2);
}
