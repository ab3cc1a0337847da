// S3-FIFO: three queues and no order within them. A newcomer enters the small queue (a tenth of the budget); at its end it
// moves to the main queue if it was used more than once, else it leaves and its ghost is remembered. A newcomer
// whose ghost is remembered enters the main queue at once. At the end of the main queue an entry that was used
// goes round again, with one use less (three are counted at most). It knows sizes only as what fills a queue, and no
// cost.
//
// Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction" (SOSP 2023). As there, what is larger
// than the small queue is refused, and ghosts stand for as many bytes as the main queue holds.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "eviction.h"

namespace reprise {

class EvictionS3Fifo final : public Eviction {
 public:
  explicit EvictionS3Fifo(std::uint64_t capacity_bytes);

  [[nodiscard]] bool added(Slot slot, const Worth& worth) override;
  void used(Slot slot, const Worth& worth) override;
  void removed(Slot slot, const Worth& worth, Removal why) override;
  [[nodiscard]] Slot victim(const Worth& newcomer, const Residents& residents) override;
  void clear() override;

  [[nodiscard]] std::size_t bytes() const override;
  // For tests: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  // A place in a queue. It is passed over where its slot was emptied, or filled again, since.
  struct Place {
    Slot slot;
    std::uint32_t generation;
  };
  struct Entry {
    std::uint64_t bytes = 0;
    std::uint32_t generation = 0;
    std::uint8_t uses = 0;
    bool resident = false;
    bool in_main = false;
  };
  struct Ghost {
    std::uint64_t hash;
    std::uint64_t bytes;
    std::uint64_t number;
  };

  [[nodiscard]] bool stands(Place place) const {
    return entries_[place.slot].resident && entries_[place.slot].generation == place.generation;
  }
  void enter_main(Slot slot);
  void remember(const Worth& worth);

  std::uint64_t small_limit_;
  std::uint64_t ghost_limit_;
  std::uint64_t small_bytes_ = 0;
  std::uint64_t main_bytes_ = 0;
  std::uint64_t ghost_bytes_ = 0;
  std::uint64_t ghost_number_ = 0;
  std::vector<Entry> entries_;
  std::deque<Place> small_;
  std::deque<Place> main_;
  std::deque<Ghost> ghosts_;
  std::unordered_map<std::uint64_t, std::uint64_t> ghost_of_;  // hash -> number of its newest ghost
};

}  // namespace reprise
