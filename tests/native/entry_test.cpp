#include "entry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace reprise;

namespace {

using ByteList = std::vector<std::uint8_t>;

StorageKey storage_key(std::uint8_t first) {
  StorageKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(first + i);
  return key;
}

const StorageKey kKey = storage_key(0x40);

EntryHeader header_of(std::size_t payload_size, std::size_t token_count) {
  EntryHeader header;
  header.kind = PayloadKind::text;
  header.token_count = static_cast<std::uint16_t>(token_count);
  header.key = kKey;
  header.life = {1'000, 2'000, 3'000};
  header.cost_ms = 12.5;
  header.payload_size = payload_size;
  return header;
}

ByteList seal(ByteList unsealed) {
  Sealer sealer;
  sealer.update(unsealed);
  const Digest128 digest = sealer.finish();
  const std::size_t at = unsealed.size();
  unsealed.resize(at + kSealSize);
  put(MutableBytes{unsealed}, at, digest.low);
  put(MutableBytes{unsealed}, at + 8, digest.high);
  return unsealed;
}

// A whole entry as a storage would hold it.
ByteList encode(const EntryHeader& header, const std::vector<Token>& tokens,
                const ByteList& payload) {
  ByteList entry(kMaxPreamble);
  entry.resize(encode_preamble(header, tokens, entry));
  entry.insert(entry.end(), payload.begin(), payload.end());
  return seal(std::move(entry));
}

const std::vector<Token> kTokens{{0x1111, 0xa1a2a3a4a5a6a7a8u}, {0x2222, 0xb1b2b3b4b5b6b7b8u}};
const ByteList kPayload{'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'};

ByteList small_entry() {
  return encode(header_of(kPayload.size(), kTokens.size()), kTokens, kPayload);
}

// The entry without its seal, with a field written over: seal it again, and only the field is wrong.
template <class T>
ByteList with_field(std::size_t at, T value) {
  ByteList entry = small_entry();
  entry.resize(entry.size() - kSealSize);
  put(MutableBytes{entry}, at, value);
  return seal(std::move(entry));
}

// What a fresh reader says of these bytes, all in one piece.
Status read(const ByteList& entry, const StorageKey& key = kKey) {
  EntryReader reader;
  const Status begun = reader.begin(entry, entry.size(), key);
  return begun == Status::ok ? reader.finish() : begun;
}

bool same(std::span<const Token> left, std::span<const Token> right) {
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](const Token& a, const Token& b) { return a.tag == b.tag && a.value == b.value; });
}

}  // namespace

TEST_CASE("an entry reads back as it was written") {
  const ByteList entry = small_entry();
  EntryReader reader;
  REQUIRE(reader.begin(entry, entry.size(), kKey) == Status::ok);
  REQUIRE(reader.finish() == Status::ok);
  CHECK(reader.header().kind == PayloadKind::text);
  CHECK(reader.header().key == kKey);
  CHECK(reader.header().life.created == 1'000);
  CHECK(reader.header().life.fresh_until == 2'000);
  CHECK(reader.header().life.stale_until == 3'000);
  CHECK(reader.header().cost_ms == 12.5);
  CHECK(reader.header().payload_size == kPayload.size());
  CHECK(same(reader.tokens(), kTokens));
  const auto from = entry.begin() + static_cast<std::ptrdiff_t>(reader.payload_at());
  CHECK(ByteList(from, from + static_cast<std::ptrdiff_t>(kPayload.size())) == kPayload);
}

TEST_CASE("an entry has the layout that the format describes") {
  const ByteList entry = small_entry();
  REQUIRE(entry.size() == 80 + 2 * 16 + kPayload.size() + 16);
  CHECK(std::string(entry.begin(), entry.begin() + 4) == "RPRS");
  CHECK(entry[4] == 1);
  CHECK(entry[5] == 1);
  CHECK(load<std::uint16_t>(entry, 6) == 2);
  CHECK(entry[8] == 0x40);
  CHECK(entry[39] == 0x5f);
  CHECK(load<std::int64_t>(entry, 40) == 1'000);
  CHECK(load<std::int64_t>(entry, 48) == 2'000);
  CHECK(load<std::int64_t>(entry, 56) == 3'000);
  CHECK(load<double>(entry, 64) == 12.5);
  CHECK(load<std::uint64_t>(entry, 72) == kPayload.size());
  CHECK(load<std::uint64_t>(entry, 80) == 0x1111);
  CHECK(entry[88] == 0xa8);  // little-endian
  CHECK(load<std::uint64_t>(entry, 88) == 0xa1a2a3a4a5a6a7a8u);
  CHECK(load<std::uint64_t>(entry, 96) == 0x2222);
  CHECK(load<std::uint64_t>(entry, 104) == 0xb1b2b3b4b5b6b7b8u);
  CHECK(entry[112] == 'h');
}

TEST_CASE("entries of every shape read back") {
  const std::size_t token_count = GENERATE(std::size_t{0}, std::size_t{1}, kMaxTokens);
  const std::size_t payload_size = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{300'000});
  const PayloadKind kind =
      GENERATE(PayloadKind::cbor, PayloadKind::text, PayloadKind::bytes, PayloadKind::packed,
               with(PayloadKind::cbor, kFailed), with(PayloadKind::packed, kLabelled | kFailed));
  CAPTURE(token_count, payload_size, static_cast<int>(kind));
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < token_count; ++i) tokens.push_back({i, ~std::uint64_t{i}});
  EntryHeader header = header_of(payload_size, token_count);
  header.kind = kind;
  header.life = {0, kForever, kForever};
  header.cost_ms = 0;
  const ByteList entry = encode(header, tokens, ByteList(payload_size, 0x5a));
  EntryReader reader;
  REQUIRE(reader.begin(entry, entry.size(), kKey) == Status::ok);
  REQUIRE(reader.finish() == Status::ok);
  CHECK(reader.header().kind == kind);
  CHECK(reader.header().life.stale_until == kForever);
  CHECK(reader.payload_at() == kHeaderSize + token_count * kTokenSize);
  CHECK(same(reader.tokens(), tokens));
}

TEST_CASE("an entry with one flipped bit is refused, whichever bit it is") {
  const ByteList entry = small_entry();
  REQUIRE(read(entry) == Status::ok);
  std::string believed;
  for (std::size_t bit = 0; bit < entry.size() * 8; ++bit) {
    ByteList damaged = entry;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << bit % 8));
    if (read(damaged) == Status::ok) believed += std::to_string(bit) + " ";
  }
  CHECK(believed == "");
}

TEST_CASE("a flipped bit in payload, tokens or seal is a bad seal, not something else") {
  const ByteList entry = small_entry();
  std::string otherwise;
  for (std::size_t at = kHeaderSize; at < entry.size(); ++at) {
    ByteList damaged = entry;
    damaged[at] ^= 0x10;
    if (read(damaged) != Status::bad_seal) otherwise += std::to_string(at) + " ";
  }
  CHECK(otherwise == "");
}

TEST_CASE("an entry that was cut off is truncated, wherever it was cut") {
  const ByteList entry = small_entry();
  std::string otherwise;
  for (std::size_t length = 0; length < entry.size(); ++length) {
    const ByteList cut(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(length));
    if (read(cut) != Status::truncated) otherwise += std::to_string(length) + " ";
  }
  CHECK(otherwise == "");
}

TEST_CASE("an entry with something behind it is refused, were it only a zero") {
  for (const std::size_t extra : {1u, 8u, 16u, 1'000u}) {
    CAPTURE(extra);
    ByteList extended = small_entry();
    extended.resize(extended.size() + extra, 0);
    CHECK(read(extended) == Status::truncated);
  }
  // Not even another whole entry.
  ByteList twice = small_entry();
  const ByteList again = twice;
  twice.insert(twice.end(), again.begin(), again.end());
  CHECK(read(twice) == Status::truncated);
}

TEST_CASE("an intact entry under another key is noticed") {
  CHECK(read(small_entry(), storage_key(0x41)) == Status::other_key);
  StorageKey last_bit = kKey;
  last_bit[31] ^= 1;
  CHECK(read(small_entry(), last_bit) == Status::other_key);
}

TEST_CASE("an entry of another format is not read") {
  CHECK(read(with_field<std::uint8_t>(4, 0)) == Status::other_format);
  CHECK(read(with_field<std::uint8_t>(4, 2)) == Status::other_format);
  CHECK(read(with_field<std::uint8_t>(4, 255)) == Status::other_format);
  // Another format may have another shape: five bytes are enough to tell.
  CHECK(read(ByteList{'R', 'P', 'R', 'S', 2}) == Status::other_format);
}

TEST_CASE("what is not ours is not an entry") {
  CHECK(read(with_field<std::uint8_t>(0, 'r')) == Status::not_an_entry);
  CHECK(read(ByteList{'<', 'h', 't', 'm', 'l', '>'}) == Status::not_an_entry);
  CHECK(read(ByteList(500, 0)) == Status::not_an_entry);
  CHECK(read(ByteList{}) == Status::truncated);
}

TEST_CASE("a field that makes no sense is refused although the seal holds") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  REQUIRE(read(with_field<double>(64, 0.0)) == Status::ok);
  for (std::uint8_t kind = 0; kind < 16; ++kind) {
    CHECK(read(with_field<std::uint8_t>(5, kind)) == Status::ok);
  }
  CHECK(read(with_field<std::uint8_t>(5, 16)) == Status::bad_field);
  CHECK(read(with_field<std::uint8_t>(5, 255)) == Status::bad_field);
  CHECK(read(with_field<Millis>(48, 999)) == Status::bad_field);  // fresh until before created
  CHECK(read(with_field<Millis>(56, 1'999)) ==
        Status::bad_field);  // stale until before fresh until
  CHECK(read(with_field<double>(64, -1.0)) == Status::bad_field);
  CHECK(read(with_field<double>(64, kInfinity)) == Status::bad_field);
  CHECK(read(with_field<double>(64, std::numeric_limits<double>::quiet_NaN())) ==
        Status::bad_field);
}

TEST_CASE("more tokens than a reader has room for are refused before they are read") {
  CHECK(read(with_field<std::uint16_t>(6, kMaxTokens + 1)) == Status::bad_field);
  ByteList large = small_entry();
  large.resize(2'000'000, 0);
  put<std::uint16_t>(large, 6, UINT16_MAX);
  CHECK(read(large) == Status::bad_field);
}

TEST_CASE("a payload length that would wrap round is truncated, not believed") {
  const std::uint64_t frame = 80 + 32 + 16;
  for (const std::uint64_t length :
       {std::uint64_t{0}, kPayload.size() + std::uint64_t{1}, kPayload.size() - std::uint64_t{1},
        kPayload.size() + (std::uint64_t{1} << 32), UINT64_MAX, UINT64_MAX - frame + 1,
        UINT64_MAX - frame + 1 + kPayload.size(), std::uint64_t{1} << 63}) {
    CAPTURE(length);
    CHECK(read(with_field<std::uint64_t>(72, length)) == Status::truncated);
  }
}

TEST_CASE("a total that lies is truncated") {
  const ByteList entry = small_entry();
  for (const std::uint64_t total :
       {std::uint64_t{0}, entry.size() - std::uint64_t{1}, entry.size() + std::uint64_t{1},
        entry.size() + (std::uint64_t{1} << 32), UINT64_MAX}) {
    CAPTURE(total);
    EntryReader reader;
    CHECK(reader.begin(entry, total, kKey) == Status::truncated);
  }
  // Length and total lie in agreement: the bytes never come.
  const std::uint64_t frame = 80 + 32 + 16;
  const ByteList claims = with_field<std::uint64_t>(72, UINT64_MAX - frame);
  EntryReader reader;
  REQUIRE(reader.begin(claims, UINT64_MAX, kKey) == Status::ok);
  CHECK(reader.finish() == Status::truncated);
}

TEST_CASE("an entry reads the same in two pieces, wherever it is cut behind its tokens") {
  const ByteList entry = small_entry();
  const std::size_t payload_at = kHeaderSize + kTokens.size() * kTokenSize;
  std::string refused;
  std::string early;
  for (std::size_t cut = payload_at; cut < entry.size(); ++cut) {
    EntryReader reader;
    Status status = reader.begin(Bytes{entry}.first(cut), entry.size(), kKey);
    if (reader.finish() != Status::truncated) early += std::to_string(cut) + " ";
    if (status == Status::ok) status = reader.feed(Bytes{entry}.subspan(cut));
    if (status == Status::ok) status = reader.finish();
    if (status != Status::ok || !same(reader.tokens(), kTokens))
      refused += std::to_string(cut) + " ";
  }
  CHECK(refused == "");
  CHECK(early == "");
}

TEST_CASE("an entry whose first piece ends within header or tokens is truncated") {
  const ByteList entry = small_entry();
  std::string otherwise;
  for (std::size_t cut = 0; cut < kHeaderSize + kTokens.size() * kTokenSize; ++cut) {
    EntryReader reader;
    if (reader.begin(Bytes{entry}.first(cut), entry.size(), kKey) != Status::truncated) {
      otherwise += std::to_string(cut) + " ";
    }
  }
  CHECK(otherwise == "");
}

TEST_CASE("an entry in random pieces is believed whole, and refused with any byte changed") {
  const std::uint32_t seed = GENERATE(31u, 32u, 33u, 34u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    ByteList payload(random() % 2'000);
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    ByteList entry = encode(header_of(payload.size(), 1), {{random(), random()}}, payload);
    const bool damaged = round % 2 == 1;
    if (damaged) {
      const std::size_t at = kHeaderSize + random() % (entry.size() - kHeaderSize);
      entry[at] = static_cast<std::uint8_t>(entry[at] ^ (1 + random() % 255));
    }
    EntryReader reader;
    Bytes left = entry;
    const auto next = [&](std::size_t at_least) {
      const Bytes piece = left.first(std::min(left.size(), at_least + random() % 100));
      left = left.subspan(piece.size());
      return piece;
    };
    Status status = reader.begin(next(kHeaderSize + kTokenSize), entry.size(), kKey);
    while (status == Status::ok && !left.empty()) status = reader.feed(next(0));
    if (status == Status::ok) status = reader.finish();
    REQUIRE(status == (damaged ? Status::bad_seal : Status::ok));
  }
}

TEST_CASE("a piece too many is refused, and an entry that misses its last byte is truncated") {
  const ByteList entry = small_entry();
  EntryReader reader;
  REQUIRE(reader.begin(Bytes{entry}.first(entry.size() - 1), entry.size(), kKey) == Status::ok);
  CHECK(reader.finish() == Status::truncated);
  CHECK(reader.feed(ByteList(2, 0)) == Status::truncated);
  REQUIRE(reader.feed(Bytes{entry}.last(1)) == Status::ok);
  CHECK(reader.finish() == Status::ok);
  CHECK(reader.feed(ByteList(1, 0)) == Status::truncated);
}

TEST_CASE("a reader can be used again, whatever it read before") {
  const ByteList entry = small_entry();
  ByteList damaged = entry;
  damaged[115] ^= 1;
  EntryReader reader;
  for (int round = 0; round < 2; ++round) {
    REQUIRE(reader.begin(damaged, damaged.size(), kKey) == Status::ok);
    CHECK(reader.finish() == Status::bad_seal);
    REQUIRE(reader.begin(entry, entry.size(), kKey) == Status::ok);
    CHECK(reader.finish() == Status::ok);
    // Left half way.
    REQUIRE(reader.begin(Bytes{entry}.first(115), entry.size(), kKey) == Status::ok);
  }
}

TEST_CASE("a reader that refused a beginning does not finish with the entry it read before") {
  const ByteList entry = small_entry();
  ByteList foreign = entry;
  foreign[48] ^= 1;
  EntryReader reader;
  for (const ByteList& other :
       {foreign, ByteList{}, ByteList(200, 0), with_field<std::uint16_t>(6, kMaxTokens + 1)}) {
    REQUIRE(reader.begin(entry, entry.size(), kKey) == Status::ok);
    REQUIRE(reader.finish() == Status::ok);
    REQUIRE(reader.begin(other, other.size(), storage_key(0x41)) != Status::ok);
    CHECK(reader.finish() != Status::ok);
  }
}

TEST_CASE("a reader that was never begun has read nothing") {
  CHECK(EntryReader{}.finish() == Status::truncated);
}
