// Bytes and digests as the tests of digests write them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest.h"

namespace reprise {

using ByteList = std::vector<std::uint8_t>;

// The digest as its 16 bytes in memory, which is how the reference implementations print it.
inline std::string hex(const Digest128& digest) {
  std::uint8_t bytes[16];
  put(MutableBytes{bytes}, 0, digest.low);
  put(MutableBytes{bytes}, 8, digest.high);
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// 00 01 02 … ff 00 01 …
inline ByteList counting(std::size_t length) {
  ByteList bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

}  // namespace reprise
