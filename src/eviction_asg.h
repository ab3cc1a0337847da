// ASG, the policy that ships: adaptive, sampled, greedy. It keeps what saves the most for the room it takes.
//
// The VALUE of an entry is   floor + w(uses) x cost / bytes,   set when it comes in and whenever it is used. The floor is
// the highest value that was ever evicted, so it rises, and what is not used is overtaken by what comes later: that is
// all the ageing there is (GreedyDual-Size-Frequency). Who is refused lifts the floor a little, too. The VICTIM is the
// least of 128 entries: sixteen runs of eight neighbours, picked at random. That needs no heap and no lists, and chooses
// better than an exact minimum, because the newcomer stands among the candidates. An entry whose time is over goes before
// all others.
//
// A NEWCOMER is refused if it is worth less than the victim. It is also refused if, by frequency of late (a sketch,
// frequency.h), it saves no more than the victim: lean x frequency x cost / bytes on its side. So a scan, or
// a loop longer than the cache, passes by without flushing what is there. Who was refused a short while ago and is
// asked for again is spared this second test.
//
// GHOSTS (ghosts.h) steer two numbers, because no fixed ones do for every load:
//   lean       how much the newcomer's side of that test weighs. A ghost that had been refused comes back: we are too strict,
//              it rises. One that had been evicted comes back: too lax, it falls.
//   steepness  of w(uses) = 1 + steepness x (uses - 1). Near 0 the policy is close to LRU, at 1 it counts uses as they are,
//              above 1 what was never used is gone soon. One that was evicted without any use comes back: newcomers
//              leave too soon, it falls. One that had been used comes back: it rises. In a small cache (below 1,000 entries) where
//              it is as low as it gets nothing counts but how lately an entry was asked for: cost and bytes are taken to be
//              the same for all. (A larger one can afford to wait for what is dense.)
// A rare kind of ghost says more than a common one, and a costly mistake more than a cheap one.
//
// An entry takes five bytes here; what else must be known of it the cache is asked for. Values are floats, and
// the floor is set back to 0 once in a turnover, so that they never lose digits.
//
// Papers: Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy" (HP Labs 1998).
// Einziger, Friedman and Manes, "TinyLFU" (2017). Psounis and Prabhakar, "Efficient randomized Web-cache replacement
// schemes" (2002), for sampling. Megiddo and Modha, "ARC" (FAST 2003), for ghosts that steer.
#pragma once

#include "array.h"
#include "eviction.h"
#include "frequency.h"
#include "ghosts.h"

namespace reprise {

class EvictionAsg final : public Eviction {
 public:
  // Any seed will do; the same one makes the same choices.
  EvictionAsg(Pages& pages, std::uint64_t seed)
      : values_(pages),
        uses_(pages),
        frequency_(pages),
        ghosts_(pages),
        seed_(seed | 1),
        random_(seed | 1) {}

  [[nodiscard]] bool added(Slot slot, const Worth& worth) override;
  void used(Slot slot, const Worth& worth) override;
  void removed(Slot slot, const Worth& worth, Removal why) override;
  [[nodiscard]] Slot victim(const Worth& newcomer, const Residents& residents) override;
  void clear() override;

  [[nodiscard]] std::size_t bytes() const override;
  // For tests: every invariant holds.
  [[nodiscard]] bool valid() const;

  // What the ghosts have steered to so far.
  [[nodiscard]] double lean() const { return lean_; }
  [[nodiscard]] double steepness() const { return steepness_; }

 private:
  static constexpr double kFirstLean = 0.37;

  // The newcomer between victim() and added(); several victims may have to go for it.
  struct Newcomer {
    bool here = false;
    std::uint64_t hash = 0;
    std::uint32_t uses = 1;
    Ghosts::Kind ghost = Ghosts::Kind::none;
  };

  void arrive(const Worth& worth);
  void steer(Ghosts::Kind ghost, double cost);
  void remember(const Worth& worth, Ghosts::Kind kind);
  [[nodiscard]] Slot sample(const Residents& residents);
  [[nodiscard]] bool outweighs(const Worth& newcomer, Slot slot, const Residents& residents) const;
  void age(const Worth& refused, float least);
  [[nodiscard]] double cost_of(const Worth& worth) const;
  [[nodiscard]] double own_density(const Worth& worth) const;
  [[nodiscard]] double density(const Worth& worth) const;
  [[nodiscard]] float value(std::uint32_t uses, const Worth& worth) const;
  void lower_floor();
  [[nodiscard]] std::uint64_t random();

  Array<float> values_;       // of each slot; infinite where it is not in use
  Array<std::uint8_t> uses_;  // of each slot, the call that made it included
  Frequency frequency_;
  Ghosts ghosts_;
  Newcomer newcomer_;
  double floor_ = 0;
  double lean_ = kFirstLean;
  double steepness_ = 1;
  double mean_cost_ = 1;        // of the newcomers whose cost is known
  double mean_ghost_cost_ = 0;  // of those that came back
  double mean_density_ = 0;     // of the newcomers
  std::uint64_t entries_ = 0;
  std::uint64_t resident_bytes_ = 0;
  std::uint64_t most_entries_ = 0;
  std::uint64_t most_bytes_ = 0;
  std::uint64_t evictions_ = 0;  // since the floor was lowered
  std::uint64_t seed_;
  std::uint64_t random_;
};

}  // namespace reprise
