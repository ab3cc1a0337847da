// W-TinyLFU with an adaptive window: newcomers live in a small LRU list (the window). Who falls out of it contends with the
// victim of the main list (a segmented LRU: four fifths of it for those used there) and stays if the sketch says that
// it is asked for more often. Every ten entries' worth of requests the window grows or shrinks by a step that turns round
// when the hit ratio falls and wears off over time (hill climbing). It knows sizes only as what fills a list, and no cost.
//
// Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy" (ACM ToS 2017); Einziger,
// Eytan, Friedman and Manes, "Adaptive software cache management" (Middleware 2018).
//
// Room is made before the newcomer is added here, so the contest for its place is held beforehand: while the
// window is over its share, its oldest entry contends, with the newcomer counted as already inside.
#pragma once

#include <cstdint>
#include <vector>

#include "eviction.h"
#include "frequency.h"

namespace reprise {

class EvictionWTinyLfu final : public Eviction {
 public:
  EvictionWTinyLfu(Pages& pages, std::uint64_t capacity_bytes);

  [[nodiscard]] bool added(Slot slot, const Worth& worth) override;
  void used(Slot slot, const Worth& worth) override;
  void removed(Slot slot, const Worth& worth, Removal why) override;
  [[nodiscard]] Slot victim(const Worth& newcomer, const Residents& residents) override;
  void clear() override;

  [[nodiscard]] std::size_t bytes() const override;
  // For tests: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  enum List : std::uint8_t { kWindow = 0, kProbation = 1, kProtected = 2, kLists = 3, kNone = 4 };
  struct Entry {
    Slot newer = kNoSlot;
    Slot older = kNoSlot;
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;
    List list = kNone;
  };
  struct Ends {
    Slot newest = kNoSlot;
    Slot oldest = kNoSlot;
    std::uint64_t bytes = 0;
  };

  void push(Slot slot, List list);
  void unlink(Slot slot);
  void count(bool hit);
  void climb();
  void fit_main();

  std::uint64_t capacity_;
  double window_limit_;
  double step_;
  double last_ratio_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t resident_ = 0;
  std::uint64_t pending_ = 0;
  bool has_pending_ = false;
  std::vector<Entry> entries_;
  Ends lists_[kLists];
  Frequency frequency_;
};

}  // namespace reprise
