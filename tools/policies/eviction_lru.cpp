#include "eviction_lru.h"

namespace reprise {

bool EvictionLru::added(Slot slot, const Worth& /*worth*/) {
  if (slot >= links_.size() && !links_.resize(std::size_t{slot} + 1)) return false;
  push_newest(slot);
  return true;
}

void EvictionLru::used(Slot slot, const Worth& /*worth*/) {
  if (slot == newest_) return;
  unlink(slot);
  push_newest(slot);
}

void EvictionLru::removed(Slot slot, const Worth& /*worth*/, Removal /*why*/) { unlink(slot); }

Slot EvictionLru::victim(const Worth& /*newcomer*/, const Residents& /*residents*/) {
  return oldest_;
}

void EvictionLru::clear() {
  links_.clear();
  newest_ = oldest_ = kNoSlot;
}

bool EvictionLru::valid() const {
  std::size_t seen = 0;
  Slot newer = kNoSlot;
  for (Slot slot = newest_; slot != kNoSlot; slot = links_[slot].older) {
    if (links_[slot].newer != newer || ++seen > links_.size()) return false;
    newer = slot;
  }
  return newer == oldest_;
}

void EvictionLru::unlink(Slot slot) {
  const Link link = links_[slot];
  (link.newer == kNoSlot ? newest_ : links_[link.newer].older) = link.older;
  (link.older == kNoSlot ? oldest_ : links_[link.older].newer) = link.newer;
}

void EvictionLru::push_newest(Slot slot) {
  links_[slot] = {kNoSlot, newest_};
  (newest_ == kNoSlot ? oldest_ : links_[newest_].newer) = slot;
  newest_ = slot;
}

}  // namespace reprise
