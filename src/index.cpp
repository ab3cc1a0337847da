#include "index.h"

#include <cstring>

namespace reprise {

namespace {

constexpr std::uint64_t bucket_hash(const Digest128& key) {
#ifdef REPRISE_BUCKET_BITS
  return key.low & ((std::uint64_t{1} << REPRISE_BUCKET_BITS) - 1);
#else
  return key.low;
#endif
}

// Of bits that choose no bucket.
constexpr std::uint32_t mark_of(const Digest128& key) {
  return static_cast<std::uint32_t>(key.high >> 32) << Index::kSlotBits;
}

// Keys lie unaligned in their cells.
bool same(const std::uint32_t* words, const Digest128& key) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, words, sizeof low);
  std::memcpy(&high, words + 2, sizeof high);
  return low == key.low && high == key.high;
}

}  // namespace

std::uint32_t Index::home(const Digest128& key) const {
  return static_cast<std::uint32_t>(bucket_hash(key) & (buckets_.size() - 1));
}

Digest128 Index::key(Slot slot) const {
  Digest128 key;
  std::memcpy(&key.low, cells_[slot].key, sizeof key.low);
  std::memcpy(&key.high, cells_[slot].key + 2, sizeof key.high);
  return key;
}

Slot Index::find(const Digest128& key) const {
  if (buckets_.size() == 0) return kNoSlot;
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  const std::uint32_t mark = mark_of(key);
  for (std::uint32_t at = home(key);; at = (at + 1) & mask) {
    const std::uint32_t bucket = buckets_[at];
    if (bucket == kEmpty) return kNoSlot;
    if ((bucket & ~kMostSlots) != mark) continue;
    if (same(cells_[slot_in(bucket)].key, key)) return slot_in(bucket);
  }
}

Slot Index::insert(const Digest128& key, Ref block) {
  if ((size_ + 1) * 8ULL > buckets_.size() * 7ULL && !grow_buckets()) return kNoSlot;
  Slot slot = free_;
  if (slot == kNoSlot) {
    slot = slots();
    if (slot == kMostSlots || !cells_.resize(cells_.size() + 1)) return kNoSlot;
  } else {
    free_ = cells_[slot].key[0];
  }
  std::memcpy(cells_[slot].key, &key, sizeof key);
  cells_[slot].block = block;
  link(slot);
  ++size_;
  return slot;
}

void Index::erase(Slot slot) {
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  std::uint32_t hole = home(slot);
  while (slot_in(buckets_[hole]) != slot) hole = (hole + 1) & mask;
  // Whatever follows and could stand at the hole or before it moves up, so that probing still finds it.
  for (std::uint32_t at = (hole + 1) & mask; buckets_[at] != kEmpty; at = (at + 1) & mask) {
    const std::uint32_t from_home = (at - home(slot_in(buckets_[at]))) & mask;
    if (from_home >= ((at - hole) & mask)) {
      buckets_[hole] = buckets_[at];
      hole = at;
    }
  }
  buckets_[hole] = kEmpty;
  cells_[slot] = {{free_, 0, 0, 0}, kNowhere};
  free_ = slot;
  --size_;
}

void Index::clear() {
  buckets_.clear();
  cells_.clear();
  free_ = kNoSlot;
  size_ = 0;
}

// In place: the keys are in their cells, so every bucket can be made anew.
bool Index::grow_buckets() {
  const std::size_t before = buckets_.size();
  if (!buckets_.resize(before == 0 ? 16 : before * 2)) return false;
  for (std::size_t at = 0; at < buckets_.size(); ++at) buckets_[at] = kEmpty;
  for (Slot slot = 0; slot < slots(); ++slot) {
    if (used(slot)) link(slot);
  }
  return true;
}

void Index::link(Slot slot) {
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  std::uint32_t at = home(slot);
  while (buckets_[at] != kEmpty) at = (at + 1) & mask;
  buckets_[at] = mark_of(key(slot)) | slot;
}

bool Index::valid() const {
  std::uint32_t linked = 0;
  for (std::size_t at = 0; at < buckets_.size(); ++at) {
    if (buckets_[at] == kEmpty) continue;
    ++linked;
    const Slot slot = slot_in(buckets_[at]);
    if (slot >= slots() || !used(slot) || find(key(slot)) != slot) return false;
  }
  std::uint32_t unused = 0;
  for (Slot slot = free_; slot != kNoSlot; slot = cells_[slot].key[0]) {
    if (used(slot) || ++unused > slots()) return false;
  }
  return linked == size_ && linked + unused == slots();
}

}  // namespace reprise
