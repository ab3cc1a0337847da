// THE JUDGE. Verbs are synchronous: they are told the key and the time, run to their end and answer with a
// verdict. All waiting, all storage and every clock are the caller's.
//
// One key goes through the cache like this:
//
//   look_up   memory only. Fresh or stale: here it is. Otherwise the caller asks its storage …
//   admit     … and hands in what it found: sealed, of this key, alive? Then it is kept and answers.
//   store     otherwise the caller computes, and hands in the result.
//   expire    makes an entry stale before its time.
//   invalidate, sweep   take entries away: on demand, and when their time is over.
//
// Everything lives in the pages of one pool (pages.h), so that the budget is a promise. A payload above some 8 KB lies in
// several blocks, which the caller reads and writes a piece at a time. Payloads may be compressed (compression.h): then
// what they take is what is charged, weighed and evicted, and nothing else knows. This is the only header that bindings include.
#pragma once

#include <cstdint>
#include <span>

#include "arena.h"
#include "bytes.h"
#include "cold.h"
#include "compression.h"
#include "digest.h"
#include "entry.h"
#include "evicted.h"
#include "eviction.h"
#include "eviction_asg.h"  // the policy that ships; whoever builds a cache hands it one
#include "index.h"
#include "lifetime.h"
#include "pages.h"
#include "record.h"
#include "stats.h"
#include "status.h"
#include "token_sets.h"
#include "tokens.h"

namespace reprise {

struct Options {
  std::uint64_t max_entry_bytes = std::uint64_t{8} << 20;  // a larger payload is not kept
  // For reprise-sim, 0 otherwise: payloads exist in name only, and all together have no more bytes than this. Then policies
  // can be compared as the literature does, by the same code that ships.
  std::uint64_t simulated_bytes = 0;
};

enum class Verdict : std::uint8_t {
  fresh = 0,
  stale = 1,
  absent = 2,  // from here on: no answer
  expired = 3,
  invalidated = 4,
  evicted = 5,  // absent, and lately it was not
  // Stale for longer than the call takes: it may answer if a new value cannot be made.
  retained = 6,
};

struct Found {
  Verdict verdict = Verdict::absent;
  Slot slot = kNoSlot;  // where verdict is fresh, stale or retained
};

// An entry on its way in: everything but the payload's bytes.
struct Draft {
  PayloadKind kind = PayloadKind::cbor;
  Lifetime life{};
  double cost_ms = 0;
  std::span<const Token> tokens{};
  std::uint64_t payload_size = 0;
  std::uint32_t group = 0;  // the number of the function whose result it is: those are alike
  // Put in by hand: it is let in whatever it is worth, as whoever did so expects to find it.
  bool insists = false;
};

struct Stored {
  Status status = Status::ok;
  Slot slot = kNoSlot;
};

class Cache {
 public:
  // Pages, policy and compression (nullptr: none) are the cache's alone, and outlive it. The pages' budget is the cache's; the
  // policy is made of them, too. Compression takes memory of its own, which whoever hands it over counts.
  Cache(const Options& options, Pages& pages, Eviction& eviction,
        Compression* compression = nullptr);
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Judges, counts, and remembers that the entry was used. A dead entry is removed on the way. A stale one answers for
  // `stale_for` after its fresh time, and is retained for the rest of its window. One that is outdated (tokens.h) is stale
  // within its fresh time, too; nobody knows since when, so there it answers wherever a stale one may (stale_for > 0).
  Found look_up(const Digest128& key, Millis now, Millis stale_for = 0);

  // The same judgement without a trace: nothing counted, nothing removed, recency untouched.
  [[nodiscard]] Found peek(const Digest128& key, Millis now, Millis stale_for = 0) const;

  // Keeps a computed value. Where `payload` is empty and the draft's is not, the room is made and the caller
  // writes the bytes (write) before the next verb.
  Stored store(const Digest128& key, const Draft& draft, Bytes payload, Millis now);

  // May an entry that came out of storage answer this call? `read` is what EntryReader said of its bytes; a
  // status that is not ok is a refusal already. ok, stale: it answers; retained: it may, as in look_up. Memory keeps it too
  // unless slot is kNoSlot. unknown_token is no refusal: the caller loads the tokens of its tags and asks again. `payload` is
  // as in store().
  Stored admit(const Digest128& key, Status read, const EntryReader& entry, Bytes payload,
               Millis now, std::uint32_t group = 0, Millis stale_for = 0);

  // Takes one key out of memory; says whether it was there.
  bool invalidate(const Digest128& key);

  // The entry is stale from now on, for as long as it would have been after its fresh time; one that is stale already stays as
  // it is. One that never gets stale is removed, as is a dead one. Says whether an entry is still there.
  bool expire(const Digest128& key, Millis now);

  // Gives a tag its token: the first one, or a new one that invalidates or expires every entry carrying another. False where there is
  // no memory for a new tag: entries that carry it are not kept.
  bool set_token(Token token);

  // The tag's token is of no use any more. False, and nothing changed, while an entry carries one.
  bool forget_token(std::uint64_t tag) { return tokens_.forget(tag); }

  // Looks at up to `budget` slots, removes those whose time is over, and says how many that were.
  std::uint32_t sweep(Millis now, std::uint32_t budget);

  void clear();

  // The first slot from `from` on of an entry that is labelled (entry.h), dead or alive.
  [[nodiscard]] Slot next_labelled(Slot from) const;

  // What is known of the entry in a slot.
  [[nodiscard]] Record record(Slot slot) const {
    return Record::read(block_at(index_.block(slot)));
  }
  [[nodiscard]] TokenCopy tokens(Slot slot) const { return sets_.tokens(record(slot).token_set); }
  [[nodiscard]] bool expired(Slot slot, Millis now) const {
    return record(slot).life.at(now) == Freshness::expired;
  }
  // The payload of a record that is whole, where it lies. It may move at the next store. One that is compressed is decoded and
  // lies there until the next payload(), read() or store(); empty where its bytes are damaged.
  [[nodiscard]] Bytes payload(Slot slot) const;
  // Payloads of any size, in pieces. What lies in one piece from byte `from` on, where it lies, as payload() does; nothing at its end.
  // Who reads on where a piece ended hands in the same `place`, and nothing is searched for; it holds until the next store.
  struct Place {
    Ref block = kNowhere;
    std::uint64_t from = 0;
  };
  [[nodiscard]] Bytes piece(Slot slot, std::uint64_t from, Place& place) const;
  // Copies what begins at `from`, as much as there is or goes into `out`.
  [[nodiscard]] std::size_t read(Slot slot, std::uint64_t from, MutableBytes out) const;
  void write(Slot slot, std::uint64_t from, Bytes piece);

  [[nodiscard]] const Stats& stats() const { return stats_; }
  [[nodiscard]] std::uint32_t entries() const { return index_.size(); }
  // What the entries take, with their keys and tokens.
  [[nodiscard]] std::uint64_t bytes() const {
    return arena_.live() + std::uint64_t{index_.size()} * kBytesPerKey;
  }
  // What all entries take beside their payloads: keys, records, index, tokens, policy.
  [[nodiscard]] std::uint64_t metadata() const;
  // What has been taken from the host. Never above the budget, and never less again.
  [[nodiscard]] std::uint64_t memory() const { return pages_.bytes(); }

  [[nodiscard]] const Arena& arena() const { return arena_; }
  [[nodiscard]] const Index& index() const { return index_; }

  // For tests and debug builds: every invariant holds. (The policy's are its own.)
  [[nodiscard]] bool valid() const;

 private:
  // In the index: the key and the place of the block.
  static constexpr std::uint32_t kBytesPerKey = 20;
  // Owners of blocks: a slot, a set of tokens (TokenSets::kOwner), the entry that is being built, or, with this bit,
  // the block before it of the same entry.
  static constexpr std::uint32_t kContinues = 1U << 31;
  static constexpr std::uint32_t kBuilding = (1U << 30) - 1;
  // Worth more than any entry: what the cache itself cannot do without.
  static constexpr Worth kAnyone{0, 1, 1e15};

  [[nodiscard]] MutableBytes block_at(Ref block) const {
    return {arena_.at(block), arena_.size(block)};
  }
  // As piece(), of the payload as it is stored.
  [[nodiscard]] MutableBytes stored_piece(Slot slot, std::uint64_t from, Place& place) const;
  [[nodiscard]] Bytes compressed(Record& record, Bytes payload, std::uint32_t group);
  [[nodiscard]] Verdict judge(const Record& record, Millis now, Millis stale_for) const;
  [[nodiscard]] static Verdict judge(const Lifetime& life, Tokens::Judgement tokens, Millis now,
                                     Millis stale_for);
  [[nodiscard]] std::uint64_t capacity() const;
  [[nodiscard]] bool keep(const Digest128& key, Record record, std::span<const Token> tokens);
  [[nodiscard]] bool build(const Record& wanted);
  [[nodiscard]] Ref allocate(std::uint32_t owner, std::uint32_t size);
  [[nodiscard]] bool find_page();
  // What an entry takes out of the budget.
  [[nodiscard]] std::uint64_t bytes_of(std::uint64_t stored_size) const;
  [[nodiscard]] Worth worth_of(const Digest128& key, const Record& record) const;
  [[nodiscard]] Worth worth_of(Slot slot) const;
  [[nodiscard]] bool evict();
  template <class Attempt>
  [[nodiscard]] bool with_pages(Attempt attempt);
  void remove(Slot slot, Removal why = Removal::other);
  void free_chain(Ref block);
  [[nodiscard]] Ref next_of(Ref block) const;
  void set_next(Ref block, Ref next);
  static void moved(void* cache, std::uint32_t owner, Ref from, Ref to);

  Options options_;
  Pages& pages_;
  Eviction& eviction_;
  Compression* compression_;
  Arena arena_;
  Index index_;
  Tokens tokens_;
  TokenSets sets_;
  Evicted evicted_;
  Stats stats_;
  // The entry that is being built: its blocks may move before it is in the index.
  Ref first_ = kNowhere;
  Ref last_ = kNowhere;
  // For whom others may have to leave, at what time, and whether the policy has refused it.
  Worth newcomer_ = kAnyone;
  Millis now_ = 0;
  bool refused_ = false;
  // Of all entries that the policy knows.
  std::uint64_t payload_bytes_ = 0;  // as they are stored
  std::uint32_t residents_ = 0;
  Slot sweep_at_ = 0;
};

}  // namespace reprise
