#include "frequency.h"

#include <catch2/catch.hpp>

using namespace reprise;

namespace {
constexpr std::uint64_t kEnough = 64'000'000;
}

namespace {

std::uint64_t hash_of(std::uint64_t key) { return (key + 1) * 0xd1342543de82ef95U; }

}  // namespace

TEST_CASE("without a table every frequency is 0, and adding does no harm") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.add(1);
  CHECK(frequency.of(1) == 0);
  CHECK(frequency.bytes() == 0);
  CHECK(frequency.valid());
}

TEST_CASE("a key is as frequent as it was added, up to 15") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.fit(1'000);
  for (int times = 0; times < 3; ++times) frequency.add(hash_of(3));
  for (int times = 0; times < 40; ++times) frequency.add(hash_of(40));
  CHECK(frequency.of(hash_of(3)) == 3);
  CHECK(frequency.of(hash_of(40)) == Frequency::kMost);
  CHECK(frequency.of(hash_of(5)) == 0);
}

TEST_CASE("others can make a key look more frequent, never less") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.fit(5'000);
  for (std::uint64_t key = 0; key < 20'000; ++key) frequency.add(hash_of(key));
  bool less = false;
  int more = 0;
  for (std::uint64_t key = 0; key < 20'000; ++key) {
    less = less || frequency.of(hash_of(key)) < 1;
    more += frequency.of(hash_of(key)) > 1 ? 1 : 0;
  }
  CHECK_FALSE(less);
  CHECK(more < 500);
}

TEST_CASE("a table that grows forgets nothing") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.fit(10);
  const std::size_t bytes = frequency.bytes();
  for (std::uint64_t key = 0; key < 30; ++key) frequency.add(hash_of(key));
  frequency.fit(100'000);
  CHECK(frequency.bytes() > bytes);
  bool forgotten = false;
  for (std::uint64_t key = 0; key < 30; ++key) {
    forgotten = forgotten || frequency.of(hash_of(key)) == 0;
  }
  CHECK_FALSE(forgotten);
  CHECK(frequency.valid());
}

TEST_CASE("after sixteen additions for each entry everything is half as frequent") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.fit(10);
  for (int times = 0; times < 8; ++times) frequency.add(hash_of(1));
  for (int times = 8; times < 159; ++times) frequency.add(hash_of(2));
  CHECK(frequency.of(hash_of(1)) == 8);
  frequency.add(hash_of(2));
  CHECK(frequency.of(hash_of(1)) == 4);
}

TEST_CASE(
    "a large table takes four to eight bytes for each entry, and a small one at most 128 KiB") {
  Pages pages(kEnough);
  Frequency frequency(pages);
  frequency.fit(30'000);
  CHECK(frequency.bytes() <= 128 * 1024);
  frequency.fit(100'000);
  CHECK(frequency.bytes() >= 4 * 100'000);
  CHECK(frequency.bytes() <= 8 * 100'000);
  frequency.clear();
  CHECK(frequency.bytes() == 0);
}
