// The identity of a key in memory: SipHash-1-3 with 128 bits of output, under a random key of the cache, in two lanes
// where there is much to digest. The only place that knows SipHash.
//
// It is a keyed pseudo-random function: who does not know the key cannot search for two requests that meet, and
// the key never leaves the process. (Aumasson and Bernstein, "SipHash: a fast short-input PRF", Indocrypt 2012;
// the 128-bit form and the 1-3 rounds are the reference implementation's.) A fast checksum such as XXH3 would
// not do: requests that collide under it can be made in microseconds (seal.h uses it, against accidents).
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
  friend class KeyDigest;
  void absorb(std::uint64_t word);

  std::uint64_t v0_ = 0, v1_ = 0, v2_ = 0, v3_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t tail_ = 0;  // the last length_ % 8 bytes, low byte first
};

extern template class BasicSipHash<1, 3>;
extern template class BasicSipHash<2, 4>;

using SipHash = BasicSipHash<1, 3>;

// SipHash is a chain: each step waits for the one before, and a processor that could do two at a time does one. So what
// is longer than kMostInOneLane is dealt out word by word (of 8 bytes) to two lanes, which run side by side, the last words filled
// up with zeros. The odd lane is digested; then the even one takes in that digest and the length of the whole, and
// its digest is the key's. Each lane has a key of its own, derived from the cache's.
//
// Two inputs that differ differ in length or in what one of the lanes was dealt. So for them to meet, one of two
// SipHashes under a secret key has to give two inputs the same 128 bits, which is what is held to be infeasible
// for one.
class KeyDigest {
 public:
  static constexpr std::size_t kMostInOneLane = 1000;

  explicit KeyDigest(SipKey key);
  // Forgets what it was given.
  void restart();
  void update(Bytes piece);
  // The digest of all pieces and these last two; begins anew.
  [[nodiscard]] Digest128 finish(Bytes first, Bytes last);

 private:
  void deal(Bytes pairs);

  SipKey key_, even_key_, odd_key_;
  SipHash even_, odd_;
  std::uint64_t length_ = 0;
  std::uint8_t rest_[16]{};  // the last length_ % 16 bytes
};

}  // namespace reprise
