#include "eviction_lru.h"

namespace reprise {

bool EvictionLru::added(Slot slot, std::size_t /*size*/, double /*cost_ms*/) {
  if (slot >= links_.size() && !links_.resize(std::size_t{slot} + 1)) return false;
  push_newest(slot);
  return true;
}

void EvictionLru::used(Slot slot) {
  if (slot == newest_) return;
  removed(slot);
  push_newest(slot);
}

void EvictionLru::removed(Slot slot) {
  const Link link = links_[slot];
  (link.newer == kNoSlot ? newest_ : links_[link.newer].older) = link.older;
  (link.older == kNoSlot ? oldest_ : links_[link.older].newer) = link.newer;
}

void EvictionLru::clear() {
  links_.clear();
  newest_ = oldest_ = kNoSlot;
}

void EvictionLru::push_newest(Slot slot) {
  links_[slot] = {kNoSlot, newest_};
  (newest_ == kNoSlot ? oldest_ : links_[newest_].newer) = slot;
  newest_ = slot;
}

}  // namespace reprise
