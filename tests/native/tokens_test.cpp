#include "tokens.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace reprise;
using Judgement = Tokens::Judgement;

namespace {

Judgement judge(const Tokens& tokens, const std::vector<Token>& carried) {
  return tokens.judge(carried);
}

}  // namespace

TEST_CASE("an entry without tokens is never invalidated") {
  Tokens tokens;
  CHECK(judge(tokens, {}) == Judgement::current);
  tokens.set({1, 100});
  CHECK(judge(tokens, {}) == Judgement::current);
}

TEST_CASE("a tag that has no token here is unknown, not current and not dead") {
  Tokens tokens;
  CHECK(judge(tokens, {{1, 100}}) == Judgement::unknown);
  tokens.set({1, 100});
  CHECK(judge(tokens, {{1, 100}}) == Judgement::current);
  CHECK(judge(tokens, {{1, 100}, {2, 200}}) == Judgement::unknown);
}

TEST_CASE("another token for a tag kills what carries the old one, and only that") {
  Tokens tokens;
  tokens.set({1, 100});
  tokens.set({2, 200});
  tokens.set({1, 101});
  CHECK(judge(tokens, {{1, 100}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 101}}) == Judgement::current);
  CHECK(judge(tokens, {{2, 200}}) == Judgement::current);
  CHECK(judge(tokens, {{1, 101}, {2, 200}}) == Judgement::current);
}

TEST_CASE("one dead token is enough, wherever it stands and whatever is unknown beside it") {
  Tokens tokens;
  tokens.set({1, 100});
  tokens.set({2, 200});
  CHECK(judge(tokens, {{1, 99}, {2, 200}}) == Judgement::dead);
  CHECK(judge(tokens, {{2, 200}, {1, 99}}) == Judgement::dead);
  CHECK(judge(tokens, {{3, 300}, {1, 99}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 99}, {3, 300}}) == Judgement::dead);
}

TEST_CASE("a tag may be 0 and so may its token") {
  Tokens tokens;
  CHECK(judge(tokens, {{0, 0}}) == Judgement::unknown);
  tokens.set({0, 0});
  CHECK(judge(tokens, {{0, 0}}) == Judgement::current);
  CHECK(judge(tokens, {{0, 1}}) == Judgement::dead);
}

TEST_CASE("tags and tokens are compared in all 64 bits") {
  Tokens tokens;
  tokens.set({1, 100});
  CHECK(judge(tokens, {{1 | std::uint64_t{1} << 63, 100}}) == Judgement::unknown);
  CHECK(judge(tokens, {{1 | std::uint64_t{1} << 32, 100}}) == Judgement::unknown);
  CHECK(judge(tokens, {{1, 100 | std::uint64_t{1} << 63}}) == Judgement::dead);
  CHECK(judge(tokens, {{1, 100 | std::uint64_t{1} << 32}}) == Judgement::dead);
}

TEST_CASE("a tag counts once however often its token changes") {
  Tokens tokens;
  CHECK(tokens.size() == 0);
  tokens.set({1, 100});
  tokens.set({1, 101});
  CHECK(tokens.size() == 1);
  tokens.set({2, 100});
  CHECK(tokens.size() == 2);
}
