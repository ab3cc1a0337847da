#include "eviction_wtinylfu.h"

#include <algorithm>
#include <cmath>

namespace reprise {

namespace {

constexpr double kFirstStep = 0.0625;
constexpr double kDecay = 0.98;
constexpr double kRestart = 0.05;  // a change of the hit ratio that begins the climb anew

}  // namespace

EvictionWTinyLfu::EvictionWTinyLfu(Pages& pages, std::uint64_t capacity_bytes)
    : capacity_(std::max<std::uint64_t>(1, capacity_bytes)),
      window_limit_(std::max(1.0, 0.01 * static_cast<double>(capacity_))),
      step_(kFirstStep * static_cast<double>(capacity_)),
      frequency_(pages) {}

bool EvictionWTinyLfu::added(Slot slot, const Worth& worth) {
  if (!has_pending_ || pending_ != worth.hash) {
    frequency_.add(worth.hash);
    count(false);
  }
  has_pending_ = false;
  if (slot >= entries_.size()) entries_.resize(std::size_t{slot} + 1);
  entries_[slot] = {kNoSlot, kNoSlot, worth.bytes, worth.hash, kNone};
  push(slot, kWindow);
  frequency_.fit(++resident_);
  // While there is room nobody contends.
  while (static_cast<double>(lists_[kWindow].bytes) > window_limit_ &&
         lists_[kWindow].oldest != lists_[kWindow].newest) {
    const Slot oldest = lists_[kWindow].oldest;
    unlink(oldest);
    push(oldest, kProbation);
  }
  return true;
}

void EvictionWTinyLfu::used(Slot slot, const Worth& worth) {
  frequency_.add(worth.hash);
  count(true);
  const List list = entries_[slot].list;
  unlink(slot);
  push(slot, list == kWindow ? kWindow : kProtected);
  fit_main();
}

void EvictionWTinyLfu::fit_main() {
  const double main = static_cast<double>(capacity_) - window_limit_;
  while (static_cast<double>(lists_[kProtected].bytes) > 0.8 * main &&
         lists_[kProtected].oldest != lists_[kProtected].newest) {
    const Slot oldest = lists_[kProtected].oldest;
    unlink(oldest);
    push(oldest, kProbation);
  }
}

void EvictionWTinyLfu::removed(Slot slot, const Worth& /*worth*/, Removal /*why*/) {
  unlink(slot);
  entries_[slot].list = kNone;
  --resident_;
}

Slot EvictionWTinyLfu::victim(const Worth& newcomer, const Residents& /*residents*/) {
  if (!has_pending_ || pending_ != newcomer.hash) {
    frequency_.add(newcomer.hash);
    count(false);
    has_pending_ = true;
    pending_ = newcomer.hash;
  }
  const Slot weakest =
      lists_[kProbation].oldest != kNoSlot ? lists_[kProbation].oldest : lists_[kProtected].oldest;
  const double window = static_cast<double>(lists_[kWindow].bytes + newcomer.bytes);
  const Slot candidate = lists_[kWindow].oldest;
  if (weakest == kNoSlot) return candidate;
  if (window <= window_limit_) return weakest;
  // Somebody leaves the window: its oldest, or the newcomer itself where it fills it alone.
  if (candidate == kNoSlot) {
    if (frequency_.of(newcomer.hash) > frequency_.of(entries_[weakest].hash)) return weakest;
    has_pending_ = false;
    return kNoSlot;
  }
  if (frequency_.of(entries_[candidate].hash) > frequency_.of(entries_[weakest].hash)) {
    unlink(candidate);
    push(candidate, kProbation);
    return weakest;
  }
  return candidate;
}

void EvictionWTinyLfu::count(bool hit) {
  hits_ += hit ? 1 : 0;
  if (++requests_ >= std::max<std::uint64_t>(100, 10 * resident_)) climb();
}

void EvictionWTinyLfu::climb() {
  const double ratio = static_cast<double>(hits_) / static_cast<double>(requests_);
  const double change = ratio - last_ratio_;
  if (change < 0) step_ = -step_;
  const double largest = static_cast<double>(capacity_);
  window_limit_ = std::clamp(window_limit_ + step_, std::max(1.0, 0.01 * largest),
                             std::max(1.0, 0.8 * largest));
  step_ =
      std::abs(change) >= kRestart ? std::copysign(kFirstStep * largest, step_) : step_ * kDecay;
  last_ratio_ = ratio;
  hits_ = requests_ = 0;
  // A window that grew is filled at once with those who would have to leave next.
  while (lists_[kProbation].oldest != kNoSlot &&
         static_cast<double>(lists_[kWindow].bytes + entries_[lists_[kProbation].oldest].bytes) <=
             window_limit_) {
    const Slot oldest = lists_[kProbation].oldest;
    unlink(oldest);
    push(oldest, kWindow);
  }
  while (static_cast<double>(lists_[kWindow].bytes) > window_limit_ &&
         lists_[kWindow].oldest != lists_[kWindow].newest) {
    const Slot oldest = lists_[kWindow].oldest;
    unlink(oldest);
    push(oldest, kProbation);
  }
  fit_main();
}

void EvictionWTinyLfu::push(Slot slot, List list) {
  Ends& ends = lists_[list];
  Entry& entry = entries_[slot];
  entry.newer = kNoSlot;
  entry.older = ends.newest;
  entry.list = list;
  (ends.newest == kNoSlot ? ends.oldest : entries_[ends.newest].newer) = slot;
  ends.newest = slot;
  ends.bytes += entry.bytes;
}

void EvictionWTinyLfu::unlink(Slot slot) {
  const Entry entry = entries_[slot];
  Ends& ends = lists_[entry.list];
  (entry.newer == kNoSlot ? ends.newest : entries_[entry.newer].older) = entry.older;
  (entry.older == kNoSlot ? ends.oldest : entries_[entry.older].newer) = entry.newer;
  ends.bytes -= entry.bytes;
}

void EvictionWTinyLfu::clear() {
  entries_.clear();
  for (Ends& ends : lists_) ends = {};
  frequency_.clear();
  window_limit_ = std::max(1.0, 0.01 * static_cast<double>(capacity_));
  step_ = kFirstStep * static_cast<double>(capacity_);
  last_ratio_ = 0;
  hits_ = requests_ = resident_ = 0;
  has_pending_ = false;
}

std::size_t EvictionWTinyLfu::bytes() const {
  return entries_.capacity() * sizeof(Entry) + frequency_.bytes();
}

bool EvictionWTinyLfu::valid() const {
  std::uint64_t linked = 0;
  for (const Ends& ends : lists_) {
    std::uint64_t bytes = 0;
    for (Slot slot = ends.newest; slot != kNoSlot; slot = entries_[slot].older) {
      bytes += entries_[slot].bytes;
      ++linked;
    }
    if (bytes != ends.bytes) return false;
  }
  return linked == resident_ && frequency_.valid();
}

}  // namespace reprise
