#include "array.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <utility>

using namespace reprise;

TEST_CASE("a new array is empty and takes no memory") {
  const Array<int> array;
  CHECK(array.size() == 0);
  CHECK(array.bytes() == 0);
}

TEST_CASE("what an array grows by is filled, and what it held stays") {
  Array<int> array;
  REQUIRE(array.resize(3, 7));
  array[1] = 1;
  REQUIRE(array.resize(1'000, 9));
  REQUIRE(array.size() == 1'000);
  CHECK(array[0] == 7);
  CHECK(array[1] == 1);
  CHECK(array[2] == 7);
  int nines = 0;
  for (std::size_t i = 3; i < array.size(); ++i) nines += array[i] == 9 ? 1 : 0;
  CHECK(nines == 997);
}

TEST_CASE("an array that grows again after shrinking is filled anew") {
  Array<int> array;
  REQUIRE(array.resize(4, 1));
  REQUIRE(array.resize(2));
  CHECK(array.size() == 2);
  REQUIRE(array.resize(4, 5));
  CHECK(array[1] == 1);
  CHECK(array[2] == 5);
  CHECK(array[3] == 5);
}

TEST_CASE("an array counts the memory it has, not the part in use") {
  Array<std::uint64_t> array;
  REQUIRE(array.resize(100));
  const std::size_t full = array.bytes();
  CHECK(full >= 100 * sizeof(std::uint64_t));
  REQUIRE(array.resize(1));
  CHECK(array.bytes() == full);
}

TEST_CASE("an array that grows one by one moves its elements rarely") {
  Array<std::uint32_t> array;
  int moves = 0;
  std::size_t before = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    REQUIRE(array.resize(i + 1, i));
    moves += array.bytes() != before ? 1 : 0;
    before = array.bytes();
  }
  CHECK(moves < 25);
  CHECK(array.bytes() <= 10'000 * sizeof(std::uint32_t) * 3 / 2);
  bool kept = true;
  for (std::uint32_t i = 0; i < 10'000; ++i) kept = kept && array[i] == i;
  CHECK(kept);
}

TEST_CASE("an array that cannot grow says so and is as it was") {
  Array<std::uint64_t> array;
  REQUIRE(array.resize(3, 42));
  const std::size_t bytes = array.bytes();
  // More than a size can express, as bytes.
  CHECK_FALSE(array.resize(SIZE_MAX / sizeof(std::uint64_t) + 1));
  CHECK_FALSE(array.resize(SIZE_MAX));
  CHECK(array.size() == 3);
  CHECK(array.bytes() == bytes);
  CHECK(array[0] == 42);
  CHECK(array[2] == 42);
}

TEST_CASE("a cleared array gives its memory back and can be used again") {
  Array<int> array;
  REQUIRE(array.resize(50, 1));
  array.clear();
  CHECK(array.size() == 0);
  CHECK(array.bytes() == 0);
  REQUIRE(array.resize(2, 8));
  CHECK(array[1] == 8);
}

TEST_CASE("moving an array moves its elements, and nothing of the target is lost or freed twice") {
  Array<int> from;
  REQUIRE(from.resize(2, 1));
  Array<int> made(std::move(from));
  REQUIRE(made.size() == 2);
  CHECK(made[1] == 1);

  Array<int> assigned;
  REQUIRE(assigned.resize(30, 3));
  assigned = std::move(made);
  REQUIRE(assigned.size() == 2);
  CHECK(assigned[0] == 1);

  Array<int> other;
  REQUIRE(other.resize(1, 4));
  other.swap(assigned);
  CHECK(other.size() == 2);
  REQUIRE(assigned.size() == 1);
  CHECK(assigned[0] == 4);
}
