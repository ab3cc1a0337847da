#include "tokens.h"

#include <catch2/catch.hpp>
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
  Pages pages(2 * kPageSize);
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
