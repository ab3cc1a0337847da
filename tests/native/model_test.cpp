// The cache against a model that a child could check: a std::map of what was stored last.
//
// The model does not know which entry an eviction takes, nor whether a newcomer is worth it to the policy, only that both
// are counted: after a store that evicted n entries, exactly n others must be missing. They leave the model too, so
// it always holds just what the cache holds, and every verdict, payload, byte and counter is predicted exactly. That
// holds for any eviction policy.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cache.h"
#include "policies/eviction_lru.h"

using namespace reprise;

namespace {

constexpr std::uint64_t kKeys = 200;
constexpr std::uint64_t kTags = 8;
constexpr std::uint64_t kUnknownTag = 999;
constexpr Options kOptions{30'000, 3'000};

struct Held {
  std::uint64_t id = 0;  // of the value; its bytes follow from it
  Lifetime life{};
  double cost_ms = 0;
  std::vector<Token> tokens;
  std::size_t payload_size = 0;
  bool external = false;

  [[nodiscard]] std::uint64_t cost() const {
    const std::size_t tokens_size = tokens.size() * kTokenSize;
    return external ? Arena::cost_of(tokens_size) + payload_size + sizeof(Record)
                    : Arena::cost_of(tokens_size + payload_size) + sizeof(Record);
  }
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

class Run {
 public:
  Run(std::uint64_t seed, Eviction& policy)
      : random_(seed), policy_(policy), cache_(kOptions, policy) {
    for (std::uint64_t tag = 0; tag < kTags; ++tag) set_token(tag);
  }

  // One random verb, checked. What is wrong, or nothing.
  std::string step() {
    wrong_.clear();
    cache_.forget_freed();
    const std::uint64_t roll = below(100);
    if (roll < 40) {
      look_up();
    } else if (roll < 68) {
      store();
    } else if (roll < 73) {
      invalidate();
    } else if (roll < 75) {
      if (below(4) == 0) set_token(below(kTags));
    } else if (roll < 79) {
      sweep();
    } else if (roll < 84) {
      peek();
    } else {
      // Mostly forward; clocks are set back now and then.
      now_ += below(20) == 0 ? -static_cast<Millis>(below(20)) : static_cast<Millis>(below(50));
    }
    expect(cache_.bytes() == model_bytes_, "bytes() is not the sum of what the entries cost");
    expect(cache_.bytes() <= kOptions.max_bytes, "the budget is exceeded");
    expect(cache_.entries() == model_.size(), "entries() is not the number of entries");
    drop_freed();
    return wrong_;
  }

  // The long checks.
  std::string examine() {
    wrong_.clear();
    expect(cache_.valid(), "an invariant does not hold");
    expect(policy_.valid(), "an invariant of the policy does not hold");
    std::size_t external = 0;
    for (const auto& [n, held] : model_) {
      external += held.external ? 1 : 0;
      expect(cache_.peek(key(n), now_).verdict == verdict_of(held),
             "an entry is judged differently");
    }
    expect(external == external_.size(), "an external slot was emptied and not named in freed()");
    return wrong_;
  }

  [[nodiscard]] const Stats& stats() const { return cache_.stats(); }
  [[nodiscard]] std::uint32_t entries() const { return cache_.entries(); }
  [[nodiscard]] const Stats& expected() const { return expected_; }

 private:
  static Digest128 key(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15u, n}; }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  void expect(bool holds, const char* otherwise) {
    if (!holds && wrong_.empty()) wrong_ = otherwise;
  }

  [[nodiscard]] Verdict verdict_of(const Held& held) const {
    for (const Token& token : held.tokens) {
      if (tags_.at(token.tag) != token.value) return Verdict::invalidated;
    }
    if (now_ < held.life.fresh_until) return Verdict::fresh;
    if (now_ < held.life.stale_until) return Verdict::stale;
    return Verdict::expired;
  }

  void forget(std::map<std::uint64_t, Held>::iterator at) {
    model_bytes_ -= at->second.cost();
    model_.erase(at);
  }

  void look_up() {
    const std::uint64_t n = below(kKeys);
    const Found found = cache_.look_up(key(n), now_);
    check_found(n, found);
    const auto at = model_.find(n);
    switch (found.verdict) {
      case Verdict::fresh: ++expected_.hits_fresh; break;
      case Verdict::stale: ++expected_.hits_stale; break;
      case Verdict::absent: ++expected_.misses_absent; return;
      case Verdict::expired: ++expected_.misses_expired, ++expected_.expired; break;
      case Verdict::invalidated: ++expected_.misses_invalidated, ++expected_.invalidated; break;
    }
    if (at == model_.end()) return;
    if (found.slot == kNoSlot) {
      forget(at);
    } else {
      expected_.saved_ms += at->second.cost_ms;
    }
  }

  void peek() {
    const std::uint64_t n = below(kKeys);
    check_found(n, cache_.peek(key(n), now_));
  }

  void check_found(std::uint64_t n, const Found& found) {
    const auto at = model_.find(n);
    if (at == model_.end()) {
      expect(found.verdict == Verdict::absent, "a key was found that nothing is stored under");
      expect(found.slot == kNoSlot, "an absent key has a slot");
      return;
    }
    const Held& held = at->second;
    expect(found.verdict == verdict_of(held), "another verdict than the model's");
    const bool alive = found.verdict == Verdict::fresh || found.verdict == Verdict::stale;
    expect(alive == (found.slot != kNoSlot), "a slot without a living entry, or the reverse");
    if (!alive || found.slot == kNoSlot) return;
    const Record& record = cache_.record(found.slot);
    expect(record.life.created == held.life.created && record.cost_ms == held.cost_ms &&
               record.payload_size == held.payload_size && record.external == held.external,
           "a hit has another value's metadata");
    if (!record.external) {
      const Bytes payload = cache_.payload(found.slot);
      expect(std::vector<std::uint8_t>(payload.begin(), payload.end()) ==
                 payload_of(held.id, held.payload_size),
             "a hit is not the value stored last");
    } else {
      const auto outside = external_.find(found.slot);
      expect(outside != external_.end() && outside->second == held.id,
             "an external hit is not the value stored last");
    }
  }

  void store() {
    const std::uint64_t n = below(kKeys);
    Held held;
    held.id = ++last_id_;
    // Usually it lives for a while, sometimes not at all.
    held.life = Lifetime::from(now_, static_cast<Millis>(below(20) == 0 ? 0 : below(4'000)),
                               static_cast<Millis>(below(2) == 0 ? below(1'000) : 0));
    held.cost_ms = static_cast<double>(below(10'000));
    held.external = below(5) == 0;
    held.payload_size = static_cast<std::size_t>(
        below(50) == 0 ? 2'900 + below(200) : below(held.external ? 1'500 : 300));
    Status status = held.life.stale_until <= now_ ? Status::no_lifetime : Status::ok;
    for (std::uint64_t i = below(4); i > 0; --i) {
      const std::uint64_t tag = below(kTags);
      held.tokens.push_back({tag, tags_.at(tag)});
      // The computation began before the tag was last invalidated.
      if (below(20) == 0) --held.tokens.back().value;
    }
    bool dead = false;
    for (const Token& token : held.tokens) dead = dead || tags_.at(token.tag) != token.value;
    const bool unknown = below(100) == 0;
    if (unknown) held.tokens.push_back({kUnknownTag, 1});
    if (status == Status::ok && dead) status = Status::invalidated;
    if (status == Status::ok && unknown) status = Status::unknown_token;
    if (status == Status::ok && held.payload_size > kOptions.max_entry_bytes) {
      status = Status::too_large;
    }

    const auto older = model_.find(n);
    if (older != model_.end()) {
      ++expected_.replaced;
      forget(older);
    }
    const bool fits = model_bytes_ + held.cost() <= kOptions.max_bytes;
    const Stats before = cache_.stats();

    const std::vector<std::uint8_t> payload =
        payload_of(held.id, held.external ? 0 : held.payload_size);
    const Draft draft{PayloadKind::bytes, held.life, held.cost_ms, held.tokens, held.payload_size};
    const Stored stored = cache_.store(key(n), draft, payload, held.external, now_);

    if (status == Status::ok && !fits && stored.status == Status::not_admitted) {
      status = Status::not_admitted;
      ++expected_.not_admitted;
    }
    expect(stored.status == status, "store said something else than the model");
    expect((stored.slot != kNoSlot) == (status == Status::ok), "a slot without ok, or the reverse");
    const std::uint64_t evicted = cache_.stats().evicted - before.evicted;
    const std::uint64_t expired = cache_.stats().expired - before.expired;
    const bool needed = !fits && (status == Status::ok || status == Status::not_admitted);
    expect(evicted + expired == 0 || needed, "an eviction without need");
    forget_evicted(evicted, expired);
    drop_freed();
    if (status != Status::ok) {
      ++expected_.not_stored;
      return;
    }
    ++expected_.stored;
    if (held.external) {
      expect(external_.emplace(stored.slot, held.id).second, "a slot was given out twice");
    }
    model_bytes_ += held.cost();
    model_.emplace(n, std::move(held));
  }

  // Just as many entries are gone as were counted; those whose time was over are not counted as evicted.
  void forget_evicted(std::uint64_t evicted, std::uint64_t expired) {
    expected_.evicted += evicted;
    expected_.expired += expired;
    if (evicted + expired == 0) return;
    for (auto at = model_.begin(); at != model_.end();) {
      const auto next = std::next(at);
      if (cache_.peek(key(at->first), now_).verdict == Verdict::absent) {
        const bool over = at->second.life.stale_until <= now_;
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

  // Tokens are random numbers in life; here they are one apart, so that "almost the same" is tried too.
  void set_token(std::uint64_t tag) {
    tags_[tag] += 1 + below(2);
    cache_.set_token({tag, tags_[tag]});
  }

  void sweep() {
    const std::uint32_t budget = below(4) == 0 ? UINT32_MAX : static_cast<std::uint32_t>(below(32));
    std::uint32_t removed = cache_.sweep(now_, budget);
    expect(removed <= budget, "sweep exceeded its budget");
    expected_.expired += removed;
    const bool all = budget == UINT32_MAX && cache_.freed().size() < Cache::kMaxFreed;
    for (auto at = model_.begin(); at != model_.end();) {
      const auto next = std::next(at);
      const bool over = at->second.life.stale_until <= now_;
      if (cache_.peek(key(at->first), now_).verdict == Verdict::absent) {
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

  // As JavaScript does after each verb: the bytes of emptied slots are dropped.
  void drop_freed() {
    for (const Slot slot : cache_.freed()) {
      expect(external_.erase(slot) == 1, "freed() names a slot that held no external entry");
    }
    cache_.forget_freed();
  }

  std::mt19937_64 random_;
  Eviction& policy_;
  Cache cache_;
  Millis now_ = 1'700'000'000'000;
  std::map<std::uint64_t, Held> model_;
  std::uint64_t model_bytes_ = 0;
  std::map<std::uint64_t, std::uint64_t> tags_;  // tag -> its current token
  std::map<Slot, std::uint64_t> external_;       // slot -> id of the value kept outside
  std::uint64_t last_id_ = 0;
  Stats expected_;
  std::string wrong_;
};

}  // namespace

TEST_CASE("over 100,000 random verbs the cache is what the model says") {
  const std::uint64_t seed = GENERATE(61u, 62u, 63u);
  const bool asg_decides = GENERATE(true, false);
  CAPTURE(seed, asg_decides);
  EvictionAsg asg(seed);
  EvictionLru lru;
  Run run(seed, asg_decides ? static_cast<Eviction&>(asg) : lru);
  for (int step = 1; step <= 100'000; ++step) {
    std::string wrong = run.step();
    if (wrong.empty() && step % 1'000 == 0) wrong = run.examine();
    if (!wrong.empty()) {
      CAPTURE(step);
      FAIL(wrong);
    }
  }
  const Stats& stats = run.stats();
  const Stats& expected = run.expected();
  CHECK(stats.hits_fresh == expected.hits_fresh);
  CHECK(stats.hits_stale == expected.hits_stale);
  CHECK(stats.misses_absent == expected.misses_absent);
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
  CHECK(stats.stored ==
        stats.evicted + stats.expired + stats.invalidated + stats.replaced + run.entries());
  // The run went everywhere.
  CHECK(stats.hits_fresh > 10'000);
  CHECK(stats.hits_stale > 500);
  // ASG finds more of them itself, when room is needed.
  CHECK(stats.misses_expired > (asg_decides ? 300 : 500));
  CHECK(stats.misses_invalidated > 500);
  CHECK(stats.not_stored > 1'000);
  CHECK(stats.evicted > (asg_decides ? 100 : 1'000));
  CHECK((stats.not_admitted > 100) == asg_decides);
  CHECK(stats.replaced > 1'000);
}
