#include "utf8.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace reprise;

namespace {

std::string utf8(const std::u16string& text, bool well_formed = true) {
  const std::vector<std::uint16_t> units(text.begin(), text.end());
  std::vector<std::uint8_t> out(units.size() * kMaxUtf8PerUnit + 1, 0xaa);
  const Utf8 utf8 = to_utf8(units, {out.data(), out.size() - 1});
  REQUIRE(out.back() == 0xaa);
  REQUIRE(utf8.well_formed == well_formed);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(utf8.size)};
}

// By the table of RFC 3629, one code point at a time.
std::string naive(char32_t point) {
  const auto c = [](char32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {c(point)};
  if (point < 0x800) return {c(0xc0 | (point >> 6)), c(0x80 | (point & 63))};
  if (point < 0x10000) {
    return {c(0xe0 | (point >> 12)), c(0x80 | ((point >> 6) & 63)), c(0x80 | (point & 63))};
  }
  return {c(0xf0 | (point >> 18)), c(0x80 | ((point >> 12) & 63)), c(0x80 | ((point >> 6) & 63)),
          c(0x80 | (point & 63))};
}

std::u16string units_of(char32_t point) {
  if (point < 0x10000) return {static_cast<char16_t>(point)};
  point -= 0x10000;
  return {static_cast<char16_t>(0xd800 + (point >> 10)),
          static_cast<char16_t>(0xdc00 + (point & 0x3ff))};
}

}  // namespace

TEST_CASE("every code point becomes its UTF-8, at every place among four") {
  std::string wrong;
  for (char32_t point = 0; point <= 0x10ffff; point = point < 0x10000 ? point + 1 : point + 251) {
    if (point >= 0xd800 && point < 0xe000) continue;
    const std::u16string text =
        units_of(point) + u"a" + units_of(point) + units_of(point) + units_of(point) + u"ab";
    const std::string one = naive(point);
    if (utf8(text) != one + "a" + one + one + one + "ab") wrong += std::to_string(point) + " ";
  }
  CHECK(wrong == "");
}

TEST_CASE(
    "texts in runs of any script, of any length, become what one code point at a time makes of "
    "them") {
  const std::uint32_t seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::u16string text;
    std::string expected;
    while (text.size() < 200) {
      const char32_t first[] = {0x20,   0x80,   0x7ff,  0x800,   0x4e00,
                                0xd7ff, 0xe000, 0xffff, 0x1f600, 0x10ffff};
      const char32_t base = first[random() % 10];
      for (auto run = 1 + random() % 11; run > 0; --run) {
        text += units_of(base);
        expected += naive(base);
      }
    }
    CHECK(utf8(text) == expected);
  }
  CHECK(utf8(u"") == "");
}

TEST_CASE("a lone surrogate becomes three bytes and is told, wherever it stands") {
  CHECK(utf8({0xd800}, false) == "\xed\xa0\x80");
  CHECK(utf8({'a', 'b', 'c', 0xdfff, 0xd800}, false) == "abc\xed\xbf\xbf\xed\xa0\x80");
  CHECK(utf8({0xdc00, 0xd800, 0xdc00, 0xd800}, false) ==
        "\xed\xb0\x80\xf0\x90\x80\x80\xed\xa0\x80");
}
