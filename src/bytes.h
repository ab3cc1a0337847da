// Bytes in hand: spans, and the one way numbers are laid out in them (little-endian, unaligned).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace reprise {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// Every machine that this core is compiled for is little-endian, so a copy is the conversion.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// Reads a T at `at`. The caller has checked that it is there.
template <class T>
[[nodiscard]] T load(Bytes bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Writes a T at `at`. The caller has checked that there is room.
template <class T>
void put(MutableBytes bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

}  // namespace reprise
