// The sealed entry: the one form in which a value lies in any storage, the same bytes in every runtime.
//
//   offset  size  field
//        0     4  magic "RPRS"
//        4     1  format, now 1
//        5     1  kind of payload: 0 CBOR, 1 text (UTF-8), 2 bytes, 3 packed; and flags: 4 labelled, 8 failed
//        6     2  number of tokens, at most 64
//        8    32  storage key: the digest of the canonical bytes of the question
//       40     8  created        milliseconds since 1970 UTC
//       48     8  fresh until    the same; 2^63-1 is for ever (less the time between the two, where there is one)
//       56     8  stale until    the same; never before fresh until
//       64     8  cost           what making it took, in milliseconds (IEEE double, not negative)
//       72     8  length of the payload in bytes
//       80   16n  tokens: tag (8), token (8)
//        …        payload
//        …    16  seal: XXH3-128 of every byte before it, low half first
//
// All numbers are little-endian. The seal covers everything, so no damaged byte is ever believed; the key
// lies inside, so an entry that was moved under another name is noticed. docs/entry-format.md says the same
// to people who read entries from other languages.
//
// A payload that is labelled has, behind the value, the text of its key (UTF-8) and the length of that in bytes (4), so that
// entries can be found by what was asked. The value of one that failed is what the function threw. The core hands
// the flags on and looks for labels; what they mean is for those who read the value.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bytes.h"
#include "lifetime.h"
#include "seal.h"
#include "status.h"
#include "tokens.h"

namespace reprise {

using StorageKey = std::array<std::uint8_t, 32>;

// And flags on top, as `with` puts them there.
enum class PayloadKind : std::uint8_t { cbor = 0, text = 1, bytes = 2, packed = 3 };
constexpr std::uint8_t kLabelled = 4;
constexpr std::uint8_t kFailed = 8;
constexpr std::uint8_t kKinds = 16;  // kinds are below it, flags and all

[[nodiscard]] constexpr PayloadKind with(PayloadKind kind, std::uint8_t flags) {
  return static_cast<PayloadKind>(static_cast<std::uint8_t>(kind) | flags);
}
[[nodiscard]] constexpr bool is_labelled(PayloadKind kind) {
  return (static_cast<std::uint8_t>(kind) & kLabelled) != 0;
}

struct EntryHeader {
  PayloadKind kind = PayloadKind::cbor;
  std::uint16_t token_count = 0;
  StorageKey key{};
  Lifetime life{};
  double cost_ms = 0;
  std::uint64_t payload_size = 0;
};

constexpr std::size_t kHeaderSize = 80;
constexpr std::size_t kTokenSize = 16;
constexpr std::size_t kSealSize = 16;
constexpr std::size_t kMaxTokens = 64;
// What stands before the payload, at most.
constexpr std::size_t kMaxPreamble = kHeaderSize + kMaxTokens * kTokenSize;

// Writes header and tokens to `out` (which has room for kMaxPreamble) and says how many bytes they took.
std::size_t encode_preamble(const EntryHeader& header, std::span<const Token> tokens,
                            MutableBytes out);

// Reads an entry that arrives in pieces: any number of feed(), then finish(). Only the first piece must be
// whole up to the end of the tokens. Nothing that it says may be believed before finish() returned ok.
class EntryReader {
 public:
  // The first piece. Fails early where the beginning cannot be an entry for `key` of `total` bytes.
  Status begin(Bytes first, std::uint64_t total, const StorageKey& key);
  // A further piece, in order.
  Status feed(Bytes piece);
  // After the last piece: is the seal right?
  [[nodiscard]] Status finish() const;

  [[nodiscard]] const EntryHeader& header() const { return header_; }
  [[nodiscard]] std::span<const Token> tokens() const {
    return {tokens_.data(), header_.token_count};
  }
  // Where the payload begins in the entry.
  [[nodiscard]] std::size_t payload_at() const {
    return kHeaderSize + header_.token_count * kTokenSize;
  }

 private:
  Status absorb(Bytes piece);

  EntryHeader header_{};
  std::array<Token, kMaxTokens> tokens_{};
  std::uint64_t sealed_size_ = 0;  // how many bytes the seal covers
  std::uint64_t seen_ = 0;
  std::array<std::uint8_t, kSealSize> seal_{};
  Sealer sealer_;
};

}  // namespace reprise
