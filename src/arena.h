// Where small values live: blocks of exactly known size in the core's own memory, so that the garbage
// collector of the host has nothing to do with them and the budget is counted, not guessed.
//
// First version: each block is one allocation. What a block costs is what `cost_of` says, the allocator's own
// header and rounding included.
#pragma once

#include <cstdint>

#include "bytes.h"

namespace reprise {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of `size` bytes, or nullptr where memory cannot be had.
  [[nodiscard]] std::uint8_t* allocate(std::size_t size);
  void free(std::uint8_t* block, std::size_t size);

  // What a block of `size` takes out of the budget.
  [[nodiscard]] static constexpr std::size_t cost_of(std::size_t size) {
    return size == 0 ? 0 : (size + kHeader + kAlign - 1) / kAlign * kAlign;
  }

  // The cost of all blocks in use.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kHeader = 8;
  static constexpr std::size_t kAlign = 8;

  std::size_t bytes_ = 0;
};

}  // namespace reprise
