// Invalidation without clocks or scans (DESIGN: "tokens, not clocks").
//
// A tag (a name, a scope, everything: each is a tag here) has a current token, a random number drawn by the
// caller. An entry carries the tokens that its tags had when its computation *began*. To invalidate a tag is to
// give it another token; every entry that carries the old one is dead from then on, wherever it lies, and a
// computation that began before can never be served after. Nothing is scanned. A token that gets lost is
// drawn anew, so losing state invalidates; it never revives.
//
// A tag may also be expired: what was made before is not wrong then but old, and may answer where old answers may. So a token is
// two numbers in one, 40 bits that are "hard" and, above them, 24 that are "soft". To invalidate is to draw both anew, to expire
// only the soft ones; an entry whose hard parts are all current is outdated where a soft one is not. That takes as long for
// a million entries as for one, and again no clock has to agree with another.
//
// By chance a tag that is given another token revives what carried one of the former ones with a probability of 2^-40, and one that
// is expired leaves it as fresh as it was with one of 2^-24.
//
// A tag is known by 64 bits of its digest. Should two tags ever meet there, each invalidation of one
// also kills the entries of the other: a cost, never a wrong answer.
//
// A tag that no entry carries need not be known: there is nothing that its token could kill. So those that carry it are
// counted, list by list (token_sets.h), and the caller may forget it when there are none. Otherwise a tag for each document
// or user would outlive all their entries, until there is room for no entry.
#pragma once

#include <cstdint>
#include <span>

#include "array.h"

namespace reprise {

struct Token {
  static constexpr std::uint64_t kHard =
      (std::uint64_t{1} << 40) - 1;  // these bits; the others are soft

  std::uint64_t tag = 0;
  std::uint64_t value = 0;
};

class Tokens {
 public:
  enum class Judgement : std::uint8_t { current, dead, unknown, outdated };

  explicit Tokens(Pages& pages) : pages_(pages), buckets_(pages) {}

  // Makes `token` the tag's current token: the first one, or a new one that invalidates. False where there is no page for
  // a tag not known before; it stays unknown then.
  [[nodiscard]] bool set(Token token);

  // dead as soon as the hard part of one token is not its tag's current one; unknown if a tag has none here; outdated if
  // only a soft part is another.
  [[nodiscard]] Judgement judge(std::span<const Token> tokens) const;

  // One list of tokens more, or less, has these tags. All of them are known.
  void carry(std::span<const Token> list) { count(list, 1); }
  void drop(std::span<const Token> list) { count(list, UINT32_MAX); }

  // The tag is not known any more. False, and nothing changed, while a list has it.
  bool forget(std::uint64_t tag);

  // Goes up with every set(): what was judged before may be judged otherwise after.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes(); }
  [[nodiscard]] std::size_t size() const { return size_ + (knows_zero_ ? 1 : 0); }
  // For tests and debug builds: of all lists, the tags.
  [[nodiscard]] std::uint64_t carried() const;

 private:
  struct Known {
    Token token;
    std::uint32_t lists = 0;  // that have it
  };

  void count(std::span<const Token> list, std::uint32_t more);
  [[nodiscard]] const Known* find(std::uint64_t tag) const;
  [[nodiscard]] Known* find(std::uint64_t tag) {
    return const_cast<Known*>(static_cast<const Tokens*>(this)->find(tag));
  }
  [[nodiscard]] bool grow();
  [[nodiscard]] std::size_t home(std::uint64_t tag) const {
    return static_cast<std::size_t>(tag ^ tag >> 32) & (buckets_.size() - 1);
  }
  [[nodiscard]] std::size_t place(std::uint64_t tag) const;

  Pages& pages_;
  Array<Known> buckets_;  // a power of two, linear probing; empty where the tag is 0
  std::size_t size_ = 0;
  bool knows_zero_ = false;
  Known zero_;  // tag 0 stands here
  std::uint64_t changes_ = 0;
};

}  // namespace reprise
