// key -> slot. A slot is a small number under which the cache keeps what it knows of one entry: here its key and the
// place of its block.
//
// An open-addressing table (linear probing, at most seven eighths full, deletion by shifting back, so no
// tombstones) of slot numbers, beside an array of the keys themselves. A key is a keyed digest and already uniformly
// distributed: its own low bits choose the bucket, and seven others stand in the bucket, so that most keys which are
// not the one looked for are passed by without being touched. Keys are always compared in full, so a bucket collision
// costs a probe and never an answer; builds with REPRISE_BUCKET_BITS=0 or 8 prove that.
//
// A slot without a block is free, and holds the number of the next free one where its key was.
#pragma once

#include <cstdint>

#include "arena.h"
#include "array.h"
#include "digest.h"

namespace reprise {

using Slot = std::uint32_t;
constexpr Slot kNoSlot = UINT32_MAX;

class Index {
 public:
  static constexpr std::uint32_t kSlotBits = 25;
  static constexpr Slot kMostSlots = (1U << kSlotBits) - 1;

  explicit Index(Pages& pages) : buckets_(pages), cells_(pages) {}

  // The key's slot, or kNoSlot.
  [[nodiscard]] Slot find(const Digest128& key) const;

  // A free slot for a key that is not in the index; kNoSlot where there is no page for it.
  [[nodiscard]] Slot insert(const Digest128& key, Ref block);

  // Forgets the key of a used slot; the slot is free again.
  void erase(Slot slot);

  void clear();

  [[nodiscard]] Digest128 key(Slot slot) const;
  [[nodiscard]] Ref block(Slot slot) const { return cells_[slot].block; }
  void set_block(Slot slot, Ref block) { cells_[slot].block = block; }
  [[nodiscard]] bool used(Slot slot) const { return cells_[slot].block != kNowhere; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  // One more than the highest slot ever used.
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(cells_.size()); }
  [[nodiscard]] std::size_t bytes() const { return buckets_.bytes() + cells_.bytes(); }

  // For tests and debug builds: every invariant of the structure holds.
  [[nodiscard]] bool valid() const;

 private:
  // 20 bytes: words, because 64-bit numbers would make it 24.
  struct Cell {
    std::uint32_t key[4];
    Ref block;
  };

  static constexpr std::uint32_t kEmpty = UINT32_MAX;

  [[nodiscard]] std::uint32_t home(const Digest128& key) const;
  [[nodiscard]] std::uint32_t home(Slot slot) const { return home(key(slot)); }
  [[nodiscard]] static Slot slot_in(std::uint32_t bucket) { return bucket & kMostSlots; }
  [[nodiscard]] bool grow_buckets();
  void link(Slot slot);

  Array<std::uint32_t> buckets_;  // a power of two of them: mark << 25 | slot, or kEmpty
  Array<Cell> cells_;
  Slot free_ = kNoSlot;
  std::uint32_t size_ = 0;
};

}  // namespace reprise
