#include "token_sets.h"

#include "record.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace reprise;

namespace {

using List = std::vector<Token>;

struct Sets {
  Pages pages{1'000'000};
  Arena arena{pages, this, &moved};
  Tokens tokens{pages};
  TokenSets sets{pages, arena, tokens, Record::kMostSets};

  // Entries carry tags that are known.
  void know(std::uint64_t tags) {
    for (std::uint64_t tag = 0; tag < tags; ++tag) REQUIRE(tokens.set({tag, 0}));
  }

  static void moved(void* self, std::uint32_t owner, Ref, Ref to) {
    static_cast<Sets*>(self)->sets.moved(owner & ~TokenSets::kOwner, to);
  }
};

}  // namespace

TEST_CASE("the same tokens are one set, and it is gone with the last that refers to it") {
  Sets s;
  s.know(3);
  const std::uint32_t one = s.sets.refer(List{{1, 10}, {2, 20}});
  REQUIRE(one != TokenSets::kFailed);
  CHECK(s.sets.refer(List{{1, 10}, {2, 20}}) == one);
  CHECK(s.sets.size() == 1);
  CHECK(s.sets.refer(List{{1, 10}}) != one);
  CHECK(s.sets.refer(List{{1, 10}, {2, 21}}) != one);
  CHECK(s.sets.refer(List{{2, 20}, {1, 10}}) != one);
  CHECK(s.sets.size() == 4);
  const TokenCopy tokens = s.sets.tokens(one);
  REQUIRE(tokens.size == 2);
  CHECK(tokens.items[1].tag == 2);
  CHECK(tokens.items[1].value == 20);
  s.sets.release(one);
  CHECK(s.sets.size() == 4);
  s.sets.release(one);
  CHECK(s.sets.size() == 3);
  CHECK(s.sets.valid());
}

TEST_CASE("no tokens are the set that is always there and always current") {
  Sets s;
  CHECK(s.sets.refer({}) == TokenSets::kNone);
  s.sets.release(TokenSets::kNone);
  CHECK(s.sets.tokens(TokenSets::kNone).size == 0);
  CHECK(s.sets.current(TokenSets::kNone));
  CHECK(s.pages.used() == 0);
}

TEST_CASE("a set that was found current is judged anew after every change") {
  Sets s;
  s.know(3);
  const std::uint32_t set = s.sets.refer(List{{1, 10}, {2, 20}});
  CHECK_FALSE(s.sets.current(set));
  REQUIRE(s.tokens.set({1, 10}));
  CHECK_FALSE(s.sets.current(set));
  REQUIRE(s.tokens.set({2, 20}));
  CHECK(s.sets.current(set));
  CHECK(s.sets.current(set));
  REQUIRE(s.tokens.set({3, 30}));
  CHECK(s.sets.current(set));
  REQUIRE(s.tokens.set({1, 11}));
  CHECK_FALSE(s.sets.current(set));
}

TEST_CASE(
    "a set of which a tag was expired is not current, and says that it is outdated, until it is") {
  constexpr std::uint64_t kSoft = std::uint64_t{1} << 40;
  Sets s;
  REQUIRE(s.tokens.set({1, 10}));
  const std::uint32_t set = s.sets.refer(List{{1, 10}});
  CHECK(s.sets.judge(set) == Tokens::Judgement::current);
  REQUIRE(s.tokens.set({1, 10 + kSoft}));
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(s.sets.current(set));
    CHECK(s.sets.judge(set) == Tokens::Judgement::outdated);
  }
  REQUIRE(s.tokens.set({1, 10}));
  CHECK(s.sets.current(set));
  REQUIRE(s.tokens.set({1, 11}));
  CHECK(s.sets.judge(set) == Tokens::Judgement::dead);
  CHECK(s.sets.judge(TokenSets::kNone) == Tokens::Judgement::current);
  CHECK(s.pages.used() > 0);
}

TEST_CASE("sets of as many entries as there are grow, are found, and go again") {
  Sets s;
  s.know(3'000);
  std::vector<std::uint32_t> sets;
  for (std::uint64_t n = 0; n < 3'000; ++n) sets.push_back(s.sets.refer(List{{n, n * n}}));
  CHECK(s.sets.size() == 3'000);
  CHECK(s.sets.valid());
  bool same = true;
  for (std::size_t n = 0; n < 3'000; ++n) {
    same = same && s.sets.refer(List{{n, n * n}}) == sets[n];
    if (n % 3 != 0) {
      s.sets.release(sets[n]);
      s.sets.release(sets[n]);
    }
  }
  CHECK(same);
  CHECK(s.sets.size() == 1'000);
  CHECK(s.sets.valid());
}

TEST_CASE("where there is no room no set is made, and those that are there stay") {
  Sets s;
  s.know(6);
  std::uint64_t made = 0;
  while (made < 100'000 && s.sets.refer(List{{5, made}}) != TokenSets::kFailed) ++made;
  CHECK(made > 1'000);
  CHECK(made < 100'000);
  CHECK(s.sets.size() == made);
  CHECK(s.sets.refer(List{{5, 1}}) != TokenSets::kFailed);
  CHECK(s.sets.refer(List(kMaxTokens + 1)) == TokenSets::kFailed);
  CHECK(s.sets.valid());
}

TEST_CASE("a tag can be forgotten when the last set that has it is gone") {
  Sets s;
  s.know(3);
  const std::uint32_t one = s.sets.refer(List{{1, 10}, {0, 5}});
  const std::uint32_t two = s.sets.refer(List{{1, 11}});
  REQUIRE(s.sets.refer(List{{1, 11}}) == two);
  CHECK(s.tokens.forget(2));
  CHECK_FALSE(s.tokens.forget(1));
  CHECK_FALSE(s.tokens.forget(0));
  s.sets.release(one);
  CHECK(s.tokens.forget(0));
  s.sets.release(two);
  CHECK_FALSE(s.tokens.forget(1));
  s.sets.release(two);
  CHECK(s.tokens.forget(1));
  CHECK(s.tokens.size() == 0);
  REQUIRE(s.tokens.set({1, 12}));
  REQUIRE(s.sets.refer(List{{1, 12}}) != TokenSets::kFailed);
  CHECK(s.sets.valid());
  s.sets.clear();
  CHECK(s.tokens.forget(1));
}
