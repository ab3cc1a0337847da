// How often a key was asked for lately, in half a byte for each of many counters: a count-min sketch. A key has one
// counter in each of four rows and its frequency is the least of them, so others who share some of its counters can make
// it look more frequent, never less. Only the least are raised (conservative update). After every
// 16 x entries additions all counters are halved: "lately" is a few turnovers of the cache, and what was
// popular once is forgotten.
//
// What the sketch must tell apart above all is once from twice. Between two halvings a load of mostly new keys brings a dozen
// of them for each entry, and with two counters for each entry in a row most of them look like old ones. So the table
// of a small cache is ample (16 counters for each entry in a row) up to 128 KiB; only from there on it is lean.
//
// Papers: Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch" (2005). Estan and Varghese,
// "New directions in traffic measurement" (2002), for the conservative update. Einziger, Friedman and Manes,
// "TinyLFU: a highly efficient cache admission policy" (2017), for the halving.
#pragma once

#include <array>
#include <cstdint>

#include "array.h"

namespace reprise {

class Frequency {
 public:
  static constexpr std::uint32_t kMost = 15;

  explicit Frequency(Pages& pages) : pages_(pages), words_(pages) {}

  // Fits the table to a cache of so many entries: it only ever grows, by doubling, and forgets nothing. Where memory
  // cannot be had it stays as it is, and estimates are coarser; without any table every frequency is 0.
  void fit(std::uint64_t entries);

  void add(std::uint64_t hash);
  // At most kMost.
  [[nodiscard]] std::uint32_t of(std::uint64_t hash) const;

  void clear();

  [[nodiscard]] std::size_t bytes() const { return words_.bytes(); }
  [[nodiscard]] bool valid() const;

 private:
  static constexpr std::size_t kRows = 4;
  static constexpr std::uint64_t kCountersPerWord = 16;
  static constexpr std::uint64_t kAdditionsPerEntry = 16;
  static constexpr std::uint64_t kAmpleCountersPerRow = 65'536;

  // One counter: a word of the table, and how far it is shifted there.
  struct Place {
    std::size_t word;
    std::uint32_t shift;
  };
  [[nodiscard]] std::array<Place, kRows> places(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t at(Place place) const {
    return static_cast<std::uint32_t>(words_[place.word] >> place.shift) & 15;
  }
  void halve();

  Pages& pages_;
  // One row after the other, each of row_words_ (a power of two) words.
  Array<std::uint64_t> words_;
  std::size_t row_words_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t additions_ = 0;  // since the last halving
};

}  // namespace reprise
