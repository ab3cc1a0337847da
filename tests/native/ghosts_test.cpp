#include "ghosts.h"

#include <catch2/catch.hpp>

using namespace reprise;

namespace {
constexpr std::uint64_t kEnough = 64'000'000;
}
using Kind = Ghosts::Kind;

namespace {

std::uint64_t hash_of(std::uint64_t key) { return (key + 1) * 0xd1342543de82ef95U; }

}  // namespace

TEST_CASE("without a table nobody is a ghost") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.add(1, 10, Kind::refused);
  CHECK(ghosts.take(1) == Kind::none);
  CHECK(ghosts.valid());
}

TEST_CASE("a ghost is of the kind it was added as, and is one only once") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(100, 1'000);
  ghosts.add(hash_of(1), 1, Kind::refused);
  ghosts.add(hash_of(2), 1, Kind::evicted_used);
  ghosts.add(hash_of(3), 1, Kind::evicted_unused);
  CHECK(ghosts.take(hash_of(1)) == Kind::refused);
  CHECK(ghosts.take(hash_of(2)) == Kind::evicted_used);
  CHECK(ghosts.take(hash_of(3)) == Kind::evicted_unused);
  CHECK(ghosts.take(hash_of(1)) == Kind::none);
  CHECK(ghosts.take(hash_of(4)) == Kind::none);
}

TEST_CASE("who was added twice is of the kind it was added as last") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(100, 1'000);
  ghosts.add(hash_of(1), 10, Kind::refused);
  ghosts.add(hash_of(1), 10, Kind::evicted_used);
  CHECK(ghosts.take(hash_of(1)) == Kind::evicted_used);
  CHECK(ghosts.take(hash_of(1)) == Kind::none);
}

TEST_CASE("the memory reaches back over a window of bytes") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(1'000, 1'000);
  ghosts.add(hash_of(1), 10, Kind::refused);
  ghosts.add(hash_of(2), 10, Kind::refused);
  SECTION("within it a ghost is known") {
    ghosts.add(hash_of(3), 900, Kind::refused);
    CHECK(ghosts.take(hash_of(1)) == Kind::refused);
  }
  SECTION("beyond it none is") {
    ghosts.add(hash_of(3), 1'000, Kind::refused);
    CHECK(ghosts.take(hash_of(1)) == Kind::none);
    CHECK(ghosts.take(hash_of(3)) == Kind::refused);
  }
}

TEST_CASE("of many ghosts most of the newest are known") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(1'000, 1'000);
  for (std::uint64_t key = 0; key < 100'000; ++key) ghosts.add(hash_of(key), 1, Kind::refused);
  CHECK(ghosts.valid());
  int known = 0;
  for (std::uint64_t key = 99'000; key < 100'000; ++key) {
    known += ghosts.take(hash_of(key)) == Kind::refused ? 1 : 0;
  }
  CHECK(known > 900);
  int older = 0;
  for (std::uint64_t key = 0; key < 98'000; ++key) {
    older += ghosts.take(hash_of(key)) != Kind::none ? 1 : 0;
  }
  CHECK(older == 0);
}

TEST_CASE("a table that grows keeps its ghosts") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(20, 1'000);
  for (std::uint64_t key = 0; key < 20; ++key) ghosts.add(hash_of(key), 1, Kind::evicted_used);
  ghosts.fit(5'000, 1'000);
  CHECK(ghosts.valid());
  int known = 0;
  for (std::uint64_t key = 0; key < 20; ++key) {
    known += ghosts.take(hash_of(key)) == Kind::evicted_used ? 1 : 0;
  }
  CHECK(known >= 18);
}

TEST_CASE("shares are of bytes, and all together are one") {
  Pages pages(kEnough);
  Ghosts ghosts(pages);
  ghosts.fit(100, 1'000'000);
  CHECK(ghosts.share(Kind::refused) == 0);
  for (std::uint64_t key = 0; key < 10; ++key) {
    ghosts.add(hash_of(key), 30, Kind::refused);
    ghosts.add(hash_of(100 + key), 10, Kind::evicted_used);
  }
  CHECK(ghosts.share(Kind::refused) == Approx(0.75).epsilon(0.01));
  CHECK(ghosts.share(Kind::evicted_used) == Approx(0.25).epsilon(0.01));
  CHECK(ghosts.share(Kind::evicted_unused) == 0);
}
