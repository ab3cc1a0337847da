// The cache against a model that a child could check: a std::map of what was stored last.
//
// The model does not know which entries an eviction takes, nor whether a newcomer is worth it to the policy, only that
// both are counted: after a store that evicted n entries, exactly n others must be missing. They leave the model
// too, so it always holds just what the cache holds, and every verdict, payload and counter is predicted exactly.
// That holds for any eviction policy; it is tried with the one that ships and with LRU. It holds for compressed payloads, too.
//
// All that the cache says is digested on the way, and the digest is a golden one: natively and in WebAssembly, where
// addresses, sizes of words and libraries differ, the same operations have the same results to the last byte.
//
// A run has 100,000 operations; REPRISE_MODEL_STEPS=1000000 in the environment makes it longer, with other digests.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cache.h"
#include "dense.h"
#include "eviction_asg.h"
#include "policies/eviction_lru.h"

using namespace reprise;

namespace {

constexpr std::uint64_t kKeys = 300;
constexpr std::uint64_t kTags = 16;
constexpr std::uint64_t kUnknownTag = 999;
constexpr std::uint64_t kSoft = std::uint64_t{1} << 40;
// An entry may take most of a page, or several.
constexpr Options kOptions{50'000};

struct Held {
  std::uint64_t id = 0;  // of the value; its bytes follow from it
  Lifetime life{};
  double cost_ms = 0;
  std::vector<Token> tokens;
  std::size_t payload_size = 0;
  PayloadKind kind = PayloadKind::bytes;
};

std::vector<std::uint8_t> payload_of(std::uint64_t id, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint64_t state = id * 0x9e3779b97f4a7c15u + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
  return bytes;
}

// The same made of sixteen words, which compress.
std::vector<std::uint8_t> words_of(std::uint64_t id, std::size_t size) {
  static constexpr char kWords[] =
      "the quick brown foxes jumped over lazy dogs when nobody looked ..";
  std::vector<std::uint8_t> bytes(size);
  const std::vector<std::uint8_t> choices = payload_of(id, size / 4 + 1);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(kWords[choices[i / 4] % 16 * 4 + i % 4]);
  }
  return bytes;
}

class Run {
 public:
  Run(std::uint64_t seed, Pages& pages, Eviction& policy, Compression* compression)
      : random_(seed),
        pages_(pages),
        cache_(kOptions, pages, policy, compression),
        content_(compression == nullptr ? payload_of : words_of) {
    for (std::uint64_t tag = 0; tag < kTags; ++tag) set_token(tag);
  }

  // One random verb, checked. What is wrong, or nothing.
  std::string step() {
    wrong_.clear();
    const std::uint64_t roll = below(100);
    if (roll < 40) {
      look_up();
    } else if (roll < 68) {
      store();
    } else if (roll < 73) {
      if (below(3) == 0) {
        expire();
      } else {
        invalidate();
      }
    } else if (roll < 75) {
      if (below(3) == 0) set_token(below(kTags));
      if (below(3) == 0) forget_token(below(kTags));
    } else if (roll < 79) {
      sweep();
    } else if (roll < 84) {
      peek();
    } else {
      // Mostly forward; clocks are set back now and then.
      now_ += below(20) == 0 ? -static_cast<Millis>(below(20)) : static_cast<Millis>(below(50));
    }
    expect(pages_.bytes() <= std::uint64_t{pages_.most()} * kPageSize, "the budget is exceeded");
    expect(cache_.entries() == model_.size(), "entries() is not the number of entries");
    note(cache_.bytes());
    return wrong_;
  }

  // The long checks.
  std::string examine() {
    wrong_.clear();
    scan();
    expect(cache_.valid(), "an invariant does not hold");
    for (const auto& [n, held] : model_) {
      for (const Millis stale_for : {Millis{0}, Millis{300}, kForever}) {
        expect(cache_.peek(key(n), now_, stale_for).verdict == verdict_of(held, stale_for),
               "an entry is judged differently");
      }
    }
    return wrong_;
  }

  // Of all that the cache said so far.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] const Stats& stats() const { return cache_.stats(); }
  [[nodiscard]] std::uint32_t entries() const { return cache_.entries(); }
  [[nodiscard]] std::uint64_t look_ups() const { return look_ups_; }
  [[nodiscard]] const Stats& expected() const { return expected_; }
  [[nodiscard]] std::uint64_t retained() const { return retained_; }
  [[nodiscard]] std::uint64_t expiries() const { return expiries_; }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  static Digest128 key(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15u, n}; }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  void expect(bool holds, const char* otherwise) {
    if (!holds && wrong_.empty()) wrong_ = otherwise;
  }

  void note(std::uint64_t said) { digest_ = (digest_ ^ said) * 0x100000001b3u; }

  // The soft part of a token is above bit 40.
  enum class Carries : std::uint8_t { current, outdated, dead };
  [[nodiscard]] Carries carries(const std::vector<Token>& tokens) const {
    Carries worst = Carries::current;
    for (const Token& token : tokens) {
      const std::uint64_t now = tags_.at(token.tag);
      if (now % kSoft != token.value % kSoft) return Carries::dead;
      if (now / kSoft != token.value / kSoft) worst = Carries::outdated;
    }
    return worst;
  }

  [[nodiscard]] Verdict verdict_of(const Held& held, Millis stale_for) const {
    const Carries carried = carries(held.tokens);
    if (carried == Carries::dead) return Verdict::invalidated;
    const Lifetime& life = held.life;
    if (now_ >= life.idle_until) return Verdict::expired;
    if (now_ >= life.stale_until) return Verdict::expired;
    const bool outdated = carried == Carries::outdated;
    if (outdated && life.stale_until == life.fresh_until) return Verdict::expired;
    if (!outdated && now_ < life.fresh_until) return Verdict::fresh;
    const Millis stale_since =
        now_ - life.fresh_until;  // negative where it is its tags that are old
    return stale_for > 0 && stale_since < stale_for ? Verdict::stale : Verdict::retained;
  }

  // Of a call: most take none that is stale.
  Millis any_stale_for() {
    const std::uint64_t roll = below(4);
    return roll == 0 ? kForever : roll == 1 ? static_cast<Millis>(below(1'000)) : 0;
  }

  void forget(std::map<std::uint64_t, Held>::iterator at) { model_.erase(at); }

  void look_up() {
    const std::uint64_t n = below(kKeys);
    ++look_ups_;
    const Millis stale_for = any_stale_for();
    const Found found = cache_.look_up(key(n), now_, stale_for);
    check_found(n, found, stale_for);
    const auto at = model_.find(n);
    switch (found.verdict) {
      case Verdict::fresh: ++expected_.hits_fresh; break;
      case Verdict::stale: ++expected_.hits_stale; break;
      case Verdict::absent: ++expected_.misses_absent; return;
      case Verdict::evicted: ++expected_.misses_evicted; return;
      case Verdict::retained: ++expected_.misses_expired, ++retained_; return;
      case Verdict::expired: ++expected_.misses_expired, ++expected_.expired; break;
      case Verdict::invalidated: ++expected_.misses_invalidated, ++expected_.invalidated; break;
    }
    if (at == model_.end()) return;
    if (found.slot == kNoSlot) {
      forget(at);
    } else {
      expected_.saved_ms += at->second.cost_ms;
      Lifetime& life = at->second.life;
      if (life.idle_until != kForever) life.idle_until = after(now_, life.idle_ms);
    }
  }

  void peek() {
    const std::uint64_t n = below(kKeys);
    const Millis stale_for = any_stale_for();
    check_found(n, cache_.peek(key(n), now_, stale_for), stale_for);
  }

  // Of a key that nothing is stored under.
  static bool is_absent(Verdict verdict) {
    return verdict == Verdict::absent || verdict == Verdict::evicted;
  }

  void check_found(std::uint64_t n, const Found& found, Millis stale_for) {
    note(static_cast<std::uint64_t>(found.verdict) << 32 | found.slot);
    const auto at = model_.find(n);
    if (at == model_.end()) {
      expect(is_absent(found.verdict), "a key was found that nothing is stored under");
      expect(found.slot == kNoSlot, "an absent key has a slot");
      return;
    }
    const Held& held = at->second;
    expect(found.verdict == verdict_of(held, stale_for), "another verdict than the model's");
    const bool alive = found.verdict != Verdict::expired && found.verdict != Verdict::invalidated;
    expect(alive == (found.slot != kNoSlot), "a slot without a living entry, or the reverse");
    if (!alive || found.slot == kNoSlot) return;
    const Record record = cache_.record(found.slot);
    const Lifetime& life = record.life;
    expect(life.created == held.life.created && life.fresh_until == held.life.fresh_until &&
               life.stale_until == held.life.stale_until &&
               static_cast<double>(record.cost_ms) == held.cost_ms &&
               record.payload_size == held.payload_size && record.kind == held.kind,
           "a hit has another value's metadata");
    std::vector<std::uint8_t> payload(held.payload_size);
    expect(cache_.read(found.slot, 0, payload) == payload.size() &&
               payload == content_(held.id, held.payload_size),
           "a hit is not the value stored last");
    for (std::size_t i = 0; i < payload.size(); i += 97) note(payload[i]);
  }

  void store() {
    const std::uint64_t n = below(kKeys);
    Held held;
    held.id = ++last_id_;
    // Usually it lives for a while, sometimes not at all.
    const auto ttl = static_cast<Millis>(below(20) == 0 ? 0 : below(4'000));
    const auto stale_for = static_cast<Millis>(below(2) == 0 ? below(1'000) : 0);
    const Millis idle = below(8) == 0 ? static_cast<Millis>(1 + below(2'000)) : kForever;
    held.life = Lifetime::from(now_, below(30) == 0 ? kForever : ttl, stale_for, idle);
    held.cost_ms = static_cast<double>(below(10'000));
    const std::uint64_t kind = below(50);
    held.payload_size = static_cast<std::size_t>(kind == 0 ? 49'900 + below(200)
                                                           : below(kind < 10 ? 20'000 : 3'000));
    Status status = held.life.at(now_) == Freshness::expired ? Status::no_lifetime : Status::ok;
    for (std::uint64_t i = below(4); i > 0; --i) {
      // Most are carried all the time, some now and then.
      const std::uint64_t tag = below(below(500) == 0 ? kTags : kTags / 2);
      held.tokens.push_back({tag, tags_.at(tag)});
      // The computation began before the tag was last invalidated.
      if (below(20) == 0) held.tokens.back().value -= below(3) == 0 ? 1 : kSoft;
    }
    held.kind = with(PayloadKind::bytes, below(20) == 0 ? kLabelled : 0);
    const Carries carried = carries(held.tokens);
    const bool window = held.life.stale_until > held.life.fresh_until;
    const bool dead = carried == Carries::dead;
    const bool unknown = below(100) == 0;
    if (unknown) held.tokens.push_back({kUnknownTag, 1});
    if (status == Status::ok && dead) status = Status::invalidated;
    if (status == Status::ok && unknown) status = Status::unknown_token;
    if (status == Status::ok && carried == Carries::outdated && !window) {
      status = Status::invalidated;
    }
    if (status == Status::ok && held.payload_size > kOptions.max_entry_bytes) {
      status = Status::too_large;
    }

    const auto older = model_.find(n);
    if (older != model_.end()) {
      ++expected_.replaced;
      forget(older);
    }
    const Stats before = cache_.stats();

    const std::vector<std::uint8_t> payload = content_(held.id, held.payload_size);
    const auto group = static_cast<std::uint32_t>(n % 3);
    const Draft draft{held.kind, held.life, held.cost_ms, held.tokens, held.payload_size, group};
    const bool later = below(4) == 0;
    const Stored stored = cache_.store(key(n), draft, later ? Bytes{} : Bytes{payload}, now_);
    if (later && stored.slot != kNoSlot) cache_.write(stored.slot, 0, payload);
    note(static_cast<std::uint64_t>(stored.status) << 32 | stored.slot);

    if (status == Status::ok && stored.status == Status::not_admitted) {
      status = Status::not_admitted;
      ++expected_.not_admitted;
    }
    expect(stored.status == status, "store said something else than the model");
    expect((stored.slot != kNoSlot) == (status == Status::ok), "a slot without ok, or the reverse");
    const std::uint64_t evicted = cache_.stats().evicted - before.evicted;
    const std::uint64_t expired = cache_.stats().expired - before.expired;
    const bool needed = status == Status::ok || status == Status::not_admitted;
    expect(evicted + expired == 0 || needed, "an eviction without need");
    note(evicted << 32 | expired);
    forget_evicted(evicted, expired);
    if (status != Status::ok) {
      ++expected_.not_stored;
      return;
    }
    ++expected_.stored;
    model_.emplace(n, std::move(held));
  }

  // Just as many entries are gone as were counted; those whose time was over are not counted as evicted.
  void forget_evicted(std::uint64_t evicted, std::uint64_t expired) {
    expected_.evicted += evicted;
    expected_.expired += expired;
    if (evicted + expired == 0) return;
    for (auto at = model_.begin(); at != model_.end();) {
      const auto next = std::next(at);
      if (is_absent(cache_.peek(key(at->first), now_).verdict)) {
        const bool over = at->second.life.at(now_) == Freshness::expired;
        expect((over ? expired : evicted)-- > 0, "more entries are gone than were evicted");
        forget(at);
      }
      at = next;
    }
    expect(evicted + expired == 0, "fewer entries are gone than were evicted");
  }

  void invalidate() {
    const std::uint64_t n = below(kKeys);
    const bool was_there = cache_.invalidate(key(n));
    const auto at = model_.find(n);
    expect(was_there == (at != model_.end()), "invalidate is wrong about what was there");
    if (at == model_.end()) return;
    ++expected_.invalidated;
    forget(at);
  }

  void expire() {
    const std::uint64_t n = below(kKeys);
    const bool stays = cache_.expire(key(n), now_);
    note(stays ? 1 : 0);
    const auto at = model_.find(n);
    if (at == model_.end()) return expect(!stays, "expire found what is not there");
    Lifetime& life = at->second.life;
    const Millis window = life.stale_until - life.fresh_until;
    const Verdict verdict = verdict_of(at->second, kForever);
    const bool was_fresh = verdict == Verdict::fresh;
    expect(stays == ((was_fresh && window > 0) || verdict == Verdict::stale),
           "expire is wrong about what is left");
    if (!stays) {
      ++(verdict == Verdict::expired ? expected_.expired : expected_.invalidated);
      return forget(at);
    }
    if (!was_fresh) return;
    ++expiries_;
    life.created = std::min(life.created, now_);
    life.fresh_until = now_;
    life.stale_until = now_ + window;
  }

  // Every labelled entry, once.
  void scan() {
    std::size_t labelled = 0;
    for (const auto& [n, held] : model_) labelled += is_labelled(held.kind) ? 1 : 0;
    for (Slot slot = cache_.next_labelled(0); slot != kNoSlot;
         slot = cache_.next_labelled(slot + 1)) {
      note(slot);
      const auto at = model_.find(cache_.index().key(slot).high);
      expect(at != model_.end() && is_labelled(at->second.kind) && labelled > 0,
             "a scan met what is not labelled");
      --labelled;
    }
    expect(labelled == 0, "a scan left out what is labelled");
  }

  // Tokens are random numbers in life; here they are one apart, so that "almost the same" is tried too.
  void set_token(std::uint64_t tag) {
    tags_[tag] += (1 + below(2)) * (below(2) == 0 ? 1 : kSoft);
    expect(cache_.set_token({tag, tags_[tag]}), "no memory for a token");
  }

  // What no entry carries goes, and comes back as it was when somebody asks for it.
  void forget_token(std::uint64_t tag) {
    const auto has = [tag](const Token& token) { return token.tag == tag; };
    bool carried = false;
    for (const auto& [n, held] : model_) {
      carried = carried || std::any_of(held.tokens.begin(), held.tokens.end(), has);
    }
    const bool forgotten = cache_.forget_token(tag);
    expect(forgotten == !carried, "a tag was forgotten that entries carry, or was not");
    if (!forgotten) return;
    ++forgotten_;
    expect(cache_.set_token({tag, tags_[tag]}), "no memory for a token");
  }

  void sweep() {
    const std::uint32_t budget = below(4) == 0 ? UINT32_MAX : static_cast<std::uint32_t>(below(32));
    std::uint32_t removed = cache_.sweep(now_, budget);
    expect(removed <= budget, "sweep exceeded its budget");
    expected_.expired += removed;
    const bool all = budget == UINT32_MAX;
    for (auto at = model_.begin(); at != model_.end();) {
      const auto next = std::next(at);
      const bool over = at->second.life.at(now_) == Freshness::expired;
      if (is_absent(cache_.peek(key(at->first), now_).verdict)) {
        expect(over, "sweep removed an entry whose time was not over");
        expect(removed-- > 0, "sweep removed more than it said");
        forget(at);
      } else {
        expect(!over || !all, "sweep left an entry whose time was over");
      }
      at = next;
    }
    expect(removed == 0, "sweep removed less than it said");
  }

  std::mt19937_64 random_;
  Pages& pages_;
  Cache cache_;
  std::vector<std::uint8_t> (*content_)(std::uint64_t id, std::size_t size);
  Millis now_ = 1'700'000'000'000;
  std::map<std::uint64_t, Held> model_;
  std::map<std::uint64_t, std::uint64_t> tags_;  // tag -> its current token
  std::uint64_t last_id_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t look_ups_ = 0;
  std::uint64_t retained_ = 0;  // look_ups that found an entry too stale for them
  std::uint64_t expiries_ = 0;  // entries that expire() made stale
  std::uint64_t digest_ = 0xcbf29ce484222325u;
  Stats expected_;
  std::string wrong_;
};

}  // namespace

TEST_CASE("over any random verbs the cache is what the model says, and the same in every build") {
  const char* wanted = std::getenv("REPRISE_MODEL_STEPS");
  const int steps = wanted == nullptr ? 100'000 : std::atoi(wanted);
  struct Seed {
    std::uint64_t seed;
    bool ships;            // the policy that ships, or LRU
    bool dense;            // payloads are compressed
    std::uint64_t digest;  // of 100,000 operations
  };
  const Seed seed = GENERATE(values<Seed>({{61, true, false, 5620189708659679170u},
                                           {62, true, false, 9668558252973596948u},
                                           {61, false, false, 8093029846097892783u},
                                           {62, false, false, 5750692609763438303u},
                                           {61, true, true, 12908903646192558418u},
                                           {62, false, true, 12093424683238188742u}}));
  CAPTURE(seed.seed, seed.ships, seed.dense);
  Pages pages((seed.dense ? 16 : 20) * kPageSize);
  Dense dense(1'700'000);
  EvictionAsg asg(pages, seed.seed);
  EvictionLru lru(pages);
  Run run(seed.seed, pages, seed.ships ? static_cast<Eviction&>(asg) : lru,
          seed.dense ? &dense : nullptr);
  for (int step = 1; step <= steps; ++step) {
    std::string wrong = run.step();
    if (wrong.empty() && step % 1'000 == 0) wrong = run.examine();
    if (!(seed.ships ? asg.valid() : lru.valid()))
      wrong = "an invariant of the policy does not hold";
    if (!wrong.empty()) {
      CAPTURE(step);
      FAIL(wrong);
    }
  }
  if (wanted == nullptr) CHECK(run.digest() == seed.digest);
  const Stats& stats = run.stats();
  const Stats& expected = run.expected();
  CHECK(stats.hits_fresh == expected.hits_fresh);
  CHECK(stats.hits_stale == expected.hits_stale);
  CHECK(stats.misses_absent == expected.misses_absent);
  CHECK(stats.misses_evicted == expected.misses_evicted);
  CHECK(stats.misses_expired == expected.misses_expired);
  CHECK(stats.misses_invalidated == expected.misses_invalidated);
  CHECK(stats.stored == expected.stored);
  CHECK(stats.not_stored == expected.not_stored);
  CHECK(stats.not_admitted == expected.not_admitted);
  CHECK(stats.evicted == expected.evicted);
  CHECK(stats.expired == expected.expired);
  CHECK(stats.invalidated == expected.invalidated);
  CHECK(stats.replaced == expected.replaced);
  CHECK(stats.saved_ms == expected.saved_ms);
  const std::uint64_t misses =
      stats.misses_absent + stats.misses_evicted + stats.misses_expired + stats.misses_invalidated;
  CHECK(stats.hits_fresh + stats.hits_stale + misses == run.look_ups());
  CHECK(stats.stored ==
        stats.evicted + stats.expired + stats.invalidated + stats.replaced + run.entries());
  // The run went everywhere.
  CHECK(stats.hits_fresh > 5'000);
  CHECK(stats.hits_stale > 500);
  CHECK(run.retained() > 500);
  CHECK(run.expiries() > 100);
  CHECK(run.forgotten() > 10);
  CHECK(stats.misses_expired > 300);
  CHECK(stats.misses_invalidated > 500);
  CHECK(stats.not_stored > 1'000);
  CHECK(stats.evicted > 100);
  CHECK((stats.not_admitted > 100) == seed.ships);
  CHECK(stats.misses_evicted > 100);
  CHECK(stats.replaced > 1'000);
}
