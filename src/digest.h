// The only place that knows SipHash and xxHash.
//
// Two digests for two jobs, never to be exchanged:
//
// *Identity.* A key in memory is SipHash-1-3 with 128 bits of output under a random key of the cache. It is
// a keyed pseudo-random function: who does not know the key cannot search for two requests that meet,
// and the key never leaves the process. (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
// Indocrypt 2012; the 128-bit form and the 1-3 rounds are the reference implementation's.)
//
// *Integrity.* XXH3-128 seals an entry against rot and torn writes. It resists accidents, not people:
// colliding inputs can be constructed in microseconds, so it is never an identity.
#pragma once

#include <cstdint>

#include "bytes.h"

namespace reprise {

struct Digest128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Digest128&, const Digest128&) = default;
};

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// SipHash-c-d-128 of bytes that arrive in pieces. How they are cut does not matter to the result.
template <int c_rounds, int d_rounds>
class BasicSipHash {
 public:
  explicit BasicSipHash(SipKey key) { restart(key); }
  void restart(SipKey key);
  void update(Bytes piece);
  [[nodiscard]] Digest128 finish();

 private:
  void absorb(std::uint64_t word);

  std::uint64_t v0_ = 0, v1_ = 0, v2_ = 0, v3_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t tail_ = 0;  // the last length_ % 8 bytes, low byte first
};

extern template class BasicSipHash<1, 3>;
extern template class BasicSipHash<2, 4>;

using SipHash = BasicSipHash<1, 3>;

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
