// The tokens of entries, each list of them held once: all entries of one function carry the same.
//
// A set is known by a number, counts the entries that refer to it, and is gone with the last; for as long as it is there its tags
// are known (tokens.h). Its tokens lie in a block of the arena. A set once found current is so until any token changes; so an entry is judged by one comparison, except for the
// first after a change.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "arena.h"
#include "array.h"
#include "entry.h"
#include "tokens.h"

namespace reprise {

// A copy of a set's tokens: in the arena they lie unaligned, and may move.
struct TokenCopy {
  std::array<Token, kMaxTokens> items;
  std::size_t size = 0;

  [[nodiscard]] std::span<const Token> span() const { return {items.data(), size}; }
};

class TokenSets {
 public:
  // The set of no tokens: always there, never counted.
  static constexpr std::uint32_t kNone = 0;
  static constexpr std::uint32_t kFailed = UINT32_MAX;
  // Beside a set's number, in the owner of its block.
  static constexpr std::uint32_t kOwner = 1U << 30;

  TokenSets(Pages& pages, Arena& arena, Tokens& now, std::uint32_t most)
      : arena_(arena), now_(now), sets_(pages), most_(most) {}

  // The set of these tokens, all of known tags, and one reference more to it. kFailed where there is no room.
  [[nodiscard]] std::uint32_t refer(std::span<const Token> wanted);
  void release(std::uint32_t set);

  [[nodiscard]] TokenCopy tokens(std::uint32_t set) const;
  // Are all tokens of the set current?
  [[nodiscard]] bool current(std::uint32_t set) const {
    if (set == kNone) return true;
    return sets_[set].current_at == now_.changes() || judge(set) == Tokens::Judgement::current;
  }
  // What they are, judged anew.
  [[nodiscard]] Tokens::Judgement judge(std::uint32_t set) const;

  void moved(std::uint32_t set, Ref block) { sets_[set].block = block; }
  void clear();

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return sets_.bytes(); }
  [[nodiscard]] std::uint32_t references(std::uint32_t set) const { return sets_[set].references; }
  // Sets have numbers below this.
  [[nodiscard]] std::uint32_t most_used() const { return static_cast<std::uint32_t>(sets_.size()); }
  [[nodiscard]] Ref block(std::uint32_t set) const { return sets_[set].block; }

  // For tests and debug builds: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  // Chained hashing: the chain of hash h begins in sets_[h % sets_.size()].first.
  struct Set {
    Ref block = kNowhere;
    std::uint32_t references = 0;  // 0: free, and `next` is the next free one
    std::uint32_t first = kNone;
    std::uint32_t next = kNone;
    std::uint64_t current_at = UINT64_MAX;  // Tokens::changes() when all were found current
  };

  [[nodiscard]] std::uint32_t chain(std::span<const Token> tokens) const;
  [[nodiscard]] bool grow();

  Arena& arena_;
  Tokens& now_;
  mutable Array<Set> sets_;
  std::uint32_t most_;
  std::uint32_t free_ = kNone;
  std::uint32_t size_ = 0;
};

}  // namespace reprise
