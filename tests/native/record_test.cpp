#include "record.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace reprise;

namespace {

struct Written {
  std::uint8_t bytes[Record::kMaxSize + 10] = {};
  std::uint32_t size = 0;

  explicit Written(const Record& record) : size(record.write(bytes)) {}
  // As a block with ten bytes of payload.
  [[nodiscard]] Bytes block() const { return Bytes{bytes}.first(size + 10); }
};

void check_same(const Record& a, const Record& b) {
  CHECK(a.life.created == b.life.created);
  CHECK(a.life.fresh_until == b.life.fresh_until);
  CHECK(a.life.stale_until == b.life.stale_until);
  CHECK(a.life.idle_until == b.life.idle_until);
  if (a.life.idle_until != kForever) CHECK(a.life.idle_ms == b.life.idle_ms);
  CHECK(a.cost_ms == b.cost_ms);
  CHECK(a.token_set == b.token_set);
  CHECK(a.kind == b.kind);
  CHECK(a.whole == b.whole);
  CHECK(a.next == b.next);
  CHECK(a.compressed == b.compressed);
  CHECK(a.dictionary == b.dictionary);
}

constexpr Millis kNow = 1'795'363'200'123;

}  // namespace

TEST_CASE("what an entry does not have costs nothing") {
  Record record;
  record.life = Lifetime::from(kNow, kForever, 0);
  CHECK(Written(record).size == 14);
  record.life = Lifetime::from(kNow, 3'600'000, 0);
  CHECK(Written(record).size == 18);
  record.life = Lifetime::from(kNow, 3'600'000, 60'000);
  CHECK(Written(record).size == 22);
  record.life = Lifetime::from(kNow, std::int64_t{90} * 86'400'000, 0);
  CHECK(Written(record).size == 24);
  record.life = Lifetime::from(kNow, kForever, 0, 60'000);
  CHECK(Written(record).size == 30);
}

TEST_CASE("a compressed payload costs three bytes more, and knows its size from 1 to 65,536") {
  Record record;
  record.life = Lifetime::from(kNow, 3'600'000, 0);
  record.compressed = true;
  record.dictionary = 16;
  for (const std::uint64_t size : {1u, 2u, 1'000u, 65'535u, 65'536u}) {
    record.payload_size = size;
    const Written written(record);
    CHECK(written.size == 21);
    CHECK(Record::read(written.block()).payload_size == size);
    CHECK(Record::read(written.block()).stored_size == 10);
    CHECK(Record::read(written.block()).dictionary == 16);
  }
}

TEST_CASE("a record is read as it was written, whatever its times are") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const std::vector<Millis> times{0,
                                  1,
                                  -1,
                                  kNow,
                                  kNow + 1,
                                  kForever,
                                  kForever - 1,
                                  (Millis{1} << 48) - 1,
                                  Millis{1} << 48,
                                  std::numeric_limits<Millis>::min()};
  const auto any = [&] {
    return random() % 3 == 0 ? static_cast<Millis>(random()) : times[random() % times.size()];
  };
  for (int i = 0; i < 3'000; ++i) {
    Record record;
    record.life = {any(), any(), any(), any(), any()};
    record.cost_ms = static_cast<float>(random() % 1'000'000) / 16;
    record.token_set = static_cast<std::uint32_t>(random() % Record::kMostSets);
    record.kind = static_cast<PayloadKind>(random() % kKinds);
    record.whole = random() % 2 == 0;
    record.compressed = record.whole && random() % 2 == 0;
    record.dictionary = record.compressed ? static_cast<std::uint8_t>(random()) : 0;
    record.payload_size = record.compressed ? 1 + random() % 65'536
                          : record.whole    ? 10
                                            : random() % UINT32_MAX;
    record.stored_size = record.compressed ? 10 : record.payload_size;
    record.next = record.whole ? kNowhere : static_cast<Ref>(random());
    const Written written(record);
    const Record read = Record::read(written.block());
    check_same(read, record);
    CHECK(read.payload_size == record.payload_size);
    CHECK(read.stored_size == record.stored_size);
    CHECK(Record::is_compressed(written.block()) == record.compressed);
    CHECK(read.size == written.size);
    CHECK(Record::size_of(written.block()) == written.size);
    CHECK(Record::is_whole(written.block()) == record.whole);
    CHECK(written.size <= Record::kMaxSize);
  }
}

TEST_CASE("an entry that is expired keeps its window, whatever its times are, and all else") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3'000; ++i) {
    const Millis far = Millis{1} << random() % 62;
    const Millis made =
        static_cast<Millis>(random() >> random() % 40 >> 2) - (random() % 8 == 0 ? far : 0);
    Record record;
    record.life = Lifetime::from(made, 1 + static_cast<Millis>(random() >> 2 >> random() % 60),
                                 1 + static_cast<Millis>(random() >> 2 >> random() % 60),
                                 random() % 2 == 0 ? kForever : 500);
    record.kind = static_cast<PayloadKind>(random() % kKinds);
    record.whole = random() % 2 == 0;
    record.next = record.whole ? kNowhere : 7;
    record.payload_size = 10;
    Written written(record);
    const Lifetime& life = record.life;
    // Mostly while it is fresh, sometimes by a clock that was set back.
    const std::uint64_t fresh_for =
        static_cast<std::uint64_t>(life.fresh_until) - static_cast<std::uint64_t>(made);
    const Millis now =
        random() % 8 == 0
            ? made / 2
            : static_cast<Millis>(static_cast<std::uint64_t>(made) + random() % fresh_for);
    const Millis window = life.stale_until - life.fresh_until;
    REQUIRE(Record::expire({written.bytes, written.size}, now));
    Record expected = record;
    expected.life.created = std::min(made, now);
    expected.life.fresh_until = now;
    expected.life.stale_until = now + window;
    check_same(Record::read(written.block()), expected);
    CHECK(Record::read(written.block()).payload_size == 10);
    CHECK(Record::size_of(written.block()) == written.size);
  }
}

TEST_CASE(
    "what never gets stale cannot be expired, nor by a clock before 1970 what was made after") {
  Record record;
  record.life = Lifetime::from(kNow, 10'000, 0);
  Written no_window(record);
  CHECK_FALSE(Record::expire({no_window.bytes, no_window.size}, kNow));
  check_same(Record::read(no_window.block()), record);
  record.life = Lifetime::from(kNow, kForever, 0);
  Written for_ever(record);
  CHECK_FALSE(Record::expire({for_ever.bytes, for_ever.size}, kNow));
  check_same(Record::read(for_ever.block()), record);
  record.life = Lifetime::from(kNow, 10'000, 1);
  Written set_back(record);
  CHECK_FALSE(Record::expire({set_back.bytes, set_back.size}, -1));
  check_same(Record::read(set_back.block()), record);
}

TEST_CASE("an answer moves the end of idleness, and only where there is one") {
  Record record;
  record.life = Lifetime::from(kNow, 10'000, 0, 500);
  Written idle(record);
  Record::answered({idle.bytes, idle.size}, kNow + 400);
  const Record later = Record::read(idle.block());
  CHECK(later.life.idle_until == kNow + 900);
  CHECK(later.life.fresh_until == kNow + 10'000);
  CHECK(later.life.created == kNow);

  record.life = Lifetime::from(kNow, 10'000, 0);
  Written fixed(record);
  Record::answered({fixed.bytes, fixed.size}, kNow + 400);
  check_same(Record::read(fixed.block()), record);
}
