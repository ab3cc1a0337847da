// THE JUDGE. Verbs are synchronous: they are told the key and the time, run to their end and answer with a
// verdict. All waiting, all storage and every clock are the caller's.
//
// One key goes through the cache like this:
//
//   look_up   memory only. Fresh or stale: here it is. Otherwise the caller asks its storage …
//   admit     … and hands in what it found: sealed, of this key, alive? Then it is kept and answers.
//   store     otherwise the caller computes, and hands in the result.
//   invalidate, sweep   take entries away: on demand, and when their time is over.
//
// Small payloads live in the arena. Large ones stay with the caller under their slot number (`external`); when
// such a slot is emptied, freed() names it until the next verb. This is the only header that bindings include.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "arena.h"
#include "array.h"
#include "bytes.h"
#include "digest.h"
#include "entry.h"
#include "eviction.h"
#include "eviction_asg.h"  // the policy that ships; whoever builds a cache hands it one
#include "index.h"
#include "lifetime.h"
#include "stats.h"
#include "status.h"
#include "tokens.h"
#include "utf8.h"

namespace reprise {

struct Options {
  std::uint64_t max_bytes = 64'000'000;                    // payloads and their records together
  std::uint64_t max_entry_bytes = std::uint64_t{8} << 20;  // a larger payload is not kept
  // For simulations: external payloads exist in name only. They alone count against max_bytes, as in the literature, and
  // freed() names none of them.
  bool simulated = false;
};

enum class Verdict : std::uint8_t {
  fresh = 0,
  stale = 1,
  absent = 2,  // from here on: no answer
  expired = 3,
  invalidated = 4,
};

struct Found {
  Verdict verdict = Verdict::absent;
  Slot slot = kNoSlot;  // where verdict is fresh or stale
};

// An entry on its way in: everything but the payload's bytes.
struct Draft {
  PayloadKind kind = PayloadKind::cbor;
  Lifetime life{};
  double cost_ms = 0;
  std::span<const Token> tokens{};
  std::uint64_t payload_size = 0;
};

struct Stored {
  Status status = Status::ok;
  Slot slot = kNoSlot;
};

// What memory holds of one entry.
struct Record {
  Lifetime life{};
  double cost_ms = 0;
  std::uint64_t payload_size = 0;
  std::uint8_t* block = nullptr;  // tokens, then the payload unless it is external
  std::uint16_t token_count = 0;
  PayloadKind kind = PayloadKind::cbor;
  bool external = false;

  // Of `block`.
  [[nodiscard]] std::size_t block_size() const {
    return token_count * kTokenSize + (external ? 0 : static_cast<std::size_t>(payload_size));
  }
};

class Cache {
 public:
  // The policy is the cache's alone, and outlives it.
  Cache(const Options& options, Eviction& eviction) : options_(options), eviction_(eviction) {}
  ~Cache() { clear(); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Judges, counts, and remembers that the entry was used. A dead entry is removed on the way.
  Found look_up(const Digest128& key, Millis now);

  // The same judgement without a trace: nothing counted, nothing removed, recency untouched.
  [[nodiscard]] Found peek(const Digest128& key, Millis now) const;

  // Keeps a computed value. `payload` is empty where the caller keeps the bytes itself (external).
  Stored store(const Digest128& key, const Draft& draft, Bytes payload, bool external, Millis now);

  // May an entry that came out of storage answer this call? `read` is what EntryReader said of its bytes; a
  // status that is not ok is a refusal already. ok: it answers, and memory keeps it too unless slot is
  // kNoSlot. unknown_token is no refusal: the caller loads the tokens of its tags and asks again.
  Stored admit(const Digest128& key, Status read, const EntryReader& entry, Bytes payload,
               bool external, Millis now);

  // Takes one key out of memory; says whether it was there.
  bool invalidate(const Digest128& key);

  // Gives a tag its token: the first one, or a new one that invalidates every entry carrying another.
  void set_token(Token token) { tokens_.set(token); }

  // Looks at up to `budget` slots, removes those whose time is over, and says how many that were.
  std::uint32_t sweep(Millis now, std::uint32_t budget);

  void clear();

  [[nodiscard]] const Record& record(Slot slot) const { return records_[slot]; }
  // The payload of a slot that is not external.
  [[nodiscard]] Bytes payload(Slot slot) const;
  [[nodiscard]] std::span<const Token> tokens(Slot slot) const;

  // External slots that the last verb emptied, for the caller to drop their bytes.
  static constexpr std::size_t kMaxFreed = 64;
  [[nodiscard]] std::span<const Slot> freed() const { return {freed_.data(), freed_count_}; }
  void forget_freed() { freed_count_ = 0; }

  [[nodiscard]] const Stats& stats() const { return stats_; }
  [[nodiscard]] std::uint32_t entries() const { return index_.size(); }
  // What counts against max_bytes now.
  [[nodiscard]] std::uint64_t bytes() const;

  // For tests and debug builds: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  [[nodiscard]] Verdict judge(const Record& record, Slot slot, Millis now) const;
  // What one entry takes out of the budget.
  [[nodiscard]] std::uint64_t need_of(std::size_t block_size, bool external,
                                      std::uint64_t payload_size) const;
  [[nodiscard]] Worth worth_of(Slot slot) const;
  [[nodiscard]] Status make_room(const Worth& newcomer, Millis now);
  void remove(Slot slot, Removal why = Removal::other);

  Options options_;
  Index index_;
  Array<Record> records_;
  Arena arena_;
  Eviction& eviction_;
  Tokens tokens_;
  Stats stats_;
  std::uint64_t external_bytes_ = 0;
  std::array<Slot, kMaxFreed> freed_{};
  std::size_t freed_count_ = 0;
  Slot sweep_at_ = 0;
};

}  // namespace reprise
