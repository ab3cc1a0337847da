#include "token_sets.h"

#include <algorithm>
#include <cstring>

namespace reprise {

std::uint32_t TokenSets::refer(std::span<const Token> wanted) {
  if (wanted.empty()) return kNone;
  if (wanted.size() > kMaxTokens) return kFailed;
  if (sets_.size() > 0) {
    for (std::uint32_t set = sets_[chain(wanted)].first; set != kNone; set = sets_[set].next) {
      const Ref block = sets_[set].block;
      if (arena_.size(block) == wanted.size_bytes() &&
          std::memcmp(arena_.at(block), wanted.data(), wanted.size_bytes()) == 0) {
        ++sets_[set].references;
        return set;
      }
    }
  }
  if (free_ == kNone && !grow()) return kFailed;
  const std::uint32_t set = free_;
  const Ref block = arena_.allocate(kOwner | set, static_cast<std::uint32_t>(wanted.size_bytes()));
  if (block == kNowhere) return kFailed;
  std::memcpy(arena_.at(block), wanted.data(), wanted.size_bytes());
  free_ = sets_[set].next;
  std::uint32_t& first = sets_[chain(wanted)].first;
  sets_[set] = {block, 1, sets_[set].first, first, UINT64_MAX};
  sets_[chain(wanted)].first = set;
  now_.carry(wanted);
  ++size_;
  return set;
}

void TokenSets::release(std::uint32_t set) {
  if (set == kNone || --sets_[set].references > 0) return;
  const TokenCopy list = tokens(set);
  now_.drop(list.span());
  std::uint32_t* link = &sets_[chain(list.span())].first;
  while (*link != set) link = &sets_[*link].next;
  *link = sets_[set].next;
  arena_.free(sets_[set].block);
  sets_[set].block = kNowhere;
  sets_[set].next = free_;
  free_ = set;
  --size_;
}

TokenCopy TokenSets::tokens(std::uint32_t set) const {
  TokenCopy list;
  if (set == kNone) return list;
  const Ref block = sets_[set].block;
  list.size = arena_.size(block) / sizeof(Token);
  std::memcpy(list.items.data(), arena_.at(block), list.size * sizeof(Token));
  return list;
}

Tokens::Judgement TokenSets::judge(std::uint32_t set) const {
  const Tokens::Judgement judgement = now_.judge(tokens(set).span());
  if (judgement == Tokens::Judgement::current && set != kNone) {
    sets_[set].current_at = now_.changes();
  }
  return judgement;
}

void TokenSets::clear() {
  for (std::uint32_t set = 1; set < sets_.size(); ++set) {
    if (sets_[set].references == 0) continue;
    now_.drop(tokens(set).span());
    arena_.free(sets_[set].block);
  }
  sets_.clear();
  free_ = kNone;
  size_ = 0;
}

std::uint32_t TokenSets::chain(std::span<const Token> tokens) const {
  std::uint64_t hash = tokens.size();
  for (const Token& token : tokens) {
    hash = (hash ^ token.tag ^ (token.value << 32 | token.value >> 32)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return static_cast<std::uint32_t>(hash) & static_cast<std::uint32_t>(sets_.size() - 1);
}

// Twice as many, a power of two; the chains are made anew.
bool TokenSets::grow() {
  const auto before = static_cast<std::uint32_t>(sets_.size());
  const std::uint32_t after = before == 0 ? 16 : before * 2;
  if (after > most_ || !sets_.resize(after)) return false;
  for (std::uint32_t set = std::max(before, 1U); set < after; ++set) {
    sets_[set].next = free_;
    free_ = set;
  }
  for (std::uint32_t i = 0; i < after; ++i) sets_[i].first = kNone;
  for (std::uint32_t set = 1; set < before; ++set) {
    if (sets_[set].references == 0) continue;
    std::uint32_t& first = sets_[chain(tokens(set).span())].first;
    sets_[set].next = first;
    first = set;
  }
  return true;
}

bool TokenSets::valid() const {
  std::uint32_t used = 0;
  std::uint32_t linked = 0;
  std::uint64_t carried = 0;
  for (std::uint32_t i = 0; i < sets_.size(); ++i) {
    used += sets_[i].references > 0 ? 1 : 0;
    for (std::uint32_t set = sets_[i].first; set != kNone; set = sets_[set].next) {
      if (++linked > sets_.size() || sets_[set].references == 0) return false;
      if (chain(tokens(set).span()) != i || arena_.owner(sets_[set].block) != (kOwner | set))
        return false;
      carried += tokens(set).size;
    }
  }
  return used == size_ && linked == size_ && carried == now_.carried();
}

}  // namespace reprise
