// Invalidation without clocks or scans (DESIGN: "tokens, not clocks").
//
// A tag (a name, a scope, everything: each is a tag here) has a current token, a random number drawn by the
// caller. An entry carries the tokens that its tags had when its computation *began*. To invalidate a tag is to
// give it another token; every entry that carries the old one is dead from then on, wherever it lies, and a
// computation that began before can never be served after. Nothing is scanned. A token that gets lost is
// drawn anew, so losing state invalidates; it never revives.
//
// A tag is known by 64 bits of its digest. Should two tags ever meet there, each invalidation of one
// also kills the entries of the other: a cost, never a wrong answer.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>

namespace reprise {

struct Token {
  std::uint64_t tag = 0;
  std::uint64_t value = 0;
};

class Tokens {
 public:
  enum class Judgement : std::uint8_t { current, dead, unknown };

  // Makes `token` the tag's current token: the first one, or a new one that invalidates.
  void set(Token token) { current_[token.tag] = token.value; }

  // dead as soon as one token is not its tag's current one; unknown if a tag has none here.
  [[nodiscard]] Judgement judge(std::span<const Token> tokens) const {
    bool unknown = false;
    for (const Token& token : tokens) {
      const auto found = current_.find(token.tag);
      if (found == current_.end()) {
        unknown = true;
      } else if (found->second != token.value) {
        return Judgement::dead;
      }
    }
    return unknown ? Judgement::unknown : Judgement::current;
  }

  [[nodiscard]] std::size_t size() const { return current_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> current_;
};

}  // namespace reprise
