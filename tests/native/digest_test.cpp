#include "digest.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "digest_support.h"

using namespace reprise;

namespace {

// The key of the reference vectors: bytes 00 to 0f.
constexpr SipKey kReferenceKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

template <class Sip>
Digest128 sip(Bytes message, SipKey key = kReferenceKey) {
  Sip hash(key);
  hash.update(message);
  return hash.finish();
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

TEST_CASE("how the input is cut does not matter to SipHash: random pieces") {
  const std::uint32_t seed = GENERATE(21u, 22u, 23u, 24u, 25u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  ByteList message(1 + random() % 3'000);
  for (std::uint8_t& byte : message) byte = static_cast<std::uint8_t>(random());
  CAPTURE(message.size());
  SipHash hash(kReferenceKey);
  for (Bytes left = message; !left.empty();) {
    const std::size_t size = random() % 4 == 0 ? random() % 600 : random() % 12;
    const Bytes piece = left.first(size < left.size() ? size : left.size());
    hash.update(piece);
    left = left.subspan(piece.size());
  }
  CHECK(hex(hash.finish()) == hex(sip<SipHash>(message)));
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
}

TEST_CASE("digests are equal where both halves are") {
  CHECK(Digest128{1, 2} == Digest128{1, 2});
  CHECK(Digest128{1, 2} != Digest128{1, 3});
  CHECK(Digest128{1, 2} != Digest128{3, 2});
}

namespace {

SipKey derived(SipKey key, std::uint8_t number) {
  const Digest128 digest = sip<SipHash>(ByteList{number}, key);
  return {digest.low, digest.high};
}

// The digest of a key in memory, as digest.h defines it.
Digest128 by_definition(const ByteList& message, SipKey key) {
  if (message.size() <= KeyDigest::kMostInOneLane) return sip<SipHash>(message, key);
  ByteList lanes[2];
  for (std::size_t i = 0; i < message.size(); ++i) lanes[i / 8 % 2].push_back(message[i]);
  for (ByteList& lane : lanes) lane.resize((message.size() + 15) / 16 * 8);
  const auto append = [&lanes](std::uint64_t word) {
    for (int i = 0; i < 8; ++i) lanes[0].push_back(static_cast<std::uint8_t>(word >> 8 * i));
  };
  const Digest128 odd = sip<SipHash>(lanes[1], derived(key, 1));
  append(odd.low);
  append(odd.high);
  append(message.size());
  return sip<SipHash>(lanes[0], derived(key, 0));
}

}  // namespace

TEST_CASE("a key's digest is SipHash up to 1,000 bytes, and SipHash in two lanes beyond") {
  const std::size_t size = GENERATE(0u, 1u, 999u, 1000u, 1001u, 1002u, 1004u, 1007u, 1008u, 1009u,
                                    1011u, 1012u, 1013u, 1019u, 1023u, 1024u, 5'000u, 70'003u);
  CAPTURE(size);
  KeyDigest digest(kReferenceKey);
  const ByteList message = counting(size);
  const std::string expected = hex(by_definition(message, kReferenceKey));
  CHECK(hex(digest.finish({}, message)) == expected);
  CHECK(hex(digest.finish(message, {})) == expected);
  CHECK(hex(digest.finish(Bytes{message}.first(size / 3), Bytes{message}.subspan(size / 3))) ==
        expected);
}

TEST_CASE("how a key is cut does not matter to its digest: every cut into three pieces") {
  const ByteList message = counting(KeyDigest::kMostInOneLane + 40);
  const std::string whole = hex(by_definition(message, kReferenceKey));
  KeyDigest digest(kReferenceKey);
  std::string wrong;
  for (std::size_t first = 1; first <= 40; ++first) {
    for (std::size_t second = message.size() - 40; second <= message.size(); ++second) {
      digest.update(Bytes{message}.first(first));
      if (hex(digest.finish(Bytes{message}.subspan(first, second - first),
                            Bytes{message}.subspan(second))) != whole)
        wrong += std::to_string(first) + "," + std::to_string(second) + " ";
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("a key's digest reads every bit of a long key, and where its end is") {
  const ByteList message = counting(KeyDigest::kMostInOneLane + 21);
  KeyDigest digest(kReferenceKey);
  const std::string before = hex(digest.finish({}, message));
  std::string unread;
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    ByteList other = message;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1u << bit % 8));
    if (hex(digest.finish({}, other)) == before) unread += std::to_string(bit) + " ";
  }
  CHECK(unread == "");
  for (int zeros = 1; zeros <= 16; ++zeros) {
    ByteList longer = message;
    longer.insert(longer.end(), static_cast<std::size_t>(zeros), 0);
    CHECK(hex(digest.finish({}, longer)) != before);
  }
}

TEST_CASE("a key's digest that is restarted forgets what it was fed") {
  KeyDigest digest(kReferenceKey);
  digest.update(counting(2'000));
  digest.restart();
  CHECK(hex(digest.finish({}, counting(7))) == hex(by_definition(counting(7), kReferenceKey)));
}
