#include "entry.h"

#include <algorithm>
#include <cmath>

namespace reprise {

namespace {

constexpr std::uint32_t kMagic = 0x53525052;  // "RPRS"
constexpr std::uint8_t kFormat = 1;

bool sensible(const EntryHeader& header) {
  return static_cast<std::uint8_t>(header.kind) < kKinds &&
         header.life.fresh_until >= header.life.created &&
         header.life.stale_until >= header.life.fresh_until && std::isfinite(header.cost_ms) &&
         header.cost_ms >= 0;
}

}  // namespace

std::size_t encode_preamble(const EntryHeader& header, std::span<const Token> tokens,
                            MutableBytes out) {
  put(out, 0, kMagic);
  put(out, 4, kFormat);
  put(out, 5, header.kind);
  put(out, 6, static_cast<std::uint16_t>(tokens.size()));
  std::copy(header.key.begin(), header.key.end(), out.begin() + 8);
  put(out, 40, header.life.created);
  put(out, 48, header.life.fresh_until);
  put(out, 56, header.life.stale_until);
  put(out, 64, header.cost_ms);
  put(out, 72, header.payload_size);
  std::size_t at = kHeaderSize;
  for (const Token& token : tokens) {
    put(out, at, token.tag);
    put(out, at + 8, token.value);
    at += kTokenSize;
  }
  return at;
}

Status EntryReader::begin(Bytes first, std::uint64_t total, const StorageKey& key) {
  // Should this entry be refused here, finish() must not answer for the one read before.
  seen_ = sealed_size_ = 0;
  if (first.size() >= 4 && load<std::uint32_t>(first, 0) != kMagic) return Status::not_an_entry;
  if (first.size() >= 5 && first[4] != kFormat) return Status::other_format;
  if (first.size() < kHeaderSize || total < first.size()) return Status::truncated;
  header_.kind = static_cast<PayloadKind>(first[5]);
  header_.token_count = load<std::uint16_t>(first, 6);
  std::copy_n(first.begin() + 8, header_.key.size(), header_.key.begin());
  header_.life = {load<Millis>(first, 40), load<Millis>(first, 48), load<Millis>(first, 56)};
  header_.cost_ms = load<double>(first, 64);
  header_.payload_size = load<std::uint64_t>(first, 72);
  if (header_.token_count > kMaxTokens) return Status::bad_field;
  if (first.size() < payload_at()) return Status::truncated;
  // Lengths are compared without adding what a damaged entry claims: that sum could wrap round.
  const std::uint64_t frame = payload_at() + kSealSize;
  if (total < frame || total - frame != header_.payload_size) return Status::truncated;
  if (header_.key != key) return Status::other_key;
  for (std::size_t i = 0; i < header_.token_count; ++i) {
    const std::size_t at = kHeaderSize + i * kTokenSize;
    tokens_[i] = {load<std::uint64_t>(first, at), load<std::uint64_t>(first, at + 8)};
  }
  sealed_size_ = total - kSealSize;
  sealer_.restart();
  return absorb(first);
}

Status EntryReader::feed(Bytes piece) { return absorb(piece); }

Status EntryReader::absorb(Bytes piece) {
  const std::uint64_t total = sealed_size_ + kSealSize;
  if (piece.size() > total - seen_) return Status::truncated;
  const std::uint64_t sealed_left = seen_ < sealed_size_ ? sealed_size_ - seen_ : 0;
  const auto sealed = static_cast<std::size_t>(std::min<std::uint64_t>(sealed_left, piece.size()));
  sealer_.update(piece.first(sealed));
  seen_ += sealed;
  for (const std::uint8_t byte : piece.subspan(sealed)) {
    seal_[static_cast<std::size_t>(seen_++ - sealed_size_)] = byte;
  }
  return Status::ok;
}

Status EntryReader::finish() const {
  if (seen_ != sealed_size_ + kSealSize) return Status::truncated;
  const Digest128 seal{load<std::uint64_t>(seal_, 0), load<std::uint64_t>(seal_, 8)};
  if (seal != sealer_.finish()) return Status::bad_seal;
  return sensible(header_) ? Status::ok : Status::bad_field;
}

}  // namespace reprise
