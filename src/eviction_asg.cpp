#include "eviction_asg.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include "cold.h"

namespace reprise {

namespace {

constexpr float kUnused = std::numeric_limits<float>::infinity();
constexpr std::size_t kRuns = 16;
constexpr std::size_t kRun = 8;  // neighbours: their values share a cache line

constexpr double kLeanStep = 0.03;
constexpr double kLeastLean = 0.37;
constexpr double kMostLean = 400;
constexpr double kSteepnessStep = 0.02;
constexpr double kLeastSteepness = 0.03;
constexpr double kMostSteepness = 2;
constexpr double kRecency = 0.032;  // a steepness as low as it gets
constexpr std::uint64_t kSmall = 1000;
constexpr double kMostEmphasis = 8;  // of one ghost, for being rare and for being costly

constexpr double kCosts = 64;  // how many the running means remember

}  // namespace

// What was put in by hand has no cost that was measured; it counts like the others then, by its uses and its size.
double EvictionAsg::cost_of(const Worth& worth) const {
  return worth.cost > 0 ? std::clamp(worth.cost, 1e-3, 1e15) : mean_cost_;
}

double EvictionAsg::own_density(const Worth& worth) const {
  return cost_of(worth) / static_cast<double>(std::max<std::uint64_t>(worth.bytes, 1));
}

double EvictionAsg::density(const Worth& worth) const {
  const bool recency = steepness_ < kRecency && most_entries_ < kSmall;
  return recency ? mean_density_ : own_density(worth);
}

REPRISE_COLD bool EvictionAsg::added(Slot slot, const Worth& worth) {
  arrive(worth);
  const std::size_t slots = std::size_t{slot} + 1;
  if (slots > uses_.size() && !uses_.resize(slots)) return false;
  if (slots > values_.size() && !values_.resize(slots, kUnused)) return false;
  newcomer_.here = false;
  mean_cost_ += (cost_of(worth) - mean_cost_) / kCosts;
  mean_density_ += (own_density(worth) - mean_density_) / kCosts;
  uses_[slot] = static_cast<std::uint8_t>(newcomer_.uses);
  values_[slot] = value(newcomer_.uses, worth);
  resident_bytes_ += worth.bytes;
  most_bytes_ = std::max(most_bytes_, resident_bytes_);
  if (++entries_ > most_entries_) {
    most_entries_ = entries_;
    frequency_.fit(most_entries_);
    // While there are pages: by the first eviction the entries have taken them all.
    ghosts_.fit(most_entries_ / 2, most_bytes_ / 2);
  }
  return true;
}

void EvictionAsg::used(Slot slot, const Worth& worth) {
  frequency_.add(worth.hash);
  if (uses_[slot] < UINT8_MAX) ++uses_[slot];
  values_[slot] = value(uses_[slot], worth);
}

REPRISE_COLD void EvictionAsg::removed(Slot slot, const Worth& worth, Removal why) {
  if (why == Removal::evicted) {
    floor_ = std::max(floor_, static_cast<double>(values_[slot]));
    remember(worth, uses_[slot] > 1 ? Ghosts::Kind::evicted_used : Ghosts::Kind::evicted_unused);
    ++evictions_;
  }
  values_[slot] = kUnused;
  --entries_;
  resident_bytes_ -= worth.bytes;
  if (evictions_ > entries_ + kRuns * kRun) lower_floor();
}

REPRISE_COLD Slot EvictionAsg::victim(const Worth& newcomer, const Residents& residents) {
  arrive(newcomer);
  const Slot least = sample(residents);
  if (least == kNoSlot) return kNoSlot;
  if (residents.expired(least) || outweighs(newcomer, least, residents)) return least;
  newcomer_.here = false;
  age(newcomer, values_[least]);
  remember(newcomer, Ghosts::Kind::refused);
  return kNoSlot;
}

// Its first moment here: its request is counted, and if it is a ghost that is learned from. Once for each newcomer.
REPRISE_COLD void EvictionAsg::arrive(const Worth& worth) {
  if (newcomer_.here && newcomer_.hash == worth.hash) return;
  frequency_.add(worth.hash);
  newcomer_ = {true, worth.hash, std::max(1U, frequency_.of(worth.hash)), ghosts_.take(worth.hash)};
  if (newcomer_.ghost != Ghosts::Kind::none) steer(newcomer_.ghost, cost_of(worth));
}

REPRISE_COLD void EvictionAsg::steer(Ghosts::Kind ghost, double cost) {
  mean_ghost_cost_ =
      mean_ghost_cost_ == 0 ? cost : mean_ghost_cost_ + (cost - mean_ghost_cost_) / kCosts;
  const double costly = std::min(kMostEmphasis, cost / mean_ghost_cost_);
  // 1 where it and its opposite are equally many.
  const auto emphasis = [costly](double share, double opposite) {
    return costly * std::min(kMostEmphasis, (share + opposite) / std::max(2 * share, 1e-9));
  };
  const double refused = ghosts_.share(Ghosts::Kind::refused);
  const double used = ghosts_.share(Ghosts::Kind::evicted_used);
  const double unused = ghosts_.share(Ghosts::Kind::evicted_unused);
  if (ghost == Ghosts::Kind::refused) {
    lean_ = std::min(kMostLean, lean_ * (1 + kLeanStep * emphasis(refused, used + unused)));
    return;
  }
  lean_ = std::max(kLeastLean, lean_ / (1 + kLeanStep * emphasis(used + unused, refused)));
  if (ghost == Ghosts::Kind::evicted_used) {
    const double rise = 1 + kSteepnessStep * emphasis(used, unused);
    steepness_ = std::min(kMostSteepness, steepness_ * rise);
  } else {
    const double fall = 1 + kSteepnessStep * emphasis(unused, used);
    steepness_ = std::max(kLeastSteepness, steepness_ / fall);
  }
}

REPRISE_COLD void EvictionAsg::remember(const Worth& worth, Ghosts::Kind kind) {
  // As many as half of the cache holds, by number and by bytes.
  ghosts_.fit(most_entries_ / 2, most_bytes_ / 2);
  ghosts_.add(worth.hash, worth.bytes, kind);
}

// The least in value of the sample, or the first in it whose time is over. kNoSlot only where nothing is resident.
Slot EvictionAsg::sample(const Residents& residents) {
  Slot least = kNoSlot;
  // Whether that settles it.
  const auto look = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      if (values_[at] == kUnused) continue;
      const auto slot = static_cast<Slot>(at);
      const bool expired = residents.expired(slot);
      if (expired || least == kNoSlot || values_[at] < values_[least]) least = slot;
      if (expired) return true;
    }
    return false;
  };
  const std::size_t slots = values_.size();
  if (slots > kRuns * kRun) {
    for (std::size_t run = 0; run < kRuns; ++run) {
      const std::size_t from = random() % (slots - kRun + 1);
      if (look(from, from + kRun)) return least;
    }
    // Where hardly any slot is in use, a sample may meet none.
    if (least != kNoSlot) return least;
  }
  look(0, slots);
  return least;
}

REPRISE_COLD bool EvictionAsg::outweighs(const Worth& newcomer, Slot slot,
                                         const Residents& residents) const {
  if (value(newcomer_.uses, newcomer) < values_[slot]) return false;
  if (newcomer_.ghost == Ghosts::Kind::refused) return true;
  const Worth resident = residents.worth(slot);
  return lean_ * newcomer_.uses * density(newcomer) >
         std::max(1U, frequency_.of(resident.hash)) * density(resident);
}

// Where nobody is evicted nothing would ever age. So who is refused as worth less than all lifts the floor towards its own
// value, by the part of the cache that it would have filled: a cache full of such newcomers, all of the way.
REPRISE_COLD void EvictionAsg::age(const Worth& refused, float least) {
  const double theirs = value(newcomer_.uses, refused);
  if (theirs >= least) return;
  const double part = static_cast<double>(refused.bytes) / static_cast<double>(most_bytes_);
  floor_ += (theirs - floor_) * std::min(1.0, part);
}

float EvictionAsg::value(std::uint32_t uses, const Worth& worth) const {
  return static_cast<float>(floor_ + (1 + steepness_ * (uses - 1)) * density(worth));
}

REPRISE_COLD void EvictionAsg::lower_floor() {
  for (std::size_t slot = 0; slot < values_.size(); ++slot) {
    values_[slot] = static_cast<float>(values_[slot] - floor_);
  }
  floor_ = 0;
  evictions_ = 0;
}

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
std::uint64_t EvictionAsg::random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return (random_ * 0x2545f4914f6cdd1dU) >> 16;
}

REPRISE_COLD void EvictionAsg::clear() {
  values_.clear();
  uses_.clear();
  frequency_.clear();
  ghosts_.clear();
  newcomer_ = {};
  floor_ = mean_ghost_cost_ = mean_density_ = 0;
  mean_cost_ = 1;
  lean_ = kFirstLean;
  steepness_ = 1;
  entries_ = resident_bytes_ = most_entries_ = most_bytes_ = evictions_ = 0;
  random_ = seed_;
}

REPRISE_COLD std::size_t EvictionAsg::bytes() const {
  return values_.bytes() + uses_.bytes() + frequency_.bytes() + ghosts_.bytes();
}

REPRISE_COLD bool EvictionAsg::valid() const {
  std::uint64_t entries = 0;
  for (std::size_t slot = 0; slot < values_.size(); ++slot) {
    if (values_[slot] != kUnused) ++entries;
    // A value may be below the floor, where no sample has met it yet.
    if (std::isnan(values_[slot])) return false;
    if (values_[slot] != kUnused && uses_[slot] == 0) return false;
  }
  return entries == entries_ && entries_ <= most_entries_ && resident_bytes_ <= most_bytes_ &&
         uses_.size() >= values_.size() && floor_ >= 0 && frequency_.valid() && ghosts_.valid();
}

}  // namespace reprise
