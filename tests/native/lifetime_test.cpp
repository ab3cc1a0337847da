#include "lifetime.h"

#include <catch2/catch.hpp>

using namespace reprise;

TEST_CASE("an entry with a ttl of 1,000 ms is fresh at 999 and not at 1,000") {
  const Lifetime life = Lifetime::from(0, 1'000, 0);
  CHECK(life.at(0) == Freshness::fresh);
  CHECK(life.at(999) == Freshness::fresh);
  CHECK(life.at(1'000) == Freshness::expired);
}

TEST_CASE(
    "both ends of a lifetime are exclusive: the stale time begins at the first and is over at the "
    "second") {
  const Lifetime life = Lifetime::from(5'000, 1'000, 500);
  CHECK(life.created == 5'000);
  CHECK(life.fresh_until == 6'000);
  CHECK(life.stale_until == 6'500);
  CHECK(life.at(5'999) == Freshness::fresh);
  CHECK(life.at(6'000) == Freshness::stale);
  CHECK(life.at(6'499) == Freshness::stale);
  CHECK(life.at(6'500) == Freshness::expired);
}

TEST_CASE("a ttl of 0 is no lifetime, unless a stale time follows it") {
  CHECK(Lifetime::from(7, 0, 0).at(7) == Freshness::expired);
  CHECK(Lifetime::from(7, 0, 1).at(7) == Freshness::stale);
  CHECK(Lifetime::from(7, 0, 1).at(8) == Freshness::expired);
}

TEST_CASE("a negative duration counts as none") {
  CHECK(after(100, -1) == 100);
  CHECK(after(100, -kForever) == 100);
  const Lifetime life = Lifetime::from(100, -50, -50);
  CHECK(life.fresh_until == 100);
  CHECK(life.stale_until == 100);
}

TEST_CASE("a time past the end of the numbers stays at for ever") {
  CHECK(after(0, kForever) == kForever);
  CHECK(after(1, kForever) == kForever);
  CHECK(after(1, kForever - 1) == kForever);
  CHECK(after(1, kForever - 2) == kForever - 1);
  CHECK(after(kForever, 1) == kForever);
  const Lifetime life = Lifetime::from(1'700'000'000'000, kForever, 0);
  CHECK(life.fresh_until == kForever);
  CHECK(life.stale_until == kForever);
  CHECK(life.at(kForever - 1) == Freshness::fresh);
  CHECK(Lifetime::from(1'700'000'000'000, 1, kForever).stale_until == kForever);
}

TEST_CASE("what is fresh for ever and has a window still knows how long that is") {
  const Millis now = 1'700'000'000'000;
  for (const Millis ttl : {kForever, kForever - now, kForever - now - 1}) {
    const Lifetime life = Lifetime::from(now, ttl, 500);
    CHECK(life.fresh_until == kForever - 500);
    CHECK(life.stale_until == kForever);
    CHECK(life.has_window());
  }
  CHECK(Lifetime::from(now, kForever - now - 501, 500).fresh_until == kForever - 501);
  CHECK_FALSE(Lifetime::from(now, kForever, 0).has_window());
  // A window without an end leaves more than enough to be fresh in.
  const Lifetime all = Lifetime::from(now, kForever, kForever);
  CHECK(all.fresh_until == kForever - kLongestWindow);
  CHECK(all.stale_until == kForever);
  CHECK(static_cast<double>(all.fresh_until) > 9.2e18);  // for ever, as the bindings show it
  CHECK(Lifetime::from(now, kForever, -5).fresh_until == kForever);
}

TEST_CASE("a time before 1970 is a time like any other") {
  CHECK(after(-1'000, 400) == -600);
  CHECK(after(-1'000, kForever) == kForever - 1'000);
  CHECK(Lifetime::from(-1'000, 400, 0).at(-601) == Freshness::fresh);
  CHECK(Lifetime::from(-1'000, 400, 0).at(-600) == Freshness::expired);
}

TEST_CASE("a ttl above 24.8 days, where 32-bit timers overflow, is a ttl like any other") {
  constexpr Millis kDay = 86'400'000;
  const Lifetime life = Lifetime::from(1'700'000'000'000, 400 * kDay, 0);
  CHECK(life.at(1'700'000'000'000 + 400 * kDay - 1) == Freshness::fresh);
  CHECK(life.at(1'700'000'000'000 + 400 * kDay) == Freshness::expired);
}

TEST_CASE("a clock that is a little late does not end a lifetime, one that is far too late does") {
  const Lifetime life = Lifetime::from(10'000'000, kForever, 0);
  CHECK(life.at(10'000'000 - 1'000) == Freshness::fresh);
  CHECK(life.at(10'000'000 - kMostSkew) == Freshness::fresh);
  CHECK(life.at(10'000'000 - kMostSkew - 1) == Freshness::expired);
}

TEST_CASE(
    "an answer that a clock far ahead saw does not keep an idle entry alive when the clock is "
    "right again") {
  Lifetime life = Lifetime::from(1'000, kForever, 0, 5'000);
  life.idle_until = 900'000'000;
  CHECK(life.at(10'000) == Freshness::expired);
  CHECK(life.at(900'000'000 - 1) == Freshness::fresh);
}
