#include "arena.h"

#include <cstdlib>

namespace reprise {

std::uint8_t* Arena::allocate(std::size_t size) {
  auto* block = static_cast<std::uint8_t*>(std::malloc(size));
  if (block != nullptr) bytes_ += cost_of(size);
  return block;
}

void Arena::free(std::uint8_t* block, std::size_t size) {
  std::free(block);
  bytes_ -= cost_of(size);
}

}  // namespace reprise
