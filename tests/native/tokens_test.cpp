#include "tokens.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

using namespace reprise;
using Judgement = Tokens::Judgement;

namespace {

constexpr std::uint64_t kBudget = 1'000'000;

Judgement judge(const Tokens& tokens, const std::vector<Token>& carried) {
  return tokens.judge(carried);
}

}  // namespace

TEST_CASE("an entry without tokens is never invalidated") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  CHECK(judge(tokens, {}) == Judgement::current);
  REQUIRE(tokens.set({1, 100}));
  CHECK(judge(tokens, {}) == Judgement::current);
}

TEST_CASE("a tag that has no token here is unknown, not current and not dead") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  CHECK(judge(tokens, {{1, 100}}) == Judgement::unknown);
  REQUIRE(tokens.set({1, 100}));
  CHECK(judge(tokens, {{1, 100}}) == Judgement::current);
  CHECK(judge(tokens, {{1, 100}, {2, 200}}) == Judgement::unknown);
}

TEST_CASE("another token for a tag kills what carries the old one, and only that") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  REQUIRE(tokens.set({1, 100}));
  REQUIRE(tokens.set({2, 200}));
  REQUIRE(tokens.set({1, 101}));
  CHECK(judge(tokens, {{1, 100}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 101}}) == Judgement::current);
  CHECK(judge(tokens, {{2, 200}}) == Judgement::current);
  CHECK(judge(tokens, {{1, 101}, {2, 200}}) == Judgement::current);
}

TEST_CASE("one dead token is enough, wherever it stands and whatever is unknown beside it") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  REQUIRE(tokens.set({1, 100}));
  REQUIRE(tokens.set({2, 200}));
  CHECK(judge(tokens, {{1, 99}, {2, 200}}) == Judgement::dead);
  CHECK(judge(tokens, {{2, 200}, {1, 99}}) == Judgement::dead);
  CHECK(judge(tokens, {{3, 300}, {1, 99}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 99}, {3, 300}}) == Judgement::dead);
}

TEST_CASE("a tag may be 0 and so may its token") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  CHECK(judge(tokens, {{0, 0}}) == Judgement::unknown);
  REQUIRE(tokens.set({0, 0}));
  CHECK(judge(tokens, {{0, 0}}) == Judgement::current);
  CHECK(judge(tokens, {{0, 1}}) == Judgement::dead);
}

TEST_CASE("tags and tokens are compared in all 64 bits") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  REQUIRE(tokens.set({1, 100}));
  CHECK(judge(tokens, {{1 | std::uint64_t{1} << 63, 100}}) == Judgement::unknown);
  CHECK(judge(tokens, {{1 | std::uint64_t{1} << 32, 100}}) == Judgement::unknown);
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t other = 100 ^ std::uint64_t{1} << bit;
    CHECK(judge(tokens, {{1, other}}) == (bit < 40 ? Judgement::dead : Judgement::outdated));
  }
}

TEST_CASE("a token that is another in its soft part only makes outdated what carries the old one") {
  constexpr std::uint64_t kSoft = std::uint64_t{1} << 40;
  Pages pages(kBudget);
  Tokens tokens(pages);
  REQUIRE(tokens.set({1, 100}));
  REQUIRE(tokens.set({2, 200}));
  REQUIRE(tokens.set({0, 0}));
  REQUIRE(tokens.set({1, 100 + kSoft}));
  REQUIRE(tokens.set({0, kSoft}));
  CHECK(judge(tokens, {{1, 100}}) == Judgement::outdated);
  CHECK(judge(tokens, {{0, 0}}) == Judgement::outdated);
  CHECK(judge(tokens, {{1, 100 + kSoft}}) == Judgement::current);
  CHECK(judge(tokens, {{1, 100}, {2, 200}}) == Judgement::outdated);
  CHECK(judge(tokens, {{2, 200}, {1, 100}}) == Judgement::outdated);
  // Dead is worse than unknown, and unknown than outdated, in any order.
  CHECK(judge(tokens, {{1, 100}, {3, 300}}) == Judgement::unknown);
  CHECK(judge(tokens, {{3, 300}, {1, 100}}) == Judgement::unknown);
  CHECK(judge(tokens, {{1, 100}, {2, 201}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 100}, {3, 300}, {2, 201}}) == Judgement::dead);
  REQUIRE(tokens.set({1, 101 + kSoft}));
  CHECK(judge(tokens, {{1, 100}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 100 + kSoft}}) == Judgement::dead);
}

TEST_CASE("a tag counts once however often its token changes") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  CHECK(tokens.size() == 0);
  REQUIRE(tokens.set({1, 100}));
  REQUIRE(tokens.set({1, 101}));
  CHECK(tokens.size() == 1);
  REQUIRE(tokens.set({2, 100}));
  CHECK(tokens.size() == 2);
}

TEST_CASE(
    "where there is no page for a new tag it stays unknown, and those that are known can be "
    "invalidated") {
  Pages pages(4 * kPageSize);
  Tokens tokens(pages);
  std::uint64_t known = 0;
  while (known < 100'000 && tokens.set({known + 1, 1})) ++known;
  CHECK(known > 1'000);
  CHECK(known < 100'000);
  CHECK(judge(tokens, {{known + 1, 1}}) == Judgement::unknown);
  CHECK(tokens.set({1, 2}));
  CHECK(judge(tokens, {{1, 1}}) == Judgement::dead);
  CHECK(judge(tokens, {{known, 1}}) == Judgement::current);
}

TEST_CASE("a tag that is forgotten is unknown, and is whatever it is set to next") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  CHECK(tokens.forget(7));
  for (const std::uint64_t tag : {std::uint64_t{0}, std::uint64_t{7}}) {
    REQUIRE(tokens.set({tag, 100}));
    CHECK(tokens.forget(tag));
    CHECK(tokens.size() == 0);
    CHECK(judge(tokens, {{tag, 100}}) == Judgement::unknown);
    REQUIRE(tokens.set({tag, 200}));
    CHECK(judge(tokens, {{tag, 200}}) == Judgement::current);
    CHECK(tokens.forget(tag));
  }
}

TEST_CASE("among tags that are forgotten, those that stay are found, however they crowd") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  std::mt19937_64 random(7);
  std::map<std::uint64_t, std::uint64_t> known;
  bool right = true;
  for (int step = 0; step < 20'000; ++step) {
    // Few numbers whose low bits are alike: they stand in each other's place.
    const std::uint64_t tag = (random() % 8) + (random() % 12) * 64;
    if (random() % 2 == 0) {
      REQUIRE(tokens.set({tag, known[tag] = random()}));
    } else {
      right = right && tokens.forget(tag);
      known.erase(tag);
    }
    right = right && tokens.size() == known.size();
    if (step % 50 != 0) continue;
    for (std::uint64_t other = 0; other < 12 * 64; ++other) {
      const auto at = known.find(other);
      const std::uint64_t value = at == known.end() ? 0 : at->second;
      const Judgement expected = at == known.end() ? Judgement::unknown : Judgement::current;
      right = right && judge(tokens, {{other, value}}) == expected;
    }
  }
  CHECK(right);
  CHECK(known.size() > 20);
}

TEST_CASE("tags that come and go take the room of those that are there at once") {
  Pages pages(kBudget);
  Tokens tokens(pages);
  for (std::uint64_t tag = 1; tag < 200'000; ++tag) {
    REQUIRE(tokens.set({tag, 1}));
    if (tag > 100) REQUIRE(tokens.forget(tag - 100));
  }
  CHECK(tokens.size() == 100);
  CHECK(tokens.bytes() <= 2 * kPageSize);
}
