#include "evicted.h"

#include <catch2/catch.hpp>

using namespace reprise;

namespace {

Digest128 key(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15u, n * 0xc2b2ae3d27d4eb4fu}; }

}  // namespace

TEST_CASE(
    "a key that was evicted is remembered until it comes back, and others are not taken for it") {
  Evicted evicted;
  CHECK_FALSE(evicted.remembers(key(1)));
  evicted.note(key(1));
  CHECK(evicted.remembers(key(1)));
  int taken = 0;
  for (std::uint64_t n = 2; n < 10'000; ++n) taken += evicted.remembers(key(n)) ? 1 : 0;
  CHECK(taken == 0);
  evicted.forget(key(2));
  CHECK(evicted.remembers(key(1)));
  evicted.forget(key(1));
  CHECK_FALSE(evicted.remembers(key(1)));
}

TEST_CASE("most of the last thousand evicted keys are remembered") {
  Evicted evicted;
  for (std::uint64_t n = 0; n < 50'000; ++n) evicted.note(key(n));
  int remembered = 0;
  for (std::uint64_t n = 49'000; n < 50'000; ++n) remembered += evicted.remembers(key(n)) ? 1 : 0;
  CHECK(remembered > 800);
}

TEST_CASE("a key whose mark would be that of nobody is remembered, too") {
  Evicted evicted;
  CHECK_FALSE(evicted.remembers({7, 0}));
  evicted.note({7, 0});
  CHECK(evicted.remembers({7, 0}));
}
