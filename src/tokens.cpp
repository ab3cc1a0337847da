#include "tokens.h"

namespace reprise {

bool Tokens::set(Token token) {
  ++changes_;
  if (token.tag == 0) {
    knows_zero_ = true;
    zero_ = token.value;
    return true;
  }
  if (buckets_.size() > 0) {
    Token& known = buckets_[place(token.tag)];
    if (known.tag == token.tag) {
      known.value = token.value;
      return true;
    }
  }
  if ((size_ + 1) * 4 > buckets_.size() * 3 && !grow()) return false;
  buckets_[place(token.tag)] = token;
  ++size_;
  return true;
}

Tokens::Judgement Tokens::judge(std::span<const Token> tokens) const {
  bool unknown = false;
  bool outdated = false;
  for (const Token& token : tokens) {
    bool known = knows_zero_;
    std::uint64_t value = zero_;
    if (token.tag != 0) {
      known = false;
      if (buckets_.size() > 0) {
        const Token& found = buckets_[place(token.tag)];
        known = found.tag == token.tag;
        value = found.value;
      }
    }
    if (!known) {
      unknown = true;
    } else if (((value ^ token.value) & Token::kHard) != 0) {
      return Judgement::dead;
    } else {
      outdated = outdated || value != token.value;
    }
  }
  if (unknown) return Judgement::unknown;
  return outdated ? Judgement::outdated : Judgement::current;
}

bool Tokens::grow() {
  Array<Token> grown(pages_);
  if (!grown.resize(buckets_.size() == 0 ? 64 : buckets_.size() * 2)) return false;
  buckets_.swap(grown);
  for (std::size_t at = 0; at < grown.size(); ++at) {
    if (grown[at].tag != 0) buckets_[place(grown[at].tag)] = grown[at];
  }
  return true;
}

// Where the tag stands, or would.
std::size_t Tokens::place(std::uint64_t tag) const {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = static_cast<std::size_t>(tag ^ tag >> 32) & mask;
  while (buckets_[at].tag != 0 && buckets_[at].tag != tag) at = (at + 1) & mask;
  return at;
}

}  // namespace reprise
