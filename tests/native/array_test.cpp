#include "array.h"

#include <catch2/catch.hpp>
#include <cstdint>

using namespace reprise;

namespace {

constexpr std::uint64_t kBudget = 10 * kPageSize;

}  // namespace

TEST_CASE("a new array is empty and takes no page") {
  Pages pages(kBudget);
  const Array<int> array(pages);
  CHECK(array.size() == 0);
  CHECK(array.bytes() == 0);
  CHECK(pages.used() == 0);
}

TEST_CASE("what an array grows by is filled, and what it held stays where it was") {
  Pages pages(kBudget);
  Array<int> array(pages);
  REQUIRE(array.resize(3, 7));
  array[1] = 1;
  const int* const place = &array[1];
  REQUIRE(array.resize(50'000, 9));
  REQUIRE(array.size() == 50'000);
  CHECK(array[0] == 7);
  CHECK(array[1] == 1);
  CHECK(&array[1] == place);
  int nines = 0;
  for (std::size_t i = 3; i < array.size(); ++i) nines += array[i] == 9 ? 1 : 0;
  CHECK(nines == 49'997);
}

TEST_CASE("an array that grows again after shrinking is filled anew") {
  Pages pages(kBudget);
  Array<int> array(pages);
  REQUIRE(array.resize(4, 1));
  REQUIRE(array.resize(2));
  CHECK(array.size() == 2);
  REQUIRE(array.resize(4, 5));
  CHECK(array[1] == 1);
  CHECK(array[2] == 5);
  CHECK(array[3] == 5);
}

TEST_CASE("elements that divide no page evenly lie whole in one") {
  struct Odd {
    std::uint32_t words[5];
  };
  Pages pages(kBudget);
  Array<Odd> array(pages);
  REQUIRE(array.resize(5'000, Odd{}));
  for (std::uint32_t i = 0; i < array.size(); ++i) array[i] = {{i, i, i, i, i}};
  bool kept = true;
  for (std::uint32_t i = 0; i < array.size(); ++i) {
    for (const std::uint32_t word : array[i].words) kept = kept && word == i;
  }
  CHECK(kept);
  CHECK(array.bytes() == (5'000 / (kPageSize / 20) + 1) * kPageSize);
}

TEST_CASE("an array that gets no page says so and is as it was") {
  Pages pages(kBudget);
  Array<std::uint64_t> array(pages);
  REQUIRE(array.resize(3, 42));
  CHECK_FALSE(array.resize(kBudget / 8 + 1));
  CHECK_FALSE(array.resize(SIZE_MAX));
  CHECK(array.size() == 3);
  CHECK(array.bytes() == kPageSize);
  CHECK(pages.used() == 1);
  CHECK(array[0] == 42);
  CHECK(array[2] == 42);
  CHECK(array.resize(kBudget / 8));
}

TEST_CASE("an array that shrinks gives pages back, and a cleared one all of them") {
  Pages pages(kBudget);
  Array<std::uint64_t> array(pages);
  REQUIRE(array.resize(3 * kPageSize / 8, 1));
  CHECK(pages.used() == 3);
  REQUIRE(array.resize(kPageSize / 8));
  CHECK(pages.used() == 1);
  array.clear();
  CHECK(array.size() == 0);
  CHECK(pages.used() == 0);
  REQUIRE(array.resize(2, 8));
  CHECK(array[1] == 8);
}

TEST_CASE("arrays change places without a copy, and one that ends gives its pages back") {
  Pages pages(kBudget);
  Array<int> one(pages);
  REQUIRE(one.resize(2, 1));
  {
    Array<int> other(pages);
    REQUIRE(other.resize(30'000, 3));
    one.swap(other);
    REQUIRE(other.size() == 2);
    CHECK(other[1] == 1);
  }
  REQUIRE(one.size() == 30'000);
  CHECK(one[29'999] == 3);
  CHECK(pages.used() == 4);
}
