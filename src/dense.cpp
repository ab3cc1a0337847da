#include "dense.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dense_lz4.h"

namespace reprise {

// Everything that is needed to work and can be made anew: one for all dictionaries.
struct Dense::Workshop {
  LZ4_streamHC_t index;  // where in the dictionary `loaded` is what
  LZ4_streamHC_t work;   // the same of the payload
  std::uint8_t loaded;
  std::uint8_t placed;  // whose dictionary lies in `dictionary`
  // LZ4 sees these two as one text.
  std::uint8_t dictionary[kDictionarySize];
  std::uint8_t payload[kMaxPayload];
};

namespace {

char* text(std::uint8_t* bytes) { return reinterpret_cast<char*>(bytes); }
const char* text(const std::uint8_t* bytes) { return reinterpret_cast<const char*>(bytes); }

}  // namespace

Bytes Dense::compress(std::uint8_t dictionary, Bytes payload) {
  if (dictionary >= dictionaries_.size() || payload.empty() || payload.size() > kMaxPayload) {
    return {};
  }
  Dictionary& known = dictionaries_[dictionary];
  if (!known.closed()) {
    learn(known, payload);
    return {};
  }
  if (!open_workshop()) return {};
  Workshop& shop = *workshop_;
  if (shop.loaded != dictionary) {
    dense_lz4_index(&shop.index, text(known.bytes), static_cast<int>(kDictionarySize));
    shop.loaded = dictionary;
  }
  const std::size_t most = payload.size() - (payload.size() + 9) / 10;
  const int size = dense_lz4_compress(&shop.work, &shop.index, text(payload.data()),
                                      static_cast<int>(payload.size()), text(shop.payload),
                                      static_cast<int>(most));
  if (size <= 0) return {};
  return {shop.payload, static_cast<std::size_t>(size)};
}

Bytes Dense::decompress(std::uint8_t dictionary, Bytes compressed, std::size_t payload_size) {
  if (dictionary >= dictionaries_.size() || !dictionaries_[dictionary].closed() ||
      workshop_ == nullptr || compressed.empty() || compressed.size() > kMaxPayload ||
      payload_size > kMaxPayload) {
    return {};
  }
  Workshop& shop = *workshop_;
  if (shop.placed != dictionary) {
    std::memcpy(shop.dictionary, dictionaries_[dictionary].bytes, kDictionarySize);
    shop.placed = dictionary;
  }
  // All of the place may be written, not payload_size alone: far from the end LZ4 copies in larger steps.
  const int size = dense_lz4_decompress(
      text(compressed.data()), static_cast<int>(compressed.size()), text(shop.payload),
      static_cast<int>(kMaxPayload), static_cast<int>(kDictionarySize));
  if (size < 0 || static_cast<std::size_t>(size) != payload_size) return {};
  return {shop.payload, payload_size};
}

std::size_t Dense::share_of(std::uint64_t max_bytes) {
  const auto share =
      static_cast<std::size_t>(std::min<std::uint64_t>(max_bytes / 4, bytes_for(kOwn + 1)));
  return share < bytes_for(1) ? 0 : share;
}

std::uint8_t Dense::dictionary_of(std::uint32_t group) const {
  return static_cast<std::uint8_t>(std::min(group, kOwn));
}

void Dense::free_all() {
  for (Dictionary& dictionary : dictionaries_) {
    std::free(dictionary.bytes);
    dictionary = {};
  }
  opened_ = 0;
  std::free(workshop_);
  workshop_ = nullptr;
}

std::size_t Dense::bytes() const {
  return opened_ * kDictionarySize + (workshop_ == nullptr ? 0 : sizeof(Workshop));
}

std::size_t Dense::bytes_for(std::uint32_t dictionaries) {
  return std::min<std::size_t>(dictionaries, kOwn + 1) * kDictionarySize + sizeof(Workshop);
}

void Dense::learn(Dictionary& dictionary, Bytes payload) {
  if (dictionary.bytes == nullptr) {
    if (bytes_for(opened_ + 1) > max_bytes_) return;
    dictionary.bytes = static_cast<std::uint8_t*>(std::malloc(kDictionarySize));
    if (dictionary.bytes == nullptr) return;
    ++opened_;
  }
  const std::size_t size =
      std::min({payload.size(), kMaxSample, kDictionarySize - dictionary.filled});
  std::memcpy(dictionary.bytes + dictionary.filled, payload.data(), size);
  dictionary.filled += size;
}

bool Dense::open_workshop() {
  if (workshop_ != nullptr) return true;
  workshop_ = static_cast<Workshop*>(std::malloc(sizeof(Workshop)));
  if (workshop_ == nullptr) return false;
  dense_lz4_prepare(&workshop_->work);
  workshop_->loaded = kNone;
  workshop_->placed = kNone;
  return true;
}

}  // namespace reprise
