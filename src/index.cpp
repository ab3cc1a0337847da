#include "index.h"

namespace reprise {

namespace {

constexpr std::uint64_t bucket_hash(const Digest128& key) {
#ifdef REPRISE_BUCKET_BITS
  return key.low & ((std::uint64_t{1} << REPRISE_BUCKET_BITS) - 1);
#else
  return key.low;
#endif
}

}  // namespace

std::uint32_t Index::home(const Digest128& key) const {
  return static_cast<std::uint32_t>(bucket_hash(key) & (buckets_.size() - 1));
}

Slot Index::find(const Digest128& key) const {
  if (buckets_.size() == 0) return kNoSlot;
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  for (std::uint32_t at = home(key);; at = (at + 1) & mask) {
    const Slot slot = buckets_[at];
    if (slot == kNoSlot || cells_[slot].key == key) return slot;
  }
}

Slot Index::insert(const Digest128& key) {
  if ((size_ + 1) * 4ULL > buckets_.size() * 3ULL && !grow_buckets()) return kNoSlot;
  Slot slot = free_;
  if (slot == kNoSlot) {
    slot = slots();
    if (!cells_.resize(cells_.size() + 1)) return kNoSlot;
  } else {
    free_ = cells_[slot].next_free;
  }
  cells_[slot] = {key, kNoSlot, true};
  link(slot);
  ++size_;
  return slot;
}

void Index::erase(Slot slot) {
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  std::uint32_t hole = home(cells_[slot].key);
  while (buckets_[hole] != slot) hole = (hole + 1) & mask;
  // Whatever follows and could stand at the hole or before it moves up, so that probing still finds it.
  for (std::uint32_t at = (hole + 1) & mask; buckets_[at] != kNoSlot; at = (at + 1) & mask) {
    const std::uint32_t from_home = (at - home(cells_[buckets_[at]].key)) & mask;
    if (from_home >= ((at - hole) & mask)) {
      buckets_[hole] = buckets_[at];
      hole = at;
    }
  }
  buckets_[hole] = kNoSlot;
  cells_[slot] = {{}, free_, false};
  free_ = slot;
  --size_;
}

void Index::clear() {
  buckets_.clear();
  cells_.clear();
  free_ = kNoSlot;
  size_ = 0;
}

bool Index::grow_buckets() {
  Array<Slot> grown;
  if (!grown.resize(buckets_.size() == 0 ? 16 : buckets_.size() * 2, kNoSlot)) return false;
  buckets_.swap(grown);
  for (Slot slot = 0; slot < slots(); ++slot) {
    if (cells_[slot].used) link(slot);
  }
  return true;
}

void Index::link(Slot slot) {
  const auto mask = static_cast<std::uint32_t>(buckets_.size() - 1);
  std::uint32_t at = home(cells_[slot].key);
  while (buckets_[at] != kNoSlot) at = (at + 1) & mask;
  buckets_[at] = slot;
}

bool Index::valid() const {
  std::uint32_t linked = 0;
  for (std::size_t at = 0; at < buckets_.size(); ++at) {
    const Slot slot = buckets_[at];
    if (slot == kNoSlot) continue;
    ++linked;
    if (slot >= slots() || !cells_[slot].used || find(cells_[slot].key) != slot) return false;
  }
  std::uint32_t unused = 0;
  for (Slot slot = free_; slot != kNoSlot; slot = cells_[slot].next_free) {
    if (cells_[slot].used || ++unused > slots()) return false;
  }
  return linked == size_ && linked + unused == slots();
}

}  // namespace reprise
