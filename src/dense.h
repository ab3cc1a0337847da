// Payloads in less memory: LZ4 against a dictionary.
//
// One reply of a kilobyte holds little that repeats; LZ4 alone leaves 80 % of it. But the replies of one function have
// the same members, phrases and words, and LZ4 may refer to any 64 KB that the decoder has seen. So the first payloads of
// each function become its dictionary, everything later is compressed against that, and 40 % is left.
//
//   open     the dictionary collects; what it collects is kept as it is
//   closed   it is full and never changes again, as every payload compressed against it needs it to the byte
//
// A payload is decoded right behind its dictionary: to LZ4 the two are then one text, and no copy asks which of them
// it reads from. There is one such place,
//
//   [ dictionary, 60 KB ][ payload, up to 64 KB ]
//
// and the dictionary that was used last lies in it. Whose turn it is to decode with another copies it there first,
// which costs a microsecond; a place for each would cost 124 KB for each.
//
// What is compressed or decompressed lies in that place until the next call. Only dense.* and dense_lz4.* know LZ4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bytes.h"
#include "compression.h"

namespace reprise {

class Dense final : public Compression {
 public:
  static constexpr std::size_t kDictionarySize = std::size_t{60} << 10;
  // So many functions have a dictionary of their own; all others share one more.
  static constexpr std::uint32_t kOwn = 16;

  // How much of a cache's budget is for it: a quarter at most, and nothing where that is too little for one dictionary.
  [[nodiscard]] static std::size_t share_of(std::uint64_t max_bytes);

  // Never takes more than `max_bytes`: functions that come when it is used up are kept as they are.
  explicit Dense(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  ~Dense() { free_all(); }
  Dense(const Dense&) = delete;
  Dense& operator=(const Dense&) = delete;

  [[nodiscard]] std::uint8_t dictionary_of(std::uint32_t group) const override;

  // The payload, compressed; empty where it is to be kept as it is: the dictionary is still open and took it as a
  // sample, or compressing does not save a tenth of it, or there is no memory. `payload` lies elsewhere.
  [[nodiscard]] Bytes compress(std::uint8_t dictionary, Bytes payload) override;

  [[nodiscard]] Bytes decompress(std::uint8_t dictionary, Bytes compressed,
                                 std::size_t payload_size) override;

  void clear() override { free_all(); }

  // What it takes: the dictionaries, and from the first closed one on the place and LZ4's tables.
  [[nodiscard]] std::size_t bytes() const override;
  // What it takes at most while `dictionaries` of them are in use.
  [[nodiscard]] static std::size_t bytes_for(std::uint32_t dictionaries);

 private:
  // No payload may fill a dictionary alone: it takes samples of up to this size, of longer payloads the beginning.
  static constexpr std::size_t kMaxSample = kDictionarySize / 8;
  static constexpr std::uint8_t kNone = 0xff;

  struct Dictionary {
    std::uint8_t* bytes = nullptr;
    std::size_t filled = 0;
    [[nodiscard]] bool closed() const { return filled == kDictionarySize; }
  };
  struct Workshop;

  void free_all();
  void learn(Dictionary& dictionary, Bytes payload);
  [[nodiscard]] bool open_workshop();

  std::uint64_t max_bytes_;
  std::array<Dictionary, kOwn + 1> dictionaries_{};
  std::uint32_t opened_ = 0;  // how many dictionaries have bytes
  Workshop* workshop_ = nullptr;
};

}  // namespace reprise
