#include "cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "policies/eviction_lru.h"

using namespace reprise;

namespace {

using ByteList = std::vector<std::uint8_t>;
using TokenList = std::vector<Token>;
using Slots = std::vector<Slot>;
using Counts = std::map<std::string, std::uint64_t>;

// With a policy whose choice a test can foresee. The policy comes first: it outlives the cache.
struct LruPolicy {
  EvictionLru policy{};
};
class LruCache : private LruPolicy, public Cache {
 public:
  explicit LruCache(const Options& options) : Cache(options, policy) {}
};

Digest128 key(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15u, n}; }

ByteList bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string text_at(const Cache& cache, Slot slot) {
  if (slot == kNoSlot) return "(no entry)";
  const Bytes payload = cache.payload(slot);
  return {payload.begin(), payload.end()};
}

// What an entry of this many payload bytes and no tokens takes out of the budget.
std::uint64_t cost_of(std::size_t payload_size) {
  return Arena::cost_of(payload_size) + sizeof(Record);
}

// Every counter that is not 0. Comparing all of them shows what was counted, and that nothing else was.
Counts counted(const Cache& cache) {
  const Stats& s = cache.stats();
  Counts counts{{"hits_fresh", s.hits_fresh},
                {"hits_stale", s.hits_stale},
                {"hits_admitted", s.hits_admitted},
                {"misses_absent", s.misses_absent},
                {"misses_expired", s.misses_expired},
                {"misses_invalidated", s.misses_invalidated},
                {"refused_damaged", s.refused_damaged},
                {"refused_expired", s.refused_expired},
                {"refused_invalidated", s.refused_invalidated},
                {"stored", s.stored},
                {"not_stored", s.not_stored},
                {"not_admitted", s.not_admitted},
                {"evicted", s.evicted},
                {"expired", s.expired},
                {"invalidated", s.invalidated},
                {"replaced", s.replaced}};
  for (auto at = counts.begin(); at != counts.end();) {
    at = at->second == 0 ? counts.erase(at) : std::next(at);
  }
  return counts;
}

Slots freed(const Cache& cache) { return {cache.freed().begin(), cache.freed().end()}; }

// An entry that is made at 1,000: fresh until 2,000, stale until 2,500, cost 40 ms.
constexpr Millis kMade = 1'000;
constexpr Lifetime kLife{1'000, 2'000, 2'500};

Draft draft_of(std::uint64_t payload_size, const TokenList& tokens = {}, Lifetime life = kLife) {
  return {PayloadKind::text, life, 40, tokens, payload_size};
}

// Each verb as the bindings call it: what the verb before freed is forgotten first.
Stored store(Cache& cache, std::uint64_t n, const std::string& text, const TokenList& tokens = {},
             Lifetime life = kLife, Millis now = kMade) {
  cache.forget_freed();
  return cache.store(key(n), draft_of(text.size(), tokens, life), bytes_of(text), false, now);
}

Stored store_external(Cache& cache, std::uint64_t n, std::uint64_t size,
                      const TokenList& tokens = {}) {
  cache.forget_freed();
  return cache.store(key(n), draft_of(size, tokens), {}, true, kMade);
}

Verdict look_up(Cache& cache, std::uint64_t n, Millis now = kMade) {
  cache.forget_freed();
  return cache.look_up(key(n), now).verdict;
}

bool has(const Cache& cache, std::uint64_t n) {
  return cache.peek(key(n), kMade).verdict == Verdict::fresh;
}

Options budget(std::uint64_t max_bytes) { return {max_bytes, max_bytes}; }

// An entry as it came out of a storage, on its way to admit.
class FromStorage {
 public:
  explicit FromStorage(const std::string& text, const TokenList& tokens = {}, Lifetime life = kLife)
      : entry_(kMaxPreamble) {
    EntryHeader header;
    header.kind = PayloadKind::text;
    header.token_count = static_cast<std::uint16_t>(tokens.size());
    header.life = life;
    header.cost_ms = 40;
    header.payload_size = text.size();
    entry_.resize(encode_preamble(header, tokens, entry_));
    entry_.insert(entry_.end(), text.begin(), text.end());
    Sealer sealer;
    sealer.update(entry_);
    const Digest128 seal = sealer.finish();
    const std::size_t at = entry_.size();
    entry_.resize(at + kSealSize);
    put(MutableBytes{entry_}, at, seal.low);
    put(MutableBytes{entry_}, at + 8, seal.high);
  }

  ByteList& entry() { return entry_; }

  Stored admit(Cache& cache, std::uint64_t n, Millis now = kMade, bool external = false,
               const StorageKey& storage_key = {}) {
    cache.forget_freed();
    EntryReader reader;
    Status read = reader.begin(entry_, entry_.size(), storage_key);
    if (read == Status::ok) read = reader.finish();
    Bytes payload;
    if (read == Status::ok && !external) {
      payload = Bytes{entry_}.subspan(reader.payload_at(),
                                      static_cast<std::size_t>(reader.header().payload_size));
    }
    return cache.admit(key(n), read, reader, payload, external, now);
  }

 private:
  ByteList entry_;
};

}  // namespace

// ---- look_up ------------------------------------------------------------------------------------

TEST_CASE("a key that was never stored is absent") {
  LruCache cache({});
  CHECK(look_up(cache, 1) == Verdict::absent);
  CHECK(cache.look_up(key(1), kMade).slot == kNoSlot);
  CHECK(counted(cache) == Counts{{"misses_absent", 2}});
}

TEST_CASE("what was stored is found, with all that was said of it") {
  LruCache cache({});
  cache.set_token({5, 50});
  const Stored stored = store(cache, 1, "hello", {{5, 50}});
  REQUIRE(stored.status == Status::ok);
  const Found found = cache.look_up(key(1), kMade);
  REQUIRE(found.verdict == Verdict::fresh);
  REQUIRE(found.slot == stored.slot);
  CHECK(text_at(cache, found.slot) == "hello");
  const Record& record = cache.record(found.slot);
  CHECK(record.kind == PayloadKind::text);
  CHECK(record.life.created == 1'000);
  CHECK(record.life.fresh_until == 2'000);
  CHECK(record.life.stale_until == 2'500);
  CHECK(record.cost_ms == 40);
  CHECK(record.payload_size == 5);
  CHECK_FALSE(record.external);
  REQUIRE(cache.tokens(found.slot).size() == 1);
  CHECK(cache.tokens(found.slot)[0].tag == 5);
  CHECK(cache.tokens(found.slot)[0].value == 50);
  CHECK(cache.entries() == 1);
  CHECK(cache.valid());
}

TEST_CASE("an entry is fresh, then stale, then expired, each up to and without its end") {
  struct At {
    Millis now;
    Verdict verdict;
  };
  const At at = GENERATE(values<At>({{1'000, Verdict::fresh},
                                     {1'999, Verdict::fresh},
                                     {2'000, Verdict::stale},
                                     {2'499, Verdict::stale},
                                     {2'500, Verdict::expired},
                                     {kForever, Verdict::expired}}));
  CAPTURE(at.now);
  LruCache cache({});
  const Stored stored = store(cache, 1, "x");
  const bool alive = at.verdict != Verdict::expired;
  for (int i = 0; i < 2; ++i) {
    const Found peeked = cache.peek(key(1), at.now);
    CHECK(peeked.verdict == at.verdict);
    CHECK(peeked.slot == (alive ? stored.slot : kNoSlot));
  }
  const Found found = cache.look_up(key(1), at.now);
  CHECK(found.verdict == at.verdict);
  CHECK(found.slot == (alive ? stored.slot : kNoSlot));
}

TEST_CASE("each way that a look_up can end is counted as itself") {
  LruCache cache({});
  cache.set_token({5, 50});
  store(cache, 1, "a");
  store(cache, 2, "b", {{5, 50}});
  Counts expected{{"stored", 2}};

  SECTION("fresh, and each hit saves what the entry cost") {
    look_up(cache, 1);
    look_up(cache, 1);
    expected["hits_fresh"] = 2;
    CHECK(cache.stats().saved_ms == 80);
  }
  SECTION("stale, which saves as much") {
    look_up(cache, 1, 2'000);
    expected["hits_stale"] = 1;
    CHECK(cache.stats().saved_ms == 40);
  }
  SECTION("absent") {
    look_up(cache, 3);
    expected["misses_absent"] = 1;
    CHECK(cache.stats().saved_ms == 0);
  }
  SECTION("expired: it leaves, and is absent from then on") {
    CHECK(look_up(cache, 1, 2'500) == Verdict::expired);
    CHECK(cache.entries() == 1);
    CHECK(look_up(cache, 1, 2'500) == Verdict::absent);
    expected["misses_expired"] = 1;
    expected["expired"] = 1;
    expected["misses_absent"] = 1;
    CHECK(cache.stats().saved_ms == 0);
  }
  SECTION("invalidated: it leaves, and is absent from then on") {
    cache.set_token({5, 51});
    CHECK(look_up(cache, 2) == Verdict::invalidated);
    CHECK(cache.entries() == 1);
    CHECK(look_up(cache, 2) == Verdict::absent);
    expected["misses_invalidated"] = 1;
    expected["invalidated"] = 1;
    expected["misses_absent"] = 1;
    CHECK(cache.stats().saved_ms == 0);
  }
  CHECK(counted(cache) == expected);
  CHECK(cache.valid());
}

TEST_CASE("peek leaves no trace: nothing counted, nothing removed, recency untouched") {
  LruCache cache(budget(2 * cost_of(8)));
  cache.set_token({5, 50});
  store(cache, 1, "oldest");
  store(cache, 2, "newest");
  const Counts before = counted(cache);
  CHECK(cache.peek(key(1), kMade).verdict == Verdict::fresh);
  CHECK(cache.peek(key(1), 2'000).verdict == Verdict::stale);
  CHECK(cache.peek(key(1), 2'500).verdict == Verdict::expired);
  CHECK(cache.peek(key(9), kMade).verdict == Verdict::absent);
  CHECK(counted(cache) == before);
  CHECK(cache.stats().saved_ms == 0);
  CHECK(cache.entries() == 2);
  // Had peek counted as a use, 2 would go now.
  REQUIRE(store(cache, 3, "another").status == Status::ok);
  CHECK_FALSE(has(cache, 1));
  CHECK(has(cache, 2));
}

TEST_CASE("peek at an invalidated entry says so and lets it lie") {
  LruCache cache({});
  cache.set_token({5, 50});
  store(cache, 1, "a", {{5, 50}});
  cache.set_token({5, 51});
  for (int i = 0; i < 2; ++i) {
    CHECK(cache.peek(key(1), kMade).verdict == Verdict::invalidated);
    CHECK(cache.peek(key(1), kMade).slot == kNoSlot);
  }
  CHECK(cache.entries() == 1);
  CHECK(counted(cache) == Counts{{"stored", 1}});
}

// ---- store --------------------------------------------------------------------------------------

TEST_CASE("a stored value takes the place of the older one") {
  LruCache cache({});
  store(cache, 1, "older");
  const std::uint64_t bytes = cache.bytes();
  const Stored stored = store(cache, 1, "newer");
  REQUIRE(stored.status == Status::ok);
  CHECK(text_at(cache, cache.look_up(key(1), kMade).slot) == "newer");
  CHECK(cache.entries() == 1);
  CHECK(cache.bytes() == bytes);
  CHECK(counted(cache) == Counts{{"stored", 2}, {"replaced", 1}, {"hits_fresh", 1}});
  CHECK(cache.valid());
}

TEST_CASE("a value that is not kept still ends the older one") {
  LruCache cache({10'000, 100});
  store(cache, 1, "older");
  Status expected = Status::ok;
  Stored refused;
  SECTION("no lifetime") {
    expected = Status::no_lifetime;
    refused = store(cache, 1, "newer", {}, Lifetime::from(kMade, 0, 0));
  }
  SECTION("too large") {
    expected = Status::too_large;
    refused = store(cache, 1, std::string(101, 'x'));
  }
  SECTION("a tag of it was invalidated") {
    cache.set_token({5, 51});
    expected = Status::invalidated;
    refused = store(cache, 1, "newer", {{5, 50}});
  }
  SECTION("a tag of it is unknown") {
    expected = Status::unknown_token;
    refused = store(cache, 1, "newer", {{5, 50}});
  }
  CHECK(refused.status == expected);
  CHECK(refused.slot == kNoSlot);
  CHECK(counted(cache) == Counts{{"stored", 1}, {"replaced", 1}, {"not_stored", 1}});
  CHECK(look_up(cache, 1) == Verdict::absent);
  CHECK(cache.bytes() == 0);
  CHECK(cache.valid());
}

TEST_CASE("a computation begun before an invalidation is not kept, one begun after it is") {
  LruCache cache({});
  cache.set_token({5, 50});
  const TokenList before{{5, 50}};
  cache.set_token({5, 51});  // while the computation was under way
  CHECK(store(cache, 1, "old news", before).status == Status::invalidated);
  CHECK(look_up(cache, 1) == Verdict::absent);
  CHECK(store(cache, 1, "news", {{5, 51}}).status == Status::ok);
  CHECK(look_up(cache, 1) == Verdict::fresh);
}

TEST_CASE("one invalidated tag of many is enough, and other entries live on") {
  LruCache cache({});
  cache.set_token({5, 50});
  cache.set_token({6, 60});
  store(cache, 1, "both", {{5, 50}, {6, 60}});
  store(cache, 2, "five", {{5, 50}});
  store(cache, 3, "six", {{6, 60}});
  store(cache, 4, "none");
  cache.set_token({6, 61});
  CHECK(look_up(cache, 1) == Verdict::invalidated);
  CHECK(look_up(cache, 2) == Verdict::fresh);
  CHECK(look_up(cache, 3) == Verdict::invalidated);
  CHECK(look_up(cache, 4) == Verdict::fresh);
}

TEST_CASE("an entry that is dead is invalidated rather than expired, and never stale") {
  LruCache cache({});
  cache.set_token({5, 50});
  store(cache, 1, "a", {{5, 50}});
  store(cache, 2, "b", {{5, 50}});
  cache.set_token({5, 51});
  CHECK(look_up(cache, 1, 2'000) == Verdict::invalidated);
  CHECK(look_up(cache, 2, 2'500) == Verdict::invalidated);
}

TEST_CASE("setting the token that a tag has already invalidates nothing") {
  LruCache cache({});
  cache.set_token({5, 50});
  store(cache, 1, "a", {{5, 50}});
  cache.set_token({5, 50});
  CHECK(look_up(cache, 1) == Verdict::fresh);
}

TEST_CASE("an entry may carry as many tokens as an entry has room for") {
  LruCache cache({});
  TokenList tokens;
  for (std::uint64_t i = 0; i < kMaxTokens; ++i) {
    tokens.push_back({i, i * i});
    cache.set_token(tokens.back());
  }
  const Stored stored = store(cache, 1, "much tagged", tokens);
  REQUIRE(stored.status == Status::ok);
  CHECK(cache.tokens(stored.slot).size() == kMaxTokens);
  CHECK(text_at(cache, stored.slot) == "much tagged");
  CHECK(cache.bytes() == cost_of(kMaxTokens * kTokenSize + 11));
  cache.set_token({kMaxTokens - 1, 0});
  CHECK(look_up(cache, 1) == Verdict::invalidated);
}

TEST_CASE("an empty payload is a value like any other, with tokens and without") {
  LruCache cache({});
  cache.set_token({5, 50});
  CHECK(store(cache, 1, "").status == Status::ok);
  CHECK(store(cache, 2, "", {{5, 50}}).status == Status::ok);
  CHECK(look_up(cache, 1) == Verdict::fresh);
  CHECK(look_up(cache, 2) == Verdict::fresh);
  CHECK(cache.payload(cache.look_up(key(1), kMade).slot).empty());
  CHECK(cache.bytes() == cost_of(0) + cost_of(kTokenSize));
  CHECK(cache.valid());
  CHECK(cache.invalidate(key(1)));
  CHECK(cache.invalidate(key(2)));
  CHECK(cache.bytes() == 0);
}

TEST_CASE("a payload above max_entry_bytes is not kept, one of just that size is") {
  LruCache cache({10'000, 100});
  CHECK(store(cache, 1, std::string(100, 'x')).status == Status::ok);
  CHECK(store(cache, 2, std::string(101, 'x')).status == Status::too_large);
  CHECK(store_external(cache, 3, 100).status == Status::ok);
  CHECK(store_external(cache, 4, 101).status == Status::too_large);
  CHECK(counted(cache) == Counts{{"stored", 2}, {"not_stored", 2}});
}

TEST_CASE("an entry above the whole budget is not kept, and nobody is evicted for it") {
  LruCache cache(budget(1'000));
  store(cache, 1, "small");
  // Payload, header of the block and record together are what counts.
  CHECK(store(cache, 2, std::string(1'000 - sizeof(Record), 'x')).status == Status::too_large);
  CHECK(store_external(cache, 3, 1'000 - sizeof(Record) + 1).status == Status::too_large);
  CHECK(has(cache, 1));
  CHECK(counted(cache) == Counts{{"stored", 1}, {"not_stored", 2}});
  CHECK(store_external(cache, 3, 1'000 - sizeof(Record)).status == Status::ok);
  CHECK(cache.bytes() == 1'000);
  CHECK(cache.valid());
}

TEST_CASE("where memory cannot be had the value is not kept, and the cache goes on") {
  LruCache cache({UINT64_MAX, UINT64_MAX});
  store(cache, 1, "here before");
  const std::uint64_t bytes = cache.bytes();
  volatile std::size_t size = SIZE_MAX / 2;
  CHECK(cache.store(key(2), draft_of(size), {}, false, kMade).status == Status::no_room);
  CHECK(cache.bytes() == bytes);
  CHECK(look_up(cache, 2) == Verdict::absent);
  CHECK(look_up(cache, 1) == Verdict::fresh);
  CHECK(store(cache, 3, "here after").status == Status::ok);
  CHECK(counted(cache) ==
        Counts{{"stored", 2}, {"not_stored", 1}, {"misses_absent", 1}, {"hits_fresh", 1}});
  CHECK(cache.valid());
}

// ---- the budget ---------------------------------------------------------------------------------

TEST_CASE("bytes are what the entries cost, and 0 when all are gone") {
  LruCache cache({});
  CHECK(cache.bytes() == 0);
  store(cache, 1, "hello");
  CHECK(cache.bytes() == cost_of(5));
  store_external(cache, 2, 70'000);
  CHECK(cache.bytes() == cost_of(5) + 70'000 + sizeof(Record));
  cache.set_token({5, 50});
  store_external(cache, 3, 70'000, {{5, 50}});
  CHECK(cache.bytes() == cost_of(5) + 140'000 + sizeof(Record) + cost_of(kTokenSize));
  CHECK(cache.valid());
  for (std::uint64_t n = 1; n <= 3; ++n) CHECK(cache.invalidate(key(n)));
  CHECK(cache.bytes() == 0);
  CHECK(cache.valid());
}

TEST_CASE("when memory is full the entry goes that answered nothing for longest") {
  LruCache cache(budget(3 * cost_of(8)));
  store(cache, 1, "a");
  store(cache, 2, "b");
  store(cache, 3, "c");
  CHECK(cache.bytes() == 3 * cost_of(8));
  look_up(cache, 1);
  look_up(cache, 2, 2'000);  // a stale answer is a use too

  REQUIRE(store(cache, 4, "d").status == Status::ok);
  CHECK_FALSE(has(cache, 3));
  CHECK(cache.stats().evicted == 1);
  REQUIRE(store(cache, 5, "e").status == Status::ok);
  CHECK_FALSE(has(cache, 1));
  REQUIRE(store(cache, 6, "f").status == Status::ok);
  CHECK_FALSE(has(cache, 2));
  CHECK(has(cache, 4));
  CHECK(has(cache, 5));
  CHECK(has(cache, 6));
  CHECK(cache.stats().evicted == 3);
  CHECK(cache.entries() == 3);
}

TEST_CASE("as many go as a large entry needs, and not one more") {
  LruCache cache(budget(10 * cost_of(8)));
  for (std::uint64_t n = 0; n < 10; ++n) store(cache, n, "x");
  REQUIRE(store_external(cache, 100, 4 * cost_of(8) - sizeof(Record)).status == Status::ok);
  CHECK(cache.stats().evicted == 4);
  for (std::uint64_t n = 0; n < 10; ++n) CHECK(has(cache, n) == (n >= 4));
  CHECK(cache.bytes() == 10 * cost_of(8));
}

TEST_CASE("an entry that replaces another makes room with it first") {
  LruCache cache(budget(2 * cost_of(8)));
  store(cache, 1, "a");
  store(cache, 2, "b");
  REQUIRE(store(cache, 2, "c").status == Status::ok);
  CHECK(has(cache, 1));
  CHECK(counted(cache) == Counts{{"stored", 3}, {"replaced", 1}});
}

TEST_CASE("the budget is never exceeded, whatever comes in") {
  const std::uint32_t seed = GENERATE(51u, 52u, 53u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr std::uint64_t kBudget = 20'000;
  LruCache cache(budget(kBudget));
  std::uint64_t most = 0;
  bool valid = true;
  for (int step = 0; step < 3'000; ++step) {
    const std::uint64_t n = random() % 1'000;
    const std::size_t size = random() % 10 == 0 ? random() % 25'000 : random() % 300;
    if (random() % 3 == 0) {
      store_external(cache, n, size);
    } else {
      store(cache, n, std::string(size, 'x'));
    }
    most = std::max(most, cache.bytes());
    valid = valid && cache.valid();
  }
  CHECK(valid);
  CHECK(most <= kBudget);
  CHECK(most > kBudget * 9 / 10);  // and it is used
  CHECK(cache.stats().evicted > 1'000);
}

// ---- external payloads --------------------------------------------------------------------------

TEST_CASE("an external entry is found like any other, and says that it is external") {
  LruCache cache({});
  const Stored stored = store_external(cache, 1, 100'000);
  REQUIRE(stored.status == Status::ok);
  const Found found = cache.look_up(key(1), kMade);
  CHECK(found.slot == stored.slot);
  CHECK(cache.record(found.slot).external);
  CHECK(cache.record(found.slot).payload_size == 100'000);
  CHECK(cache.freed().empty());
}

TEST_CASE("an external slot that is emptied is named in freed(), whatever emptied it") {
  LruCache cache(budget(100'000));
  cache.set_token({5, 50});
  const Slot slot = store_external(cache, 1, 60'000, {{5, 50}}).slot;
  store(cache, 2, "not external");
  cache.forget_freed();
  SECTION("invalidate") { cache.invalidate(key(1)); }
  SECTION("look_up of an expired entry") { cache.look_up(key(1), 2'500); }
  SECTION("look_up of an invalidated entry") {
    cache.set_token({5, 51});
    cache.look_up(key(1), kMade);
  }
  SECTION("store of the same key, though it goes where the older one was") {
    CHECK(cache.store(key(1), draft_of(1), bytes_of("x"), false, kMade).slot == slot);
  }
  SECTION("store of the same key that is refused") {
    cache.store(key(1), draft_of(1, {}, {}), bytes_of("x"), false, kMade);
  }
  SECTION("eviction") { cache.store(key(3), draft_of(50'000), {}, true, kMade); }
  SECTION("sweep") { cache.sweep(2'500, 100); }
  CHECK(freed(cache) == Slots{slot});
  cache.forget_freed();
  CHECK(cache.freed().empty());
  CHECK(cache.valid());
}

TEST_CASE("an entry in memory is emptied without a word in freed()") {
  LruCache cache({});
  store(cache, 1, "x");
  cache.invalidate(key(1));
  store(cache, 1, "x");
  store(cache, 1, "y");
  CHECK(cache.freed().empty());
}

TEST_CASE(
    "where more slots would be emptied than can be named, the store waits for the next time") {
  constexpr std::size_t kMany = Cache::kMaxFreed + 6;
  LruCache cache(budget(kMany * (100 + sizeof(Record))));
  for (std::uint64_t n = 0; n < kMany; ++n)
    REQUIRE(store_external(cache, n, 100).status == Status::ok);
  const std::uint64_t size = kMany * (100 + sizeof(Record)) - sizeof(Record);

  CHECK(store_external(cache, 1'000, size).status == Status::no_room);
  CHECK(cache.freed().size() == Cache::kMaxFreed);
  CHECK(cache.entries() == 6);
  CHECK(cache.valid());

  CHECK(store_external(cache, 1'000, size).status == Status::ok);
  CHECK(cache.freed().size() == 6);
  CHECK(cache.entries() == 1);
  CHECK(counted(cache) == Counts{{"stored", kMany + 1}, {"not_stored", 1}, {"evicted", kMany}});
}

// ---- admit --------------------------------------------------------------------------------------

TEST_CASE("an entry from storage that is sealed, of this key and alive is kept and answers") {
  LruCache cache({});
  cache.set_token({5, 50});
  const Stored stored = FromStorage("from storage", {{5, 50}}).admit(cache, 1);
  REQUIRE(stored.status == Status::ok);
  REQUIRE(stored.slot != kNoSlot);
  CHECK(counted(cache) == Counts{{"hits_admitted", 1}, {"stored", 1}});
  CHECK(cache.stats().saved_ms == 40);
  const Found found = cache.look_up(key(1), kMade);
  REQUIRE(found.slot == stored.slot);
  CHECK(text_at(cache, found.slot) == "from storage");
  CHECK(cache.record(found.slot).life.fresh_until == 2'000);
  CHECK(cache.record(found.slot).cost_ms == 40);
  CHECK(cache.record(found.slot).kind == PayloadKind::text);
  CHECK(cache.tokens(found.slot)[0].value == 50);
  CHECK(cache.valid());
}

TEST_CASE("a stale entry from storage answers, and one at its end does not") {
  LruCache cache({});
  CHECK(FromStorage("x").admit(cache, 1, 2'499).status == Status::ok);
  CHECK(look_up(cache, 1, 2'499) == Verdict::stale);
  CHECK(FromStorage("x").admit(cache, 2, 2'500).status == Status::expired);
  CHECK(look_up(cache, 2, kMade) == Verdict::absent);
}

TEST_CASE("each way that an entry from storage can be refused is counted as itself") {
  LruCache cache({});
  cache.set_token({5, 51});
  FromStorage entry("a payload");
  Status expected = Status::ok;
  Stored said;
  Counts counts;
  SECTION("a byte changed") {
    entry.entry()[82] ^= 1;
    expected = Status::bad_seal;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1);
  }
  SECTION("cut off") {
    entry.entry().pop_back();
    expected = Status::truncated;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1);
  }
  SECTION("foreign") {
    entry.entry().assign(200, '{');
    expected = Status::not_an_entry;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1);
  }
  SECTION("of another format") {
    entry.entry()[4] = 9;
    expected = Status::other_format;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1);
  }
  SECTION("of another key") {
    expected = Status::other_key;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1, kMade, false, StorageKey{1});
  }
  SECTION("damaged and long expired: damaged, for its times cannot be believed") {
    entry.entry()[82] ^= 1;
    expected = Status::bad_seal;
    counts = {{"refused_damaged", 1}};
    said = entry.admit(cache, 1, 99'999);
  }
  SECTION("expired") {
    expected = Status::expired;
    counts = {{"refused_expired", 1}};
    said = entry.admit(cache, 1, 2'500);
  }
  SECTION("invalidated") {
    expected = Status::invalidated;
    counts = {{"refused_invalidated", 1}};
    said = FromStorage("x", {{5, 50}}).admit(cache, 1);
  }
  SECTION("invalidated, whatever is unknown beside it") {
    expected = Status::invalidated;
    counts = {{"refused_invalidated", 1}};
    said = FromStorage("x", {{9, 90}, {5, 50}}).admit(cache, 1);
  }
  CHECK(said.status == expected);
  CHECK(said.slot == kNoSlot);
  CHECK(counted(cache) == counts);
  CHECK(cache.stats().saved_ms == 0);
  CHECK(cache.entries() == 0);
}

TEST_CASE("a refused entry leaves what memory holds of the key alone") {
  LruCache cache({});
  store(cache, 1, "in memory");
  FromStorage damaged("x");
  damaged.entry()[80] ^= 1;
  CHECK(damaged.admit(cache, 1).status == Status::bad_seal);
  CHECK(FromStorage("x", {{9, 90}}).admit(cache, 1).status == Status::unknown_token);
  CHECK(look_up(cache, 1) == Verdict::fresh);
}

TEST_CASE("an unknown token is no refusal: the tag is loaded, and the entry is judged again") {
  LruCache cache({});
  FromStorage entry("x", {{5, 50}});
  const Stored asked = entry.admit(cache, 1);
  CHECK(asked.status == Status::unknown_token);
  CHECK(asked.slot == kNoSlot);
  CHECK(counted(cache) == Counts{});
  CHECK(cache.entries() == 0);
  SECTION("to the token that it carries: it answers") {
    cache.set_token({5, 50});
    CHECK(entry.admit(cache, 1).status == Status::ok);
    CHECK(counted(cache) == Counts{{"hits_admitted", 1}, {"stored", 1}});
  }
  SECTION("to another: it is dead") {
    cache.set_token({5, 51});
    CHECK(entry.admit(cache, 1).status == Status::invalidated);
    CHECK(counted(cache) == Counts{{"refused_invalidated", 1}});
  }
}

TEST_CASE("an expired entry is refused before its tokens are asked for") {
  LruCache cache({});
  CHECK(FromStorage("x", {{5, 50}}).admit(cache, 1, 2'500).status == Status::expired);
}

TEST_CASE("an entry that memory has no room for answers all the same") {
  LruCache cache({10'000, 10});
  const Stored stored = FromStorage("longer than ten").admit(cache, 1);
  CHECK(stored.status == Status::ok);
  CHECK(stored.slot == kNoSlot);
  CHECK(counted(cache) == Counts{{"hits_admitted", 1}, {"not_stored", 1}});
  CHECK(cache.stats().saved_ms == 40);
  CHECK(look_up(cache, 1) == Verdict::absent);
}

TEST_CASE("an admitted entry takes the place of the one in memory") {
  LruCache cache({});
  const Slot slot = store_external(cache, 1, 70'000).slot;
  CHECK(FromStorage("newer").admit(cache, 1).status == Status::ok);
  CHECK(freed(cache) == Slots{slot});
  CHECK(text_at(cache, cache.look_up(key(1), kMade).slot) == "newer");
  CHECK(cache.stats().replaced == 1);
}

TEST_CASE("a large entry from storage is admitted as external") {
  LruCache cache({});
  FromStorage entry(std::string(100'000, 'x'));
  const Stored stored = entry.admit(cache, 1, kMade, true);
  REQUIRE(stored.status == Status::ok);
  CHECK(cache.record(stored.slot).external);
  CHECK(cache.bytes() == 100'000 + sizeof(Record));
  CHECK(cache.valid());
}

// ---- invalidate, sweep, clear -------------------------------------------------------------------

TEST_CASE("invalidating a key takes it away, and says whether it was there") {
  LruCache cache({});
  store(cache, 1, "a");
  store(cache, 2, "b");
  CHECK(cache.invalidate(key(1)));
  CHECK_FALSE(cache.invalidate(key(1)));
  CHECK_FALSE(cache.invalidate(key(3)));
  CHECK(look_up(cache, 1) == Verdict::absent);
  CHECK(look_up(cache, 2) == Verdict::fresh);
  CHECK(counted(cache) ==
        Counts{{"stored", 2}, {"invalidated", 1}, {"misses_absent", 1}, {"hits_fresh", 1}});
}

TEST_CASE("sweep removes what is over, and leaves what is fresh or stale") {
  LruCache cache({});
  for (std::uint64_t n = 0; n < 30; ++n) {
    // Ten are over at 1,500, ten are stale then, ten are fresh.
    const Millis fresh_for = n % 3 == 2 ? 1'000 : 200;
    const Millis stale_for = n % 3 == 1 ? 1'000 : 300;
    store(cache, n, "x", {}, Lifetime::from(kMade, fresh_for, stale_for));
  }
  CHECK(cache.sweep(1'499, 1'000) == 0);
  CHECK(cache.sweep(1'500, 1'000) == 10);
  CHECK(cache.sweep(1'500, 1'000) == 0);
  CHECK(cache.entries() == 20);
  CHECK(cache.stats().expired == 10);
  for (std::uint64_t n = 0; n < 30; ++n) {
    const Verdict verdict = cache.peek(key(n), 1'500).verdict;
    CHECK(verdict == (n % 3 == 0 ? Verdict::absent : n % 3 == 1 ? Verdict::stale : Verdict::fresh));
  }
  CHECK(cache.valid());
}

TEST_CASE("sweep stays within its budget, goes on where it stopped, and comes round") {
  LruCache cache({});
  for (std::uint64_t n = 0; n < 10; ++n) store(cache, n, "x");
  CHECK(cache.sweep(2'500, 0) == 0);
  CHECK(cache.sweep(2'500, 4) == 4);
  CHECK(cache.entries() == 6);
  CHECK(cache.sweep(2'500, 4) == 4);
  CHECK(cache.sweep(2'500, 4) == 2);  // two are left, two slots are empty
  CHECK(cache.entries() == 0);
  store(cache, 20, "x");
  CHECK(cache.sweep(2'500, 10) == 1);
}

TEST_CASE("a sweep that finds nothing over looks at no more slots than its budget") {
  LruCache cache({});
  for (std::uint64_t n = 0; n < 10; ++n) {
    store(cache, n, "x", {}, n == 7 ? kLife : Lifetime::from(kMade, kForever, 0));
  }
  CHECK(cache.sweep(2'500, 7) == 0);  // slots 0 to 6
  CHECK(cache.sweep(2'500, 1) == 1);  // slot 7
}

TEST_CASE("sweeping an empty cache removes nothing") {
  LruCache cache({});
  CHECK(cache.sweep(kForever, UINT32_MAX) == 0);
}

TEST_CASE("sweep stops where it could name no further freed slot, and goes on next time") {
  LruCache cache({});
  constexpr std::uint32_t kMany = Cache::kMaxFreed + 10;
  for (std::uint64_t n = 0; n < kMany; ++n) store_external(cache, n, 10);
  cache.forget_freed();
  CHECK(cache.sweep(2'500, 1'000) == Cache::kMaxFreed);
  CHECK(cache.freed().size() == Cache::kMaxFreed);
  cache.forget_freed();
  CHECK(cache.sweep(2'500, 1'000) == 10);
  CHECK(cache.freed().size() == 10);
  CHECK(cache.entries() == 0);
  CHECK(cache.valid());
}

TEST_CASE("after clear nothing is left but the counters and the tokens") {
  LruCache cache({});
  cache.set_token({5, 50});
  store(cache, 1, "a", {{5, 50}});
  store_external(cache, 2, 100);
  look_up(cache, 1);
  const Counts before = counted(cache);
  cache.clear();
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
  CHECK(cache.freed().empty());
  CHECK(cache.valid());
  CHECK(counted(cache) == before);
  CHECK(look_up(cache, 1) == Verdict::absent);
  CHECK(store(cache, 1, "again", {{5, 50}}).status == Status::ok);
  CHECK(look_up(cache, 1) == Verdict::fresh);
}

TEST_CASE("caches do not know each other") {
  LruCache one({});
  LruCache two({});
  store(one, 1, "x");
  CHECK(look_up(two, 1) == Verdict::absent);
  CHECK(look_up(one, 1) == Verdict::fresh);
}
