// What to let go of when memory is full: five verbs over slot numbers, so that one policy can take
// another's place without anyone noticing.
//
//   added(slot, size, cost)   an entry came in; false where the policy has no memory for it
//   used(slot)                it answered a call
//   removed(slot)             it is gone, for whatever reason
//   victim()                  the slot worth least, or kNoSlot where there is none; the caller removes it
//   clear()                   everything is gone
//
// This header chooses the policy that the cache is built with.
#pragma once

#include "eviction_lru.h"

namespace reprise {

using Eviction = EvictionLru;

}  // namespace reprise
