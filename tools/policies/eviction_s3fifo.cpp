#include "eviction_s3fifo.h"

#include <algorithm>

namespace reprise {

EvictionS3Fifo::EvictionS3Fifo(std::uint64_t capacity_bytes)
    : small_limit_(std::max<std::uint64_t>(1, capacity_bytes / 10)),
      ghost_limit_(capacity_bytes - capacity_bytes / 10) {}

bool EvictionS3Fifo::added(Slot slot, const Worth& worth) {
  if (slot >= entries_.size()) entries_.resize(std::size_t{slot} + 1);
  Entry& entry = entries_[slot];
  entry = {worth.bytes, entry.generation + 1, 0, true, false};
  if (ghost_of_.erase(worth.hash) > 0) {
    enter_main(slot);
  } else {
    small_.push_back({slot, entry.generation});
    small_bytes_ += worth.bytes;
  }
  return true;
}

void EvictionS3Fifo::enter_main(Slot slot) {
  Entry& entry = entries_[slot];
  entry.in_main = true;
  entry.uses = 0;
  main_.push_back({slot, entry.generation});
  main_bytes_ += entry.bytes;
}

void EvictionS3Fifo::used(Slot slot, const Worth& /*worth*/) {
  Entry& entry = entries_[slot];
  if (entry.uses < 3) ++entry.uses;
}

void EvictionS3Fifo::removed(Slot slot, const Worth& worth, Removal why) {
  Entry& entry = entries_[slot];
  entry.resident = false;
  (entry.in_main ? main_bytes_ : small_bytes_) -= entry.bytes;
  if (why == Removal::evicted && !entry.in_main) remember(worth);
}

void EvictionS3Fifo::remember(const Worth& worth) {
  ghosts_.push_back({worth.hash, worth.bytes, ++ghost_number_});
  ghost_of_[worth.hash] = ghost_number_;
  ghost_bytes_ += worth.bytes;
  while (ghost_bytes_ > ghost_limit_) {
    const Ghost& oldest = ghosts_.front();
    const auto found = ghost_of_.find(oldest.hash);
    if (found != ghost_of_.end() && found->second == oldest.number) ghost_of_.erase(found);
    ghost_bytes_ -= oldest.bytes;
    ghosts_.pop_front();
  }
}

Slot EvictionS3Fifo::victim(const Worth& newcomer, const Residents& /*residents*/) {
  if (newcomer.bytes > small_limit_ && !ghost_of_.contains(newcomer.hash) && small_limit_ > 1) {
    return kNoSlot;
  }
  while (small_bytes_ + main_bytes_ > 0) {
    const bool from_small = (small_bytes_ > small_limit_ || main_bytes_ == 0) && !small_.empty();
    std::deque<Place>& queue = from_small ? small_ : main_;
    const Place place = queue.front();
    if (!stands(place) || entries_[place.slot].in_main == from_small) {
      queue.pop_front();
      continue;
    }
    Entry& entry = entries_[place.slot];
    if (from_small && entry.uses > 1) {
      queue.pop_front();
      small_bytes_ -= entry.bytes;
      enter_main(place.slot);
    } else if (!from_small && entry.uses > 0) {
      queue.pop_front();
      --entry.uses;
      queue.push_back(place);
    } else {
      return place.slot;
    }
  }
  return kNoSlot;
}

void EvictionS3Fifo::clear() {
  entries_.clear();
  small_.clear();
  main_.clear();
  ghosts_.clear();
  ghost_of_.clear();
  small_bytes_ = main_bytes_ = ghost_bytes_ = 0;
}

std::size_t EvictionS3Fifo::bytes() const {
  // Map nodes: a pair, a link and a bucket each.
  return entries_.capacity() * sizeof(Entry) + (small_.size() + main_.size()) * sizeof(Place) +
         ghosts_.size() * sizeof(Ghost) + ghost_of_.size() * (16 + 2 * sizeof(void*));
}

bool EvictionS3Fifo::valid() const {
  std::uint64_t small = 0;
  std::uint64_t main = 0;
  for (const Entry& entry : entries_) {
    if (entry.resident) (entry.in_main ? main : small) += entry.bytes;
  }
  return small == small_bytes_ && main == main_bytes_ && ghost_bytes_ <= ghost_limit_;
}

}  // namespace reprise
