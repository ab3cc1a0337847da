#include "digest.h"

namespace reprise {

template <int c_rounds, int d_rounds>
void BasicSipHash<c_rounds, d_rounds>::restart(SipKey key) {
  v0_ = 0x736f6d6570736575U ^ key.k0;
  v1_ = 0x646f72616e646f6dU ^ key.k1 ^ 0xee;  // 0xee asks for 128 bits of output
  v2_ = 0x6c7967656e657261U ^ key.k0;
  v3_ = 0x7465646279746573U ^ key.k1;
  length_ = 0;
  tail_ = 0;
}

namespace {

// Both are inlined whatever the compiler optimises for: the state must stay in registers. (libc++'s std::rotl is a
// call under -Os, which makes the digest eight times as slow.)
[[gnu::always_inline]] inline std::uint64_t rotl(std::uint64_t x, int by) {
  return (x << by) | (x >> (64 - by));
}

[[gnu::always_inline]] inline void sip_round(std::uint64_t& v0, std::uint64_t& v1,
                                             std::uint64_t& v2, std::uint64_t& v3) {
  v0 += v1;
  v1 = rotl(v1, 13) ^ v0;
  v0 = rotl(v0, 32);
  v2 += v3;
  v3 = rotl(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotl(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
}

}  // namespace

template <int c_rounds, int d_rounds>
void BasicSipHash<c_rounds, d_rounds>::absorb(std::uint64_t word) {
  v3_ ^= word;
  for (int i = 0; i < c_rounds; ++i) sip_round(v0_, v1_, v2_, v3_);
  v0_ ^= word;
}

template <int c_rounds, int d_rounds>
void BasicSipHash<c_rounds, d_rounds>::update(Bytes piece) {
  std::size_t at = 0;
  // Fill the word that the piece before left unfinished.
  while (length_ % 8 != 0 && at < piece.size()) {
    tail_ |= std::uint64_t{piece[at++]} << (8 * (length_ % 8));
    if (++length_ % 8 == 0) {
      absorb(tail_);
      tail_ = 0;
    }
  }
  // Whole words, with the state in locals so that it stays in registers.
  std::uint64_t v0 = v0_, v1 = v1_, v2 = v2_, v3 = v3_;
  const std::size_t words = (piece.size() - at) / 8;
  const std::uint8_t* next = piece.data() + at;
  for (std::size_t i = 0; i < words; ++i, next += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, next, 8);
    v3 ^= word;
    for (int round = 0; round < c_rounds; ++round) sip_round(v0, v1, v2, v3);
    v0 ^= word;
  }
  v0_ = v0, v1_ = v1, v2_ = v2, v3_ = v3;
  at += words * 8;
  length_ += words * 8;
  // What is left is shorter than a word.
  for (; at < piece.size(); ++at, ++length_) {
    tail_ |= std::uint64_t{piece[at]} << (8 * (length_ % 8));
  }
}

template <int c_rounds, int d_rounds>
Digest128 BasicSipHash<c_rounds, d_rounds>::finish() {
  absorb(tail_ | (length_ << 56));
  v2_ ^= 0xee;
  for (int i = 0; i < d_rounds; ++i) sip_round(v0_, v1_, v2_, v3_);
  const std::uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
  v1_ ^= 0xdd;
  for (int i = 0; i < d_rounds; ++i) sip_round(v0_, v1_, v2_, v3_);
  return {low, v0_ ^ v1_ ^ v2_ ^ v3_};
}

template class BasicSipHash<1, 3>;
template class BasicSipHash<2, 4>;

}  // namespace reprise
