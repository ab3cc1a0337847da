// What to let go of when memory is full, and whether what knocks is worth it: five verbs over slot numbers. The cache is
// given a policy and owns the entries; a policy keeps the little it needs to choose among them.
//
//   added      an entry came in; room had been made
//   used       it answered a call
//   removed    it is gone
//   victim     the slot worth least, or kNoSlot: the newcomer is worth less than all of them, and is refused
//   clear      everything is gone
//
// A store is: victim, removed, victim, removed, … until there is room, then added; or it ends with a refusal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "index.h"

namespace reprise {

// All that a policy may know of an entry.
struct Worth {
  std::uint64_t hash = 0;   // 64 bits of its key's digest
  std::uint64_t bytes = 0;  // what it takes out of the budget
  double cost = 0;          // what making it cost, in any unit: only ratios count
};

enum class Removal : std::uint8_t { evicted, other };

// What the cache tells of a slot in use when a policy asks: so that no policy keeps what the cache has anyway.
class Residents {
 public:
  using WorthOf = Worth (*)(const void* context, Slot slot);
  using Expired = bool (*)(const void* context, Slot slot);

  Residents(const void* context, WorthOf worth_of, Expired is_expired)
      : context_(context), worth_(worth_of), expired_(is_expired) {}

  [[nodiscard]] Worth worth(Slot slot) const { return worth_(context_, slot); }
  // Its time is over: there is nothing better to take.
  [[nodiscard]] bool expired(Slot slot) const { return expired_(context_, slot); }

 private:
  const void* context_;
  WorthOf worth_;
  Expired expired_;
};

class Eviction {
 public:
  Eviction(const Eviction&) = delete;
  Eviction& operator=(const Eviction&) = delete;

  // False where the policy has no memory for it: then the entry is not kept.
  [[nodiscard]] virtual bool added(Slot slot, const Worth& worth) = 0;
  virtual void used(Slot slot, const Worth& worth) = 0;
  virtual void removed(Slot slot, const Worth& worth, Removal why) = 0;
  // The caller removes the victim, or drops the newcomer. Where nothing is resident: kNoSlot.
  [[nodiscard]] virtual Slot victim(const Worth& newcomer, const Residents& residents) = 0;
  virtual void clear() = 0;

  // The memory that the policy itself takes.
  [[nodiscard]] virtual std::size_t bytes() const = 0;

 protected:
  Eviction() = default;
  // Never deleted through this class.
  ~Eviction() = default;
};

}  // namespace reprise
