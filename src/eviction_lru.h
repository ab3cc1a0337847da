// Least recently used: the slot that has answered nothing for longest goes first. A doubly linked list through
// an array, newest first. It knows neither size nor cost, and is the yardstick for policies that do.
#pragma once

#include "array.h"
#include "index.h"

namespace reprise {

class EvictionLru {
 public:
  explicit EvictionLru(Pages& pages) : links_(pages) {}

  [[nodiscard]] bool added(Slot slot, std::size_t size, double cost_ms);
  void used(Slot slot);
  void removed(Slot slot);
  [[nodiscard]] Slot victim() const { return oldest_; }
  void clear();

  [[nodiscard]] std::size_t bytes() const { return links_.bytes(); }

 private:
  struct Link {
    Slot newer = kNoSlot;
    Slot older = kNoSlot;
  };

  void push_newest(Slot slot);

  Array<Link> links_;
  Slot newest_ = kNoSlot;
  Slot oldest_ = kNoSlot;
};

}  // namespace reprise
