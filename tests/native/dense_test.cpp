#include "dense.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dense_support.h"
#include "memory_support.h"

using namespace reprise;

namespace {

constexpr std::uint64_t kEnough = 1'700'000;

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// Feeds replies until the dictionary is closed; says how many that took.
std::size_t close(Dense& dense, std::uint8_t dictionary, Replies& replies) {
  std::size_t samples = 0;
  while (dense.compress(dictionary, bytes_of(replies.reply())).empty()) ++samples;
  return samples;
}

// Compressed bytes in a block of exactly their size, so that the sanitizer sees a read behind them.
class Block {
 public:
  explicit Block(const std::string& text) : Block(text, text.size()) {}
  Block(const std::string& text, std::size_t size) : bytes_(new std::uint8_t[size]), size_(size) {
    std::copy_n(text.begin(), size, bytes_.get());
  }
  [[nodiscard]] Bytes bytes() const { return {bytes_.get(), size_}; }
  std::uint8_t& operator[](std::size_t at) { return bytes_[at]; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

}  // namespace

TEST_CASE("the first payloads of a function become its dictionary, and are kept as they are") {
  Dense dense(kEnough);
  Replies replies(1);
  const std::size_t samples = close(dense, 0, replies);
  CHECK(samples > 30);
  CHECK(samples < 60);
  // From then on all are compressed.
  bool all = true;
  for (int i = 0; i < 1'000; ++i) {
    all = all && !dense.compress(0, bytes_of(replies.reply())).empty();
  }
  CHECK(all);
}

TEST_CASE("what was compressed comes back, in any order, and takes less than half") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  Dense dense(kEnough);
  Replies replies(seed);
  close(dense, 0, replies);
  std::vector<std::string> texts;
  std::vector<std::string> compressed;
  std::size_t before = 0;
  std::size_t after = 0;
  for (int i = 0; i < 1'000; ++i) {
    texts.push_back(replies.reply(300 + replies.below(700)));
    compressed.push_back(copy_of(dense.compress(0, bytes_of(texts.back()))));
    before += texts.back().size();
    after += compressed.back().size();
  }
  bool same = true;
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t which = replies.below(texts.size());
    const Bytes decoded = dense.decompress(0, bytes_of(compressed[which]), texts[which].size());
    same = same && copy_of(decoded) == texts[which];
  }
  CHECK(same);
  CAPTURE(before, after);
  CHECK(after * 2 < before);
}

TEST_CASE("payloads of any size up to the largest come back") {
  const std::uint32_t seed = GENERATE(1u, 2u);
  CAPTURE(seed);
  Dense dense(kEnough);
  Replies replies(seed);
  close(dense, 0, replies);
  const std::string long_text = replies.prose(Dense::kMaxPayload);
  std::vector<std::size_t> sizes{Dense::kMaxPayload, Dense::kMaxPayload - 1, 4'095, 4'096, 4'097};
  for (std::size_t size = 1; size < 300; ++size) sizes.push_back(size);
  for (int i = 0; i < 100; ++i) sizes.push_back(1 + replies.below(Dense::kMaxPayload));
  std::size_t compressed_count = 0;
  bool same = true;
  for (const std::size_t size : sizes) {
    const std::string text = long_text.substr(0, size);
    const Block compressed(copy_of(dense.compress(0, bytes_of(text))));
    if (compressed.bytes().empty()) continue;
    ++compressed_count;
    same = same && compressed.bytes().size() <= size - size / 10;
    same = same && copy_of(dense.decompress(0, compressed.bytes(), size)) == text;
  }
  CHECK(same);
  CHECK(compressed_count > 300);
  CHECK(dense.compress(0, bytes_of(long_text + std::string(10, '.'))).empty());
  CHECK(dense.compress(0, {}).empty());
}

TEST_CASE("what does not shrink by a tenth is kept as it is, and spoils nothing") {
  Dense dense(kEnough);
  Replies replies(5);
  close(dense, 0, replies);
  for (const std::size_t size : {1u, 20u, 1'000u, 5'000u, 60'000u}) {
    CAPTURE(size);
    CHECK(dense.compress(0, bytes_of(replies.noise(size))).empty());
    const std::string text = replies.reply();
    const std::string compressed = copy_of(dense.compress(0, bytes_of(text)));
    CHECK(compressed.size() < text.size());
    CHECK(copy_of(dense.decompress(0, bytes_of(compressed), text.size())) == text);
  }
}

TEST_CASE("each of the first functions has a dictionary of its own, and the others share one") {
  Dense dense(kEnough);
  CHECK(dense.dictionary_of(0) == 0);
  CHECK(dense.dictionary_of(15) == 15);
  CHECK(dense.dictionary_of(16) == 16);
  CHECK(dense.dictionary_of(17) == 16);
  CHECK(dense.dictionary_of(0xffff'ffff) == 16);
  Replies replies(7);
  struct Kept {
    std::uint8_t dictionary;
    std::string text;
    std::string compressed;
  };
  // The texts of a function begin with its number, many times.
  const auto text_of = [&](std::uint8_t dictionary) {
    std::string text;
    for (int i = 0; i < 5; ++i)
      text += "function " + std::to_string(dictionary) + replies.prose(100);
    return text;
  };
  std::vector<Kept> kept;
  for (int i = 0; i < 5'000; ++i) {
    const auto dictionary = dense.dictionary_of(static_cast<std::uint32_t>(replies.below(30)));
    std::string text = text_of(dictionary);
    std::string compressed = copy_of(dense.compress(dictionary, bytes_of(text)));
    if (!compressed.empty()) kept.push_back({dictionary, std::move(text), std::move(compressed)});
  }
  CHECK(kept.size() > 2'000);
  bool same = true;
  for (int i = 0; i < 5'000; ++i) {
    const Kept& one = kept[replies.below(kept.size())];
    const Bytes decoded =
        dense.decompress(one.dictionary, bytes_of(one.compressed), one.text.size());
    same = same && copy_of(decoded) == one.text;
  }
  CHECK(same);
  CHECK(dense.bytes() == Dense::bytes_for(17));
}

TEST_CASE("a dictionary that is closed never changes") {
  Dense dense(kEnough);
  Replies replies(8);
  close(dense, 3, replies);
  const std::string text = replies.reply();
  const std::string compressed = copy_of(dense.compress(3, bytes_of(text)));
  for (int i = 0; i < 3'000; ++i) (void)dense.compress(3, bytes_of(replies.reply()));
  CHECK(copy_of(dense.compress(3, bytes_of(text))) == compressed);
  CHECK(copy_of(dense.decompress(3, bytes_of(compressed), text.size())) == text);
}

TEST_CASE("no payload fills a dictionary alone") {
  Dense dense(kEnough);
  Replies replies(9);
  int samples = 0;
  while (dense.compress(0, bytes_of(replies.prose(60'000))).empty()) ++samples;
  CHECK(samples == 8);
}

TEST_CASE("a payload cut short anywhere is refused") {
  Dense dense(kEnough);
  Replies replies(10);
  close(dense, 0, replies);
  for (const std::size_t size : {40u, 650u, 9'000u}) {
    CAPTURE(size);
    const std::string text = replies.reply(size);
    const std::string compressed = copy_of(dense.compress(0, bytes_of(text)));
    REQUIRE(!compressed.empty());
    bool all_refused = true;
    for (std::size_t length = 0; length < compressed.size(); ++length) {
      const Block cut(compressed, length);
      all_refused = all_refused && dense.decompress(0, cut.bytes(), text.size()).empty();
    }
    CHECK(all_refused);
    CHECK(copy_of(dense.decompress(0, bytes_of(compressed), text.size())) == text);
  }
}

TEST_CASE("damaged payloads are refused or wrong, but stay within their place") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  Dense dense(kEnough);
  Replies replies(seed);
  close(dense, 0, replies);
  close(dense, 1, replies);
  const std::string text = replies.reply();
  const std::string compressed = copy_of(dense.compress(0, bytes_of(text)));
  std::size_t refused = 0;
  bool sized = true;
  bool intact = true;
  for (int i = 0; i < 5'000; ++i) {
    Block damaged(compressed);
    for (std::size_t flips = 1 + replies.below(8); flips > 0; --flips) {
      damaged[replies.below(compressed.size())] ^=
          static_cast<std::uint8_t>(1 + replies.below(255));
    }
    const Bytes decoded = dense.decompress(0, damaged.bytes(), text.size());
    refused += decoded.empty() ? 1 : 0;
    sized = sized && (decoded.empty() || decoded.size() == text.size());
    // The dictionary before the place was not written to.
    intact = intact && copy_of(dense.decompress(0, bytes_of(compressed), text.size())) == text;
  }
  for (int i = 0; i < 2'000; ++i) {
    const Block noise(replies.noise(1 + replies.below(2'000)));
    (void)dense.decompress(0, noise.bytes(), text.size());
    intact = intact && copy_of(dense.decompress(0, bytes_of(compressed), text.size())) == text;
  }
  CHECK(sized);
  CHECK(intact);
  CHECK(refused > 2'500);
}

TEST_CASE("a payload of another length, of no dictionary or of an open one is refused") {
  Dense dense(kEnough);
  Replies replies(12);
  close(dense, 0, replies);
  const std::string text = replies.reply();
  const std::string compressed = copy_of(dense.compress(0, bytes_of(text)));
  CHECK(dense.decompress(0, bytes_of(compressed), text.size() - 1).empty());
  CHECK(dense.decompress(0, bytes_of(compressed), text.size() + 1).empty());
  CHECK(dense.decompress(0, bytes_of(compressed), SIZE_MAX).empty());
  CHECK(dense.decompress(0, {}, text.size()).empty());
  CHECK(dense.decompress(1, bytes_of(compressed), text.size()).empty());
  CHECK(dense.decompress(17, bytes_of(compressed), text.size()).empty());
  CHECK(dense.compress(17, bytes_of(text)).empty());
  dense.clear();
  CHECK(dense.decompress(0, bytes_of(compressed), text.size()).empty());
}

TEST_CASE("what it takes is counted, and nothing is left after clear") {
  Dense dense(kEnough);
  Replies replies(13);
  CHECK(dense.bytes() == 0);
  (void)dense.compress(4, bytes_of(replies.reply()));
  CHECK(dense.bytes() == Dense::kDictionarySize);
  close(dense, 4, replies);
  CHECK(dense.bytes() == Dense::bytes_for(1));
  CHECK(Dense::bytes_for(1) < 720'000);
  CHECK(Dense::bytes_for(100) == Dense::bytes_for(17));
  dense.clear();
  CHECK(dense.bytes() == 0);
  CHECK(close(dense, 4, replies) > 30);
}

TEST_CASE("dictionaries are opened as long as what may be taken lasts") {
  Dense dense(Dense::bytes_for(2));
  Replies replies(16);
  close(dense, 5, replies);
  close(dense, 9, replies);
  bool kept = true;
  for (int i = 0; i < 100; ++i) kept = kept && dense.compress(2, bytes_of(replies.reply())).empty();
  CHECK(kept);
  CHECK(dense.bytes() == Dense::bytes_for(2));
  CHECK(!dense.compress(9, bytes_of(replies.reply())).empty());

  Dense none(Dense::bytes_for(1) - 1);
  for (int i = 0; i < 100; ++i) kept = kept && none.compress(2, bytes_of(replies.reply())).empty();
  CHECK(kept);
  CHECK(none.bytes() == 0);
}

TEST_CASE("without memory payloads are kept as they are, and later there is another try") {
  Dense dense(kEnough);
  Replies replies(14);
  const std::string text = replies.reply();
  bool kept = true;
  {
    const NoMemory none;
    for (int i = 0; i < 100; ++i) kept = kept && dense.compress(0, bytes_of(text)).empty();
  }
  CHECK(kept);
  CHECK(dense.bytes() == 0);
  // The second allocation is that of the tables, for the first payload behind a full dictionary.
  Replies again(15);
  const std::size_t samples = close(dense, 2, again);
  dense.clear();
  Replies once_more(15);
  for (std::size_t i = 0; i < samples; ++i) {
    CHECK(dense.compress(2, bytes_of(once_more.reply())).empty());
  }
  const std::string next = once_more.reply();
  {
    const NoMemory none;
    kept = dense.compress(2, bytes_of(next)).empty();
  }
  CHECK(kept);
  CHECK(dense.bytes() == Dense::kDictionarySize);
  const std::string compressed = copy_of(dense.compress(2, bytes_of(next)));
  CHECK(copy_of(dense.decompress(2, bytes_of(compressed), next.size())) == next);
}

TEST_CASE(
    "a quarter of the budget may be for dictionaries, unless that is too little for one or more "
    "than all take") {
  CHECK(Dense::share_of(4 * Dense::bytes_for(1) - 1) == 0);
  CHECK(Dense::share_of(4 * Dense::bytes_for(1)) == Dense::bytes_for(1));
  CHECK(Dense::share_of(4'000'000) == 1'000'000);
  CHECK(Dense::share_of(64'000'000) == Dense::bytes_for(17));
}
