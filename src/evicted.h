// Which keys were evicted lately, so that a miss can be told from one that more memory would have answered: a table of
// fingerprints, where a later one takes the place of an earlier. It may forget, and takes one key in 65,535 for another.
#pragma once

#include <array>
#include <cstdint>

#include "digest.h"

namespace reprise {

class Evicted {
 public:
  void note(const Digest128& key) { at(key) = mark(key); }
  void forget(const Digest128& key) {
    if (remembers(key)) at(key) = 0;
  }
  [[nodiscard]] bool remembers(const Digest128& key) const {
    return marks_[key.low % kMarks] == mark(key);
  }

 private:
  static constexpr std::size_t kMarks = 4096;

  // Of other bits than those that choose the place; 0 is nobody's.
  [[nodiscard]] static std::uint16_t mark(const Digest128& key) {
    const auto bits = static_cast<std::uint16_t>(key.high);
    return bits == 0 ? std::uint16_t{1} : bits;
  }
  [[nodiscard]] std::uint16_t& at(const Digest128& key) { return marks_[key.low % kMarks]; }

  std::array<std::uint16_t, kMarks> marks_{};
};

}  // namespace reprise
