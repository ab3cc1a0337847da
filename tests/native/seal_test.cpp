#include "seal.h"

#include <catch2/catch.hpp>
#include <random>

#include "digest_support.h"

using namespace reprise;

namespace {

Digest128 xxh3(Bytes message) {
  Sealer sealer;
  sealer.update(message);
  return sealer.finish();
}

// The message of xxHash's own sanity check: the upper bytes of 2654435761 * 11400714785074694797^n.
ByteList sanity_buffer(std::size_t length) {
  ByteList bytes(length);
  std::uint64_t generator = 2654435761u;
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(generator >> 56);
    generator *= 11400714785074694797u;
  }
  return bytes;
}

struct KnownXxh3 {
  std::size_t length;
  std::uint64_t low;
  std::uint64_t high;
};

}  // namespace

// One length for each code path of xxHash, at its edges: 0, 1-3, 4-8, 9-16, 17-128, 129-240 and above.
TEST_CASE("XXH3-128 gives the known answers of xxHash's sanity check") {
  const KnownXxh3 known = GENERATE(values<KnownXxh3>({
      {0, 0x6001c324468d497fu, 0x99aa06d3014798d8u},
      {1, 0xc44bdff4074eecdbu, 0xa6cd5e9392000f6au},
      {3, 0x54247382a8d6b94du, 0x20efc49ff02422eau},
      {8, 0x64c69cab4bb21dc5u, 0x47a7f080d82bb456u},
      {16, 0x562980258a998629u, 0xc68c368ecf8a9c05u},
      {128, 0xebb15e34a7fb5ab1u, 0x39992220e045260au},
      {240, 0x5c9aae94c8ebe5a0u, 0xaa4202daa2769dc8u},
      {241, 0xc5a639ecd2030e5eu, 0x99a80ecf0ecfc647u},
      {512, 0x617e49599013cb6bu, 0x18d2d110dcc9bca1u},
  }));
  CAPTURE(known.length);
  const Digest128 digest = xxh3(sanity_buffer(known.length));
  CHECK(digest.low == known.low);
  CHECK(digest.high == known.high);
}

TEST_CASE("XXH3-128 of \"abc\" is the published one, high half first") {
  const Digest128 digest = xxh3(ByteList{'a', 'b', 'c'});
  CHECK(digest.high == 0x06b05ab6733a6185u);
  CHECK(digest.low == 0x78af5f94892f3950u);
}

TEST_CASE("asking a sealer for its digest does not end it") {
  const ByteList message = sanity_buffer(512);
  Sealer sealer;
  sealer.update(Bytes{message}.first(241));
  CHECK(hex(sealer.finish()) == hex(xxh3(sanity_buffer(241))));
  sealer.update(Bytes{message}.subspan(241));
  CHECK(hex(sealer.finish()) == hex(xxh3(message)));
}

TEST_CASE("a sealer that is restarted forgets what it was fed") {
  Sealer sealer;
  sealer.update(counting(300));
  sealer.restart();
  sealer.update(counting(7));
  CHECK(hex(sealer.finish()) == hex(xxh3(counting(7))));
}

TEST_CASE("how the input is cut does not matter to the seal: random pieces") {
  const std::uint32_t seed = GENERATE(21u, 22u, 23u, 24u, 25u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  const ByteList message = counting(1 + random() % 3'000);
  CAPTURE(message.size());
  Sealer sealer;
  for (Bytes left = message; !left.empty();) {
    const std::size_t size = random() % 4 == 0 ? random() % 600 : random() % 12;
    const Bytes piece = left.first(size < left.size() ? size : left.size());
    sealer.update(piece);
    left = left.subspan(piece.size());
  }
  CHECK(hex(sealer.finish()) == hex(xxh3(message)));
}
