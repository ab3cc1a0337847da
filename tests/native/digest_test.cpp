#include "digest.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

using namespace reprise;

namespace {

using ByteList = std::vector<std::uint8_t>;

// The digest as its 16 bytes in memory, which is how the reference implementations print it.
std::string hex(const Digest128& digest) {
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
ByteList counting(std::size_t length) {
  ByteList bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

// The key of the reference vectors: bytes 00 to 0f.
constexpr SipKey kReferenceKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

template <class Sip>
Digest128 sip(Bytes message, SipKey key = kReferenceKey) {
  Sip hash(key);
  hash.update(message);
  return hash.finish();
}

Digest128 xxh3(Bytes message) {
  Sealer sealer;
  sealer.update(message);
  return sealer.finish();
}

struct Known {
  std::size_t length;
  const char* digest;
};

}  // namespace

// The message of each known answer is 00 01 02 …. To make another one:
//   openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16
//     [-macopt c-rounds:1 -macopt d-rounds:3] -in FILE SIPHASH
// The first eight of the 2-4 form are also the vectors of the reference implementation (vectors_sip128).
TEST_CASE("SipHash-2-4-128 gives the known answers of the reference implementation") {
  const Known known = GENERATE(values<Known>({
      {0, "a3817f04ba25a8e66df67214c7550293"},
      {1, "da87c1d86b99af44347659119b22fc45"},
      {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},
      {8, "3b62a9ba6258f5610f83e264f31497b4"},
      {9, "264499060ad9baabc47f8b02bb6d71ed"},
      {15, "5493e99933b0a8117e08ec0f97cfc3d9"},
      {16, "6ee2a4ca67b054bbfd3315bf85230577"},
      {63, "5150d1772f50834a503e069a973fbd7c"},
      {300, "ce005a406d14b36d5386b5f7a7e1b311"},
  }));
  CAPTURE(known.length);
  CHECK(hex(sip<BasicSipHash<2, 4>>(counting(known.length))) == known.digest);
}

TEST_CASE("SipHash-1-3-128 gives the known answers of OpenSSL") {
  const Known known = GENERATE(values<Known>({
      {0, "e77ebcb22788a5befd62db6add303001"},
      {1, "fc6f370460d3eda85e0573cc2b2ff063"},
      {7, "1084b923f2aae0c3a62f2ec80848ab77"},
      {8, "aa12fee1d5e3dab4724f16ab35f9c799"},
      {9, "81ddb8042cf33994f4720e0094137c42"},
      {15, "c17e5505b2bd526c2921cdec1e7e0109"},
      {16, "d0a8d95715518eebb513b0f83d9e1793"},
      {63, "4c5800e34efe426f079f6b0aa75260ad"},
      {300, "3165ead62761c51719819dcf73cd572b"},
  }));
  CAPTURE(known.length);
  CHECK(hex(sip<BasicSipHash<1, 3>>(counting(known.length))) == known.digest);
}

TEST_CASE("a key in memory is SipHash with one and three rounds") {
  CHECK(std::is_same_v<SipHash, BasicSipHash<1, 3>>);
}

TEST_CASE("how the input is cut does not matter to SipHash: every cut into three pieces") {
  const ByteList message = counting(35);
  const Digest128 whole = sip<SipHash>(message);
  std::string wrong;
  for (std::size_t first = 0; first <= message.size(); ++first) {
    for (std::size_t second = first; second <= message.size(); ++second) {
      SipHash hash(kReferenceKey);
      hash.update(Bytes{message}.first(first));
      hash.update(Bytes{message}.subspan(first, second - first));
      hash.update(Bytes{message}.subspan(second));
      if (hash.finish() != whole)
        wrong += std::to_string(first) + "," + std::to_string(second) + " ";
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("how the input is cut does not matter to either digest: random pieces") {
  const std::uint32_t seed = GENERATE(21u, 22u, 23u, 24u, 25u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  ByteList message(1 + random() % 3'000);
  for (std::uint8_t& byte : message) byte = static_cast<std::uint8_t>(random());
  CAPTURE(message.size());
  SipHash hash(kReferenceKey);
  Sealer sealer;
  for (Bytes left = message; !left.empty();) {
    const std::size_t size = random() % 4 == 0 ? random() % 600 : random() % 12;
    const Bytes piece = left.first(size < left.size() ? size : left.size());
    hash.update(piece);
    sealer.update(piece);
    left = left.subspan(piece.size());
  }
  CHECK(hex(hash.finish()) == hex(sip<SipHash>(message)));
  CHECK(hex(sealer.finish()) == hex(xxh3(message)));
}

TEST_CASE("SipHash reads every bit of the message, its length and its key") {
  const ByteList message = counting(20);
  const std::string before = hex(sip<SipHash>(message));
  std::string unread;
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    ByteList other = message;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1u << bit % 8));
    if (hex(sip<SipHash>(other)) == before) unread += std::to_string(bit) + " ";
  }
  CHECK(unread == "");

  ByteList longer = message;
  longer.push_back(0);
  CHECK(hex(sip<SipHash>(longer)) != before);

  std::string unread_key_bits;
  for (int bit = 0; bit < 128; ++bit) {
    SipKey key = kReferenceKey;
    (bit < 64 ? key.k0 : key.k1) ^= std::uint64_t{1} << bit % 64;
    if (hex(sip<SipHash>(message, key)) == before) unread_key_bits += std::to_string(bit) + " ";
  }
  CHECK(unread_key_bits == "");
}

TEST_CASE("a digest that is restarted forgets what it was fed") {
  SipHash hash(SipKey{1, 2});
  hash.update(counting(13));
  hash.restart(kReferenceKey);
  hash.update(counting(7));
  CHECK(hex(hash.finish()) == "1084b923f2aae0c3a62f2ec80848ab77");
  hash.restart(kReferenceKey);
  CHECK(hex(hash.finish()) == "e77ebcb22788a5befd62db6add303001");

  Sealer sealer;
  sealer.update(counting(300));
  sealer.restart();
  sealer.update(counting(7));
  CHECK(hex(sealer.finish()) == hex(xxh3(counting(7))));
}

namespace {

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

TEST_CASE("digests are equal where both halves are") {
  CHECK(Digest128{1, 2} == Digest128{1, 2});
  CHECK(Digest128{1, 2} != Digest128{1, 3});
  CHECK(Digest128{1, 2} != Digest128{3, 2});
}
