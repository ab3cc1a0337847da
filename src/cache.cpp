#include "cache.h"

#include <algorithm>

namespace reprise {

Found Cache::look_up(const Digest128& key, Millis now) {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) {
    ++stats_.misses_absent;
    return {};
  }
  const Verdict verdict = judge(records_[slot], slot, now);
  switch (verdict) {
    case Verdict::fresh:
    case Verdict::stale:
      ++(verdict == Verdict::fresh ? stats_.hits_fresh : stats_.hits_stale);
      stats_.saved_ms += records_[slot].cost_ms;
      eviction_.used(slot, worth_of(slot));
      return {verdict, slot};
    case Verdict::invalidated:
      ++stats_.misses_invalidated;
      ++stats_.invalidated;
      break;
    case Verdict::expired:
    case Verdict::absent:
      ++stats_.misses_expired;
      ++stats_.expired;
      break;
  }
  remove(slot);
  return {verdict, kNoSlot};
}

Found Cache::peek(const Digest128& key, Millis now) const {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) return {};
  const Verdict verdict = judge(records_[slot], slot, now);
  const bool alive = verdict == Verdict::fresh || verdict == Verdict::stale;
  return {verdict, alive ? slot : kNoSlot};
}

Stored Cache::store(const Digest128& key, const Draft& draft, Bytes payload, bool external,
                    Millis now) {
  const auto refuse = [this](Status why) {
    ++stats_.not_stored;
    return Stored{why, kNoSlot};
  };
  // Whatever happens below, the older answer to this question is over.
  if (const Slot older = index_.find(key); older != kNoSlot) {
    ++stats_.replaced;
    remove(older);
  }
  if (draft.life.at(now) == Freshness::expired) return refuse(Status::no_lifetime);
  switch (tokens_.judge(draft.tokens)) {
    case Tokens::Judgement::dead: return refuse(Status::invalidated);
    case Tokens::Judgement::unknown: return refuse(Status::unknown_token);
    case Tokens::Judgement::current: break;
  }
  if (draft.payload_size > options_.max_entry_bytes) return refuse(Status::too_large);
  const std::size_t block_size =
      draft.tokens.size_bytes() + (external ? 0 : static_cast<std::size_t>(draft.payload_size));
  const Worth worth{key.low, need_of(block_size, external, draft.payload_size), draft.cost_ms};
  if (worth.bytes > options_.max_bytes) return refuse(Status::too_large);
  if (const Status room = make_room(worth, now); room != Status::ok) return refuse(room);

  std::uint8_t* block = nullptr;
  if (block_size > 0 && (block = arena_.allocate(block_size)) == nullptr) {
    return refuse(Status::no_room);
  }
  const Slot slot = index_.insert(key);
  if (slot == kNoSlot || (slot >= records_.size() && !records_.resize(std::size_t{slot} + 1)) ||
      !eviction_.added(slot, worth)) {
    if (slot != kNoSlot) index_.erase(slot);
    if (block != nullptr) arena_.free(block, block_size);
    return refuse(Status::no_room);
  }
  if (block != nullptr) {
    // An empty span may point to nothing, which memcpy must not be given even for 0 bytes.
    const std::size_t tokens_size = draft.tokens.size_bytes();
    if (tokens_size > 0) std::memcpy(block, draft.tokens.data(), tokens_size);
    if (!external && !payload.empty()) {
      std::memcpy(block + tokens_size, payload.data(), payload.size());
    }
  }
  records_[slot] = {draft.life,
                    draft.cost_ms,
                    draft.payload_size,
                    block,
                    static_cast<std::uint16_t>(draft.tokens.size()),
                    draft.kind,
                    external};
  if (external) external_bytes_ += draft.payload_size;
  ++stats_.stored;
  return {Status::ok, slot};
}

Stored Cache::admit(const Digest128& key, Status read, const EntryReader& entry, Bytes payload,
                    bool external, Millis now) {
  const EntryHeader& header = entry.header();
  if (read == Status::ok && header.life.at(now) == Freshness::expired) read = Status::expired;
  if (read == Status::ok) {
    const Tokens::Judgement judgement = tokens_.judge(entry.tokens());
    if (judgement == Tokens::Judgement::unknown) return {Status::unknown_token, kNoSlot};
    if (judgement == Tokens::Judgement::dead) read = Status::invalidated;
  }
  switch (read) {
    case Status::ok: break;
    case Status::expired: ++stats_.refused_expired; return {read, kNoSlot};
    case Status::invalidated: ++stats_.refused_invalidated; return {read, kNoSlot};
    default: ++stats_.refused_damaged; return {read, kNoSlot};
  }
  ++stats_.hits_admitted;
  stats_.saved_ms += header.cost_ms;
  const Draft draft{header.kind, header.life, header.cost_ms, entry.tokens(), header.payload_size};
  return {Status::ok, store(key, draft, payload, external, now).slot};
}

bool Cache::invalidate(const Digest128& key) {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) return false;
  ++stats_.invalidated;
  remove(slot);
  return true;
}

std::uint32_t Cache::sweep(Millis now, std::uint32_t budget) {
  std::uint32_t removed = 0;
  for (budget = std::min(budget, index_.slots()); budget > 0; --budget) {
    if (freed_count_ == kMaxFreed) break;
    if (sweep_at_ >= index_.slots()) sweep_at_ = 0;
    const Slot slot = sweep_at_++;
    if (!index_.used(slot) || records_[slot].life.at(now) != Freshness::expired) continue;
    ++stats_.expired;
    remove(slot);
    ++removed;
  }
  return removed;
}

void Cache::clear() {
  for (Slot slot = 0; slot < index_.slots(); ++slot) {
    if (index_.used(slot)) remove(slot);
  }
  index_.clear();
  records_.clear();
  eviction_.clear();
  freed_count_ = 0;
  sweep_at_ = 0;
}

Bytes Cache::payload(Slot slot) const {
  const Record& record = records_[slot];
  return {record.block + record.token_count * kTokenSize,
          static_cast<std::size_t>(record.payload_size)};
}

std::span<const Token> Cache::tokens(Slot slot) const {
  static_assert(sizeof(Token) == kTokenSize);
  const Record& record = records_[slot];
  return {reinterpret_cast<const Token*>(record.block), record.token_count};
}

std::uint64_t Cache::bytes() const {
  return arena_.bytes() + external_bytes_ +
         (options_.simulated ? 0 : index_.size() * sizeof(Record));
}

bool Cache::valid() const {
  if (!index_.valid()) return false;
  std::uint64_t arena = 0;
  std::uint64_t external = 0;
  for (Slot slot = 0; slot < index_.slots(); ++slot) {
    if (!index_.used(slot)) continue;
    const Record& record = records_[slot];
    arena += Arena::cost_of(record.block_size());
    if (record.external) external += record.payload_size;
  }
  return arena == arena_.bytes() && external == external_bytes_ && bytes() <= options_.max_bytes;
}

Verdict Cache::judge(const Record& record, Slot slot, Millis now) const {
  if (tokens_.judge(tokens(slot)) != Tokens::Judgement::current) return Verdict::invalidated;
  switch (record.life.at(now)) {
    case Freshness::fresh: return Verdict::fresh;
    case Freshness::stale: return Verdict::stale;
    case Freshness::expired: break;
  }
  return Verdict::expired;
}

std::uint64_t Cache::need_of(std::size_t block_size, bool external,
                             std::uint64_t payload_size) const {
  return Arena::cost_of(block_size) + (external ? payload_size : 0) +
         (options_.simulated ? 0 : sizeof(Record));
}

Worth Cache::worth_of(Slot slot) const {
  const Record& record = records_[slot];
  return {index_.key(slot).low, need_of(record.block_size(), record.external, record.payload_size),
          record.cost_ms};
}

Status Cache::make_room(const Worth& newcomer, Millis now) {
  struct Asked {
    const Cache& cache;
    Millis now;
  };
  const Asked asked{*this, now};
  const Residents residents(
      &asked,
      [](const void* context, Slot slot) {
        return static_cast<const Asked*>(context)->cache.worth_of(slot);
      },
      [](const void* context, Slot slot) {
        const auto& [cache, at] = *static_cast<const Asked*>(context);
        return cache.records_[slot].life.at(at) == Freshness::expired;
      });
  while (bytes() + newcomer.bytes > options_.max_bytes) {
    const Slot victim = eviction_.victim(newcomer, residents);
    if (victim == kNoSlot) {
      ++stats_.not_admitted;
      return Status::not_admitted;
    }
    // The caller can be told of only so many emptied slots at once.
    if (records_[victim].external && freed_count_ == kMaxFreed) return Status::no_room;
    const bool expired = residents.expired(victim);
    ++(expired ? stats_.expired : stats_.evicted);
    remove(victim, expired ? Removal::other : Removal::evicted);
  }
  return Status::ok;
}

void Cache::remove(Slot slot, Removal why) {
  const Record& record = records_[slot];
  eviction_.removed(slot, worth_of(slot), why);
  if (record.external) {
    external_bytes_ -= record.payload_size;
    if (!options_.simulated && freed_count_ < kMaxFreed) freed_[freed_count_++] = slot;
  }
  if (record.block != nullptr) arena_.free(record.block, record.block_size());
  index_.erase(slot);
}

}  // namespace reprise
