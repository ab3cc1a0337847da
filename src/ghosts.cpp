#include "ghosts.h"

#include <algorithm>

namespace reprise {

namespace {

std::uint32_t fingerprint_of(std::uint64_t hash) {
  const std::uint64_t mixed = hash * 0xff51afd7ed558ccdU;
  return static_cast<std::uint32_t>(mixed >> 32);
}

}  // namespace

void Ghosts::fit(std::uint64_t ghosts, std::uint64_t window_bytes) {
  window_bytes_ = std::max(window_bytes_, static_cast<double>(window_bytes));
  // Some more places than ghosts, because buckets do not fill evenly.
  while (fingerprints_.size() * 8 < ghosts * 9 || fingerprints_.size() == 0) {
    const std::size_t size = fingerprints_.size() == 0 ? 4 * kBucket : fingerprints_.size() * 2;
    Ghosts grown(pages_);
    if (!grown.fingerprints_.resize(size) || !grown.stamps_.resize(size)) return;
    grown.clock_ = clock_;
    for (std::size_t at = 0; at < fingerprints_.size(); ++at) {
      if (stamps_[at] != 0) grown.place(fingerprints_[at], stamps_[at]);
    }
    fingerprints_.swap(grown.fingerprints_);
    stamps_.swap(grown.stamps_);
  }
}

std::size_t Ghosts::bucket(std::uint32_t fingerprint) const {
  return (fingerprint & (fingerprints_.size() / kBucket - 1)) * kBucket;
}

void Ghosts::place(std::uint32_t fingerprint, std::uint16_t stamp) {
  const std::size_t first = bucket(fingerprint);
  std::size_t best = first;
  for (std::size_t at = first; at < first + kBucket; ++at) {
    if (stamps_[at] == 0) {
      best = at;
      break;
    }
    if (age(at) > age(best)) best = at;
  }
  fingerprints_[best] = fingerprint;
  stamps_[best] = stamp;
}

void Ghosts::add(std::uint64_t hash, std::uint64_t bytes, Kind kind) {
  if (fingerprints_.size() == 0 || window_bytes_ <= 0) return;
  const double part = std::min(1.0, static_cast<double>(bytes) / window_bytes_);
  for (double& kept : parts_) kept *= 1 - part;
  parts_[static_cast<std::size_t>(kind)] += part;
  clock_ += part * kUnitsPerWindow;
  if (clock_ >= kStampMask + 1.0) clock_ -= kStampMask + 1.0;
  const std::uint32_t stamp = now() << 2U | static_cast<std::uint32_t>(kind);
  place(fingerprint_of(hash), static_cast<std::uint16_t>(stamp));
}

Ghosts::Kind Ghosts::take(std::uint64_t hash) {
  if (fingerprints_.size() == 0) return Kind::none;
  const std::uint32_t fingerprint = fingerprint_of(hash);
  const std::size_t first = bucket(fingerprint);
  Kind youngest = Kind::none;
  std::uint32_t least = kUnitsPerWindow;
  for (std::size_t at = first; at < first + kBucket; ++at) {
    if (stamps_[at] == 0 || fingerprints_[at] != fingerprint) continue;
    if (age(at) < least) {
      least = age(at);
      youngest = static_cast<Kind>(stamps_[at] & 3U);
    }
    stamps_[at] = 0;
  }
  return youngest;
}

double Ghosts::share(Kind kind) const {
  double all = 0;
  for (const double part : parts_) all += part;
  return all <= 0 ? 0 : parts_[static_cast<std::size_t>(kind)] / all;
}

void Ghosts::clear() {
  fingerprints_.clear();
  stamps_.clear();
  window_bytes_ = clock_ = 0;
  parts_ = {};
}

bool Ghosts::valid() const {
  const std::size_t size = fingerprints_.size();
  if (stamps_.size() != size || (size & (size - 1)) != 0) return false;
  for (std::size_t at = 0; at < size; ++at) {
    if (stamps_[at] != 0 && bucket(fingerprints_[at]) != at / kBucket * kBucket) return false;
  }
  return true;
}

}  // namespace reprise
