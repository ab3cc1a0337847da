// Least recently used: the slot that has answered nothing for longest goes first. A doubly linked list through
// an array, newest first. It knows neither size nor cost and refuses nobody: the yardstick for policies that do.
#pragma once

#include "array.h"
#include "eviction.h"

namespace reprise {

class EvictionLru final : public Eviction {
 public:
  explicit EvictionLru(Pages& pages) : links_(pages) {}

  [[nodiscard]] bool added(Slot slot, const Worth& worth) override;
  void used(Slot slot, const Worth& worth) override;
  void removed(Slot slot, const Worth& worth, Removal why) override;
  [[nodiscard]] Slot victim(const Worth& newcomer, const Residents& residents) override;
  void clear() override;

  [[nodiscard]] std::size_t bytes() const override { return links_.bytes(); }
  // For tests: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  struct Link {
    Slot newer = kNoSlot;
    Slot older = kNoSlot;
  };

  void push_newest(Slot slot);
  void unlink(Slot slot);

  Array<Link> links_;
  Slot newest_ = kNoSlot;
  Slot oldest_ = kNoSlot;
};

}  // namespace reprise
