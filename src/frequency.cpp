#include "frequency.h"

#include <algorithm>
#include "cold.h"

namespace reprise {

REPRISE_COLD void Frequency::fit(std::uint64_t entries) {
  entries_ = std::max(entries_, entries);
  const std::uint64_t counters =
      std::max(2 * entries_, std::min(16 * entries_, kAmpleCountersPerRow));
  while (row_words_ * kCountersPerWord < counters) {
    const std::size_t row_words = row_words_ == 0 ? 8 : row_words_ * 2;
    Array<std::uint64_t> grown(pages_);
    if (!grown.resize(row_words * kRows)) return;
    // A place is its hash's low bits: it stays where it was, or moves up by one old row. Both hold its count.
    for (std::size_t at = 0; row_words_ > 0 && at < row_words * kRows; ++at) {
      const std::size_t row = at / row_words;
      grown[at] = words_[row * row_words_ + (at & (row_words_ - 1))];
    }
    words_.swap(grown);
    row_words_ = row_words;
  }
}

std::array<Frequency::Place, Frequency::kRows> Frequency::places(std::uint64_t hash) const {
  std::uint64_t mixed = hash * 0x9e3779b97f4a7c15U;
  mixed ^= mixed >> 32;
  mixed *= 0xd6e8feb86659fd93U;
  const auto first = static_cast<std::uint32_t>(mixed);
  const auto step = static_cast<std::uint32_t>(mixed >> 32) | 1;
  std::array<Place, kRows> places{};
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const std::uint32_t hashed = (first + row * step) ^ ((first + row * step) >> 15);
    const std::size_t word = (hashed >> 4) & (row_words_ - 1);
    places[row] = {row * row_words_ + word, (hashed & 15) * 4};
  }
  return places;
}

void Frequency::add(std::uint64_t hash) {
  if (row_words_ == 0) return;
  const std::uint32_t least = of(hash);
  if (least < kMost) {
    for (const Place place : places(hash)) {
      if (at(place) == least) words_[place.word] += std::uint64_t{1} << place.shift;
    }
  }
  if (++additions_ >= kAdditionsPerEntry * entries_) halve();
}

std::uint32_t Frequency::of(std::uint64_t hash) const {
  if (row_words_ == 0) return 0;
  std::uint32_t least = kMost;
  for (const Place place : places(hash)) least = std::min(least, at(place));
  return least;
}

REPRISE_COLD void Frequency::halve() {
  for (std::size_t at = 0; at < words_.size(); ++at) {
    words_[at] = (words_[at] >> 1) & 0x7777777777777777U;
  }
  additions_ = 0;
}

REPRISE_COLD void Frequency::clear() {
  words_.clear();
  row_words_ = 0;
  entries_ = additions_ = 0;
}

REPRISE_COLD bool Frequency::valid() const {
  return words_.size() == row_words_ * kRows && (row_words_ & (row_words_ - 1)) == 0;
}

}  // namespace reprise
