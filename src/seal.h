// The seal of an entry: XXH3-128 of its bytes. The only place that knows xxHash.
//
// It finds accidents (rot, torn writes, swapped files), not forgery: colliding inputs can be constructed in
// microseconds, so it is never an identity (digest.h is).
#pragma once

#include <cstdint>

#include "bytes.h"
#include "digest.h"

namespace reprise {

// XXH3-128 of bytes that arrive in pieces.
class Sealer {
 public:
  Sealer() { restart(); }
  void restart();
  void update(Bytes piece);
  [[nodiscard]] Digest128 finish() const;

 private:
  // Room for an XXH3_state_t, which wants this alignment; digest.cpp asserts both.
  alignas(64) std::uint8_t state_[576];
};

}  // namespace reprise
