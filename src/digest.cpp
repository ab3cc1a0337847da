#include "digest.h"

#include <algorithm>

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
  std::uint64_t v0 = v0_, v1 = v1_, v2 = v2_ ^ 0xee, v3 = v3_;
  for (int i = 0; i < d_rounds; ++i) sip_round(v0, v1, v2, v3);
  const std::uint64_t low = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  for (int i = 0; i < d_rounds; ++i) sip_round(v0, v1, v2, v3);
  return {low, v0 ^ v1 ^ v2 ^ v3};
}

template class BasicSipHash<1, 3>;
template class BasicSipHash<2, 4>;

namespace {

SipKey derived(SipKey key, std::uint8_t number) {
  SipHash hash(key);
  hash.update({&number, 1});
  const Digest128 digest = hash.finish();
  return {digest.low, digest.high};
}

}  // namespace

KeyDigest::KeyDigest(SipKey key)
    : key_(key),
      even_key_(derived(key, 0)),
      odd_key_(derived(key, 1)),
      even_(even_key_),
      odd_(odd_key_) {}

void KeyDigest::restart() {
  even_.restart(even_key_);
  odd_.restart(odd_key_);
  length_ = 0;
}

void KeyDigest::update(Bytes piece) {
  // Pieces may be cut anywhere.
  if (const std::size_t kept = length_ % 16; kept != 0) {
    const std::size_t missing = std::min(piece.size(), 16 - kept);
    std::copy_n(piece.data(), missing, rest_ + kept);
    length_ += missing;
    piece = piece.subspan(missing);
    if (length_ % 16 != 0) return;
    deal(rest_);
  }
  const std::size_t left = piece.size() % 16;
  deal(piece.first(piece.size() - left));
  std::copy_n(piece.data() + piece.size() - left, left, rest_);
  length_ += piece.size();
}

// A word for each lane, and so on.
void KeyDigest::deal(Bytes pairs) {
  std::uint64_t a0 = even_.v0_, a1 = even_.v1_, a2 = even_.v2_, a3 = even_.v3_;
  std::uint64_t b0 = odd_.v0_, b1 = odd_.v1_, b2 = odd_.v2_, b3 = odd_.v3_;
  const std::uint8_t* const end = pairs.data() + pairs.size();
  for (const std::uint8_t* next = pairs.data(); next != end; next += 16) {
    std::uint64_t a = 0, b = 0;
    std::memcpy(&a, next, 8);
    std::memcpy(&b, next + 8, 8);
    a3 ^= a;
    b3 ^= b;
    sip_round(a0, a1, a2, a3);
    sip_round(b0, b1, b2, b3);
    a0 ^= a;
    b0 ^= b;
  }
  even_.v0_ = a0, even_.v1_ = a1, even_.v2_ = a2, even_.v3_ = a3;
  odd_.v0_ = b0, odd_.v1_ = b1, odd_.v2_ = b2, odd_.v3_ = b3;
  even_.length_ += pairs.size() / 2;
  odd_.length_ += pairs.size() / 2;
}

Digest128 KeyDigest::finish(Bytes first, Bytes last) {
  if (length_ == 0 && first.size() + last.size() <= kMostInOneLane) {
    SipHash hash(key_);
    hash.update(first);
    hash.update(last);
    return hash.finish();
  }
  update(first);
  update(last);
  if (const std::size_t kept = length_ % 16; kept != 0) {
    std::fill(rest_ + kept, rest_ + 16, std::uint8_t{0});
    deal(rest_);
  }
  const Digest128 odd = odd_.finish();
  const std::uint64_t words[] = {odd.low, odd.high, length_};
  even_.update({reinterpret_cast<const std::uint8_t*>(words), sizeof words});
  const Digest128 digest = even_.finish();
  restart();
  return digest;
}

}  // namespace reprise
