// What the cache asks of something that makes payloads smaller. It is handed one or none, so that a module without
// compression holds no byte of it (dense.h is the one there is).
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes.h"

namespace reprise {

class Compression {
 public:
  // What compress() may be given at most, and decompress() back.
  static constexpr std::size_t kMaxPayload = std::size_t{64} << 10;

  // The dictionary for the results of one function, by the function's number. An entry remembers it.
  [[nodiscard]] virtual std::uint8_t dictionary_of(std::uint32_t group) const = 0;
  // The payload, smaller; empty: it is to be kept as it is.
  [[nodiscard]] virtual Bytes compress(std::uint8_t dictionary, Bytes payload) = 0;
  // What compress() made of a payload of `payload_size` bytes, decoded; empty: the bytes are not that.
  [[nodiscard]] virtual Bytes decompress(std::uint8_t dictionary, Bytes compressed,
                                         std::size_t payload_size) = 0;
  // Forgets all dictionaries. Nothing that was compressed can be read any more.
  virtual void clear() = 0;
  // What it takes of the host's memory, beside the pages.
  [[nodiscard]] virtual std::size_t bytes() const = 0;

 protected:
  ~Compression() = default;
};

}  // namespace reprise
