#include "tokens.h"

#include "cold.h"

namespace reprise {

bool Tokens::set(Token token) {
  ++changes_;
  if (Known* const known = find(token.tag); known != nullptr) {
    known->token.value = token.value;
    return true;
  }
  if (token.tag == 0) {
    knows_zero_ = true;
    zero_ = {token};
    return true;
  }
  if ((size_ + 1) * 4 > buckets_.size() * 3 && !grow()) return false;
  buckets_[place(token.tag)] = {token};
  ++size_;
  return true;
}

Tokens::Judgement Tokens::judge(std::span<const Token> tokens) const {
  bool unknown = false;
  bool outdated = false;
  for (const Token& token : tokens) {
    const Known* const known = find(token.tag);
    if (known == nullptr) {
      unknown = true;
    } else if (((known->token.value ^ token.value) & Token::kHard) != 0) {
      return Judgement::dead;
    } else {
      outdated = outdated || known->token.value != token.value;
    }
  }
  if (unknown) return Judgement::unknown;
  return outdated ? Judgement::outdated : Judgement::current;
}

void Tokens::count(std::span<const Token> list, std::uint32_t more) {
  for (const Token& token : list) {
    if (Known* const known = find(token.tag); known != nullptr) known->lists += more;
  }
}

bool Tokens::forget(std::uint64_t tag) {
  const Known* const known = find(tag);
  if (known == nullptr) return true;
  if (known->lists > 0) return false;
  if (tag == 0) {
    knows_zero_ = false;
    return true;
  }
  // Whoever stands behind the gap and would rather stand in it moves up (Knuth 6.4, Algorithm R).
  const std::size_t mask = buckets_.size() - 1;
  std::size_t gap = place(tag);
  for (std::size_t at = (gap + 1) & mask; buckets_[at].token.tag != 0; at = (at + 1) & mask) {
    if (((at - home(buckets_[at].token.tag)) & mask) < ((at - gap) & mask)) continue;
    buckets_[gap] = buckets_[at];
    gap = at;
  }
  buckets_[gap] = {};
  --size_;
  return true;
}

const Tokens::Known* Tokens::find(std::uint64_t tag) const {
  if (tag == 0) return knows_zero_ ? &zero_ : nullptr;
  if (buckets_.size() == 0) return nullptr;
  const Known& known = buckets_[place(tag)];
  return known.token.tag == tag ? &known : nullptr;
}

REPRISE_COLD std::uint64_t Tokens::carried() const {
  std::uint64_t lists = knows_zero_ ? zero_.lists : 0;
  for (std::size_t at = 0; at < buckets_.size(); ++at) lists += buckets_[at].lists;
  return lists;
}

bool Tokens::grow() {
  Array<Known> grown(pages_);
  if (!grown.resize(buckets_.size() == 0 ? 64 : buckets_.size() * 2)) return false;
  buckets_.swap(grown);
  for (std::size_t at = 0; at < grown.size(); ++at) {
    if (grown[at].token.tag != 0) buckets_[place(grown[at].token.tag)] = grown[at];
  }
  return true;
}

// Where the tag stands, or would.
std::size_t Tokens::place(std::uint64_t tag) const {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = home(tag);
  while (buckets_[at].token.tag != 0 && buckets_[at].token.tag != tag) at = (at + 1) & mask;
  return at;
}

}  // namespace reprise
