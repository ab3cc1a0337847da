// key -> slot. A slot is a small number under which the cache keeps what it knows of one entry.
//
// An open-addressing table of slot numbers (linear probing, at most three quarters full, deletion by shifting
// back, so no tombstones) beside an array of the keys themselves. A key is a keyed digest and already
// uniformly distributed: its own low bits choose the bucket. Keys are always compared in full, so a bucket
// collision costs a probe and never an answer; builds with REPRISE_BUCKET_BITS=0 or 8 prove that.
#pragma once

#include <cstdint>

#include "array.h"
#include "digest.h"

namespace reprise {

using Slot = std::uint32_t;
constexpr Slot kNoSlot = UINT32_MAX;

class Index {
 public:
  // The key's slot, or kNoSlot.
  [[nodiscard]] Slot find(const Digest128& key) const;

  // A free slot for a key that is not in the index; kNoSlot where memory cannot be had.
  [[nodiscard]] Slot insert(const Digest128& key);

  // Forgets the key of a used slot; the slot is free again.
  void erase(Slot slot);

  void clear();

  [[nodiscard]] const Digest128& key(Slot slot) const { return cells_[slot].key; }
  [[nodiscard]] bool used(Slot slot) const { return cells_[slot].used; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  // One more than the highest slot ever used.
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(cells_.size()); }
  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes() + cells_.bytes(); }

  // For tests and debug builds: every invariant of the structure holds.
  [[nodiscard]] bool valid() const;

 private:
  struct Cell {
    Digest128 key;
    Slot next_free = kNoSlot;  // while unused: the next unused slot
    bool used = false;
  };

  [[nodiscard]] std::uint32_t home(const Digest128& key) const;
  [[nodiscard]] bool grow_buckets();
  void link(Slot slot);

  Array<Slot> buckets_;  // a power of two of them; kNoSlot where empty
  Array<Cell> cells_;
  Slot free_ = kNoSlot;
  std::uint32_t size_ = 0;
};

}  // namespace reprise
