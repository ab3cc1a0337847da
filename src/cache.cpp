#include "cache.h"

#include <algorithm>

namespace reprise {

Cache::Cache(const Options& options, Pages& pages, Eviction& eviction, Compression* compression)
    : options_(options),
      pages_(pages),
      eviction_(eviction),
      compression_(compression),
      arena_(pages_, this, &moved),
      index_(pages_),
      tokens_(pages_),
      sets_(pages_, arena_, tokens_, Record::kMostSets) {}

Found Cache::look_up(const Digest128& key, Millis now, Millis stale_for) {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) {
    const bool was_evicted = evicted_.remembers(key);
    ++(was_evicted ? stats_.misses_evicted : stats_.misses_absent);
    return {was_evicted ? Verdict::evicted : Verdict::absent, kNoSlot};
  }
  const MutableBytes block = block_at(index_.block(slot));
  const Record record = Record::read(block);
  const Verdict verdict = judge(record, now, stale_for);
  switch (verdict) {
    case Verdict::fresh:
    case Verdict::stale:
      ++(verdict == Verdict::fresh ? stats_.hits_fresh : stats_.hits_stale);
      stats_.saved_ms += static_cast<double>(record.cost_ms);
      if (record.life.idle_until != kForever) Record::answered(block, now);
      eviction_.used(slot, worth_of(key, record));
      return {verdict, slot};
    case Verdict::invalidated:
      ++stats_.misses_invalidated;
      ++stats_.invalidated;
      break;
    case Verdict::retained: ++stats_.misses_expired; return {verdict, slot};
    case Verdict::expired:
    case Verdict::evicted:
    case Verdict::absent:
      ++stats_.misses_expired;
      ++stats_.expired;
      break;
  }
  remove(slot);
  return {verdict, kNoSlot};
}

REPRISE_COLD Found Cache::peek(const Digest128& key, Millis now, Millis stale_for) const {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) {
    return {evicted_.remembers(key) ? Verdict::evicted : Verdict::absent, kNoSlot};
  }
  const Record record = this->record(slot);
  const Tokens::Judgement tokens = sets_.judge(record.token_set);
  const Verdict verdict = judge(record.life, tokens, now, stale_for);
  const bool dead = verdict == Verdict::expired || verdict == Verdict::invalidated;
  return {verdict, dead ? kNoSlot : slot};
}

REPRISE_COLD Stored Cache::store(const Digest128& key, const Draft& draft, Bytes payload,
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
  evicted_.forget(key);
  if (draft.life.at(now) == Freshness::expired) return refuse(Status::no_lifetime);
  switch (tokens_.judge(draft.tokens)) {
    case Tokens::Judgement::dead: return refuse(Status::invalidated);
    case Tokens::Judgement::unknown: return refuse(Status::unknown_token);
    case Tokens::Judgement::outdated:
      if (!draft.life.has_window()) return refuse(Status::invalidated);
      break;
    case Tokens::Judgement::current: break;
  }
  if (draft.payload_size > options_.max_entry_bytes || draft.payload_size > capacity() ||
      draft.tokens.size() > kMaxTokens) {
    return refuse(Status::too_large);
  }
  Record record;
  record.life = draft.life;
  record.cost_ms = static_cast<float>(draft.cost_ms);
  record.kind = draft.kind;
  record.payload_size = record.stored_size = draft.payload_size;
  if (compression_ != nullptr) payload = compressed(record, payload, draft.group);
  newcomer_ = draft.insists ? kAnyone : Worth{key.low, bytes_of(record.stored_size), draft.cost_ms};
  now_ = now;
  refused_ = false;
  const bool kept = keep(key, record, draft.tokens);
  newcomer_ = kAnyone;
  if (!kept) {
    if (refused_) ++stats_.not_admitted;
    return refuse(refused_ ? Status::not_admitted : Status::no_room);
  }
  const Slot slot = index_.find(key);
  write(slot, 0, payload);
  ++stats_.stored;
  return {Status::ok, slot};
}

// What is to be stored of a payload, and in what form: the record is told. Only what then lies in one block is compressed.
REPRISE_COLD Bytes Cache::compressed(Record& record, Bytes payload, std::uint32_t group) {
  if (payload.empty() || payload.size() > Compression::kMaxPayload) return payload;
  const std::uint8_t dictionary = compression_->dictionary_of(group);
  const Bytes smaller = compression_->compress(dictionary, payload);
  if (smaller.empty() || smaller.size() + Record::kMaxSize > Arena::kMaxBlock) return payload;
  record.compressed = true;
  record.dictionary = dictionary;
  record.stored_size = smaller.size();
  return smaller;
}

REPRISE_COLD Stored Cache::admit(const Digest128& key, Status read, const EntryReader& entry,
                                 Bytes payload, Millis now, std::uint32_t group, Millis stale_for) {
  const EntryHeader& header = entry.header();
  if (read == Status::ok && header.life.at(now) == Freshness::expired) read = Status::expired;
  if (read == Status::ok) {
    const Tokens::Judgement judgement = tokens_.judge(entry.tokens());
    if (judgement == Tokens::Judgement::unknown) return {Status::unknown_token, kNoSlot};
    switch (judge(header.life, judgement, now, stale_for)) {
      case Verdict::fresh: break;
      case Verdict::stale: read = Status::stale; break;
      case Verdict::retained: read = Status::retained; break;
      case Verdict::invalidated: read = Status::invalidated; break;
      default: read = Status::expired; break;
    }
  }
  switch (read) {
    case Status::ok:
    case Status::stale:
      ++stats_.hits_admitted;
      stats_.saved_ms += header.cost_ms;
      break;
    case Status::retained: break;
    case Status::expired: ++stats_.refused_expired; return {read, kNoSlot};
    case Status::invalidated: ++stats_.refused_invalidated; return {read, kNoSlot};
    default: ++stats_.refused_damaged; return {read, kNoSlot};
  }
  const Draft draft{header.kind,    header.life,         header.cost_ms,
                    entry.tokens(), header.payload_size, group};
  return {read, store(key, draft, payload, now).slot};
}

REPRISE_COLD bool Cache::invalidate(const Digest128& key) {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) return false;
  ++stats_.invalidated;
  remove(slot);
  return true;
}

REPRISE_COLD bool Cache::expire(const Digest128& key, Millis now) {
  const Verdict verdict = peek(key, now, kForever).verdict;
  if (verdict == Verdict::stale) return true;
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) return false;
  if (verdict == Verdict::fresh && Record::expire(block_at(index_.block(slot)), now)) return true;
  ++(verdict == Verdict::expired ? stats_.expired : stats_.invalidated);
  remove(slot);
  return false;
}

REPRISE_COLD Slot Cache::next_labelled(Slot from) const {
  for (; from < index_.slots(); ++from) {
    if (index_.used(from) && is_labelled(Record::kind_of(block_at(index_.block(from))))) {
      return from;
    }
  }
  return kNoSlot;
}

REPRISE_COLD bool Cache::set_token(Token token) {
  return with_pages([&] { return tokens_.set(token); });
}

REPRISE_COLD std::uint32_t Cache::sweep(Millis now, std::uint32_t budget) {
  std::uint32_t removed = 0;
  for (budget = std::min(budget, index_.slots()); budget > 0; --budget) {
    if (sweep_at_ >= index_.slots()) sweep_at_ = 0;
    const Slot slot = sweep_at_++;
    if (!index_.used(slot) || !expired(slot, now)) continue;
    ++stats_.expired;
    remove(slot);
    ++removed;
  }
  return removed;
}

REPRISE_COLD void Cache::clear() {
  sets_.clear();
  arena_.clear();
  index_.clear();
  eviction_.clear();
  if (compression_ != nullptr) compression_->clear();
  payload_bytes_ = 0;
  residents_ = 0;
  sweep_at_ = 0;
}

REPRISE_COLD std::uint64_t Cache::metadata() const {
  const std::uint64_t stored = options_.simulated_bytes == 0 ? payload_bytes_ : 0;
  return index_.bytes() + sets_.bytes() + tokens_.bytes() + eviction_.bytes() + arena_.live() -
         stored + (compression_ == nullptr ? 0 : compression_->bytes());
}

Bytes Cache::payload(Slot slot) const {
  const MutableBytes block = block_at(index_.block(slot));
  const Bytes stored = Bytes{block}.subspan(Record::size_of(block));
  if (compression_ == nullptr || !Record::is_compressed(block)) return stored;
  const Record record = Record::read(block);
  return compression_->decompress(record.dictionary, stored,
                                  static_cast<std::size_t>(record.payload_size));
}

REPRISE_COLD Bytes Cache::piece(Slot slot, std::uint64_t from, Place& place) const {
  if (compression_ == nullptr || !Record::is_compressed(block_at(index_.block(slot)))) {
    return stored_piece(slot, from, place);
  }
  const Bytes decoded = payload(slot);
  return from < decoded.size() ? decoded.subspan(static_cast<std::size_t>(from)) : Bytes{};
}

REPRISE_COLD MutableBytes Cache::stored_piece(Slot slot, std::uint64_t from, Place& place) const {
  const Ref first = index_.block(slot);
  if (place.block == kNowhere || from < place.from) place = {first, 0};
  while (place.block != kNowhere) {
    const MutableBytes block = block_at(place.block);
    const MutableBytes content =
        block.subspan(place.block == first ? Record::size_of(block) : sizeof(Ref));
    const std::uint64_t skipped = from - place.from;
    if (skipped < content.size()) return content.subspan(static_cast<std::size_t>(skipped));
    place = {next_of(place.block), place.from + content.size()};
  }
  return {};
}

REPRISE_COLD std::size_t Cache::read(Slot slot, std::uint64_t from, MutableBytes out) const {
  Place place;
  std::size_t copied = 0;
  while (copied < out.size()) {
    const Bytes piece = this->piece(slot, from + copied, place);
    if (piece.empty()) break;
    const std::size_t size = std::min(piece.size(), out.size() - copied);
    std::memcpy(out.data() + copied, piece.data(), size);
    copied += size;
  }
  return copied;
}

void Cache::write(Slot slot, std::uint64_t from, Bytes piece) {
  Place place;
  while (!piece.empty()) {
    const MutableBytes there = stored_piece(slot, from, place);
    if (there.empty()) break;
    const std::size_t size = std::min(piece.size(), there.size());
    std::memcpy(there.data(), piece.data(), size);
    piece = piece.subspan(size);
    from += size;
  }
}

REPRISE_COLD bool Cache::valid() const {
  if (!pages_.valid() || !arena_.valid() || !index_.valid() || !sets_.valid()) return false;
  if (first_ != kNowhere) return false;
  std::uint64_t live = 0;
  std::uint64_t references = 0;
  std::uint64_t payloads = 0;
  for (Slot slot = 0; slot < index_.slots(); ++slot) {
    if (!index_.used(slot)) continue;
    const Record record = this->record(slot);
    if (record.token_set != TokenSets::kNone) {
      ++references;
      if (sets_.references(record.token_set) == 0) return false;
    }
    std::uint32_t owner = slot;
    std::uint64_t payload = 0;
    for (Ref block = index_.block(slot); block != kNowhere; block = next_of(block)) {
      if (arena_.owner(block) != owner) return false;
      live += arena_.size(block) + Arena::kHeader;
      payload += arena_.size(block) - (owner == slot ? record.size : sizeof(Ref));
      owner = kContinues | block;
    }
    if (payload != record.stored_size && options_.simulated_bytes == 0) return false;
    payloads += record.stored_size;
  }
  for (std::uint32_t set = 1; set < sets_.most_used(); ++set) {
    references -= sets_.references(set);
    live += sets_.references(set) == 0 ? 0 : arena_.size(sets_.block(set)) + Arena::kHeader;
  }
  const std::uint64_t pages =
      arena_.bytes() + index_.bytes() + sets_.bytes() + tokens_.bytes() + eviction_.bytes();
  return references == 0 && payloads == payload_bytes_ && residents_ == index_.size() &&
         live == arena_.live() && pages == std::uint64_t{pages_.used()} * kPageSize;
}

Verdict Cache::judge(const Record& record, Millis now, Millis stale_for) const {
  if (sets_.current(record.token_set) && record.life.at(now) == Freshness::fresh) {
    return Verdict::fresh;
  }
  return judge(record.life, sets_.judge(record.token_set), now, stale_for);
}

// An outdated entry may be past its fresh time as well. Then both hold: to expire a tag lets nothing answer that would not
// have without.
REPRISE_COLD Verdict Cache::judge(const Lifetime& life, Tokens::Judgement tokens, Millis now,
                                  Millis stale_for) {
  const bool outdated = tokens == Tokens::Judgement::outdated;
  if (!outdated && tokens != Tokens::Judgement::current) return Verdict::invalidated;
  const Freshness freshness = life.at(now);
  if (freshness == Freshness::expired || (outdated && !life.has_window())) return Verdict::expired;
  if (freshness == Freshness::fresh && !outdated) return Verdict::fresh;
  const bool answers = stale_for > 0 && now < after(life.fresh_until, stale_for);
  return answers ? Verdict::stale : Verdict::retained;
}

// Of payloads, were every entry evicted: what is not taken by the other structures, less a little for what lies
// beside a payload and for the end of a page.
REPRISE_COLD std::uint64_t Cache::capacity() const {
  const std::uint64_t others = std::uint64_t{pages_.used()} * kPageSize - arena_.bytes();
  const std::uint64_t pages = std::uint64_t{pages_.most()} * kPageSize;
  // An index and a policy that have no page yet will need some.
  const std::uint64_t first = index_.slots() == 0 ? std::uint64_t{4} * kPageSize : 0;
  if (pages < others + first + kPageSize) return 0;
  const std::uint64_t left = pages - others - first;
  return left - left / 512 - kPageSize / 2;
}

// Makes room for the entry, writes its record, and enters it everywhere. The payload is still to be written.
REPRISE_COLD bool Cache::keep(const Digest128& key, Record record, std::span<const Token> tokens) {
  while (options_.simulated_bytes > 0 &&
         payload_bytes_ + record.stored_size > options_.simulated_bytes) {
    if (!evict()) return false;
  }
  if (!with_pages([&] {
        record.token_set = sets_.refer(tokens);
        return record.token_set != TokenSets::kFailed;
      })) {
    return false;
  }
  Slot slot = kNoSlot;
  const bool kept = build(record) && with_pages([&] {
                      slot = index_.insert(key, first_);
                      return slot != kNoSlot;
                    });
  if (kept) {
    arena_.set_owner(first_, slot);
    first_ = last_ = kNowhere;
    if (with_pages([&] { return eviction_.added(slot, worth_of(slot)); })) {
      payload_bytes_ += record.stored_size;
      ++residents_;
      return true;
    }
    first_ = index_.block(slot);
    index_.erase(slot);
  }
  free_chain(first_);
  first_ = last_ = kNowhere;
  sets_.release(record.token_set);
  return false;
}

// The blocks of the entry, from first_ to last_. False where there is no room for all of them.
REPRISE_COLD bool Cache::build(const Record& wanted) {
  std::uint8_t head[Record::kMaxSize];
  Record record = wanted;
  std::uint32_t head_size = record.write(head);
  const bool simulated = options_.simulated_bytes > 0;
  record.whole = !simulated && head_size + record.stored_size <= Arena::kMaxBlock;
  if (!record.whole) head_size = record.write(head);
  std::uint64_t left = simulated ? 0 : record.stored_size;
  const auto in_first =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(left, Arena::kMaxBlock - head_size));
  first_ = allocate(kBuilding, head_size + in_first);
  if (first_ == kNowhere) return false;
  last_ = first_;
  std::memcpy(arena_.at(first_), head, head_size);
  for (left -= in_first; left > 0;) {
    const auto part =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(left, Arena::kMaxBlock - sizeof(Ref)));
    const Ref block = allocate(kContinues, part + sizeof(Ref));
    if (block == kNowhere) return false;
    // Only now: the one before may have moved.
    arena_.set_owner(block, kContinues | last_);
    set_next(last_, block);
    put(block_at(block), 0, kNowhere);
    last_ = block;
    left -= part;
  }
  return true;
}

// A block, for which others leave if they must. Where a good deal of them has gone in vain, that is enough.
REPRISE_COLD Ref Cache::allocate(std::uint32_t owner, std::uint32_t size) {
  const std::uint64_t enough = arena_.live() - std::min(arena_.live(), arena_.bytes() / 4 + size);
  const std::uint64_t hurry =
      arena_.live() - std::min<std::uint64_t>(arena_.live(), std::uint64_t{8} * size + 1'024);
  for (;;) {
    const Ref block = arena_.allocate(owner, size, arena_.live() < hurry);
    if (block != kNowhere) return block;
    if (arena_.live() < enough || !evict()) return kNowhere;
  }
}

// Tries until it works, or until no page can be found for it.
template <class Attempt>
bool Cache::with_pages(Attempt attempt) {
  while (!attempt()) {
    if (!find_page()) return false;
  }
  return true;
}

// Makes the arena give a page back to the pool, of which others must leave.
REPRISE_COLD bool Cache::find_page() {
  // Some pages' worth of entries will do, or nothing will.
  const std::uint64_t enough =
      arena_.live() - std::min<std::uint64_t>(arena_.live(), std::uint64_t{8} * kPageSize);
  while (!arena_.release_page()) {
    const std::uint64_t before = arena_.live();
    if (before <= enough) return false;
    while (arena_.live() + kPageSize / 4 > before) {
      if (!evict()) return false;
    }
  }
  return true;
}

std::uint64_t Cache::bytes_of(std::uint64_t stored_size) const {
  if (options_.simulated_bytes > 0) return stored_size;
  return stored_size + kBytesPerKey + Arena::kHeader + Record::kUsualSize;
}

Worth Cache::worth_of(const Digest128& key, const Record& record) const {
  return {key.low, bytes_of(record.stored_size), static_cast<double>(record.cost_ms)};
}

Worth Cache::worth_of(Slot slot) const { return worth_of(index_.key(slot), record(slot)); }

// One entry leaves for the newcomer. False where there is none, or none that is worth less.
REPRISE_COLD bool Cache::evict() {
  const Residents residents(
      this,
      [](const void* cache, Slot slot) { return static_cast<const Cache*>(cache)->worth_of(slot); },
      [](const void* cache, Slot slot) {
        const Cache& self = *static_cast<const Cache*>(cache);
        return self.expired(slot, self.now_);
      });
  const Slot victim = eviction_.victim(newcomer_, residents);
  if (victim == kNoSlot) {
    refused_ = residents_ > 0;
    return false;
  }
  if (expired(victim, now_)) {
    ++stats_.expired;
    remove(victim);
  } else {
    ++stats_.evicted;
    evicted_.note(index_.key(victim));
    remove(victim, Removal::evicted);
  }
  return true;
}

REPRISE_COLD void Cache::remove(Slot slot, Removal why) {
  const Ref block = index_.block(slot);
  const Record record = this->record(slot);
  eviction_.removed(slot, worth_of(index_.key(slot), record), why);
  free_chain(block);
  index_.erase(slot);
  sets_.release(record.token_set);
  payload_bytes_ -= record.stored_size;
  --residents_;
}

REPRISE_COLD void Cache::free_chain(Ref block) {
  while (block != kNowhere) {
    const Ref next = next_of(block);
    arena_.free(block);
    block = next;
  }
}

// The block after this one, of the same entry.
REPRISE_COLD Ref Cache::next_of(Ref block) const {
  const std::uint32_t owner = arena_.owner(block);
  const MutableBytes content = block_at(block);
  if ((owner & kContinues) != 0) return load<Ref>(content, 0);
  if ((owner & TokenSets::kOwner) != 0 || Record::is_whole(content)) return kNowhere;
  return load<Ref>(content, Record::size_of(content) - sizeof(Ref));
}

REPRISE_COLD void Cache::set_next(Ref block, Ref next) {
  const MutableBytes content = block_at(block);
  const bool continues = (arena_.owner(block) & kContinues) != 0;
  put(content, continues ? 0 : Record::size_of(content) - sizeof(Ref), next);
}

// A block lies elsewhere: tells those who know its place.
REPRISE_COLD void Cache::moved(void* cache, std::uint32_t owner, Ref from, Ref to) {
  Cache& self = *static_cast<Cache*>(cache);
  if (self.first_ == from) self.first_ = to;
  if (self.last_ == from) self.last_ = to;
  if ((owner & kContinues) != 0) {
    self.set_next(owner & ~kContinues, to);
  } else if ((owner & TokenSets::kOwner) != 0) {
    return self.sets_.moved(owner & ~TokenSets::kOwner, to);
  } else if (owner != kBuilding) {
    self.index_.set_block(owner, to);
  }
  if (const Ref next = self.next_of(to); next != kNowhere) {
    self.arena_.set_owner(next, kContinues | to);
  }
}

}  // namespace reprise
