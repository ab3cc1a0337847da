#include "diagnostic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace reprise {

namespace {

// Characters that a reader could not see or tell apart (controls, odd spaces, direction marks) are escaped.
constexpr std::array<std::array<char32_t, 2>, 8> kUnseen = {{{0, 0x1f},
                                                             {0x7f, 0xa0},
                                                             {0xad, 0xad},
                                                             {0x200b, 0x200f},
                                                             {0x2028, 0x202f},
                                                             {0x2060, 0x206f},
                                                             {0xfeff, 0xfeff},
                                                             {'\\', '\\'}}};

// The number of bytes of the UTF-8 character that begins with `first`.
std::size_t size_of(std::uint8_t first) {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

char32_t code_of(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character[0]);
  if (character.size() == 1) return first;
  char32_t code = first & (0x7fU >> character.size());
  for (const char c : character.substr(1))
    code = code << 6 | (static_cast<std::uint8_t>(c) & 0x3fU);
  return code;
}

std::string escaped(char32_t code) {
  switch (code) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  const std::array<std::uint8_t, 2> bytes = {static_cast<std::uint8_t>(code >> 8),
                                             static_cast<std::uint8_t>(code)};
  return "\\u" + hex(bytes);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::string_view character = text.substr(0, size_of(static_cast<std::uint8_t>(text[0])));
    const char32_t code = code_of(character);
    const bool unseen = std::any_of(kUnseen.begin(), kUnseen.end(), [code](const auto& range) {
      return range[0] <= code && code <= range[1];
    });
    if (unseen || code == '"') {
      out += escaped(code);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out + '"';
}

// As JavaScript prints it, with a point, which tells it from an integer: 1e300 is "1.0e+300".
std::string float_text(double x) {
  if (std::isnan(x)) return "NaN";
  const std::string sign = std::signbit(x) ? "-" : "";
  if (std::isinf(x)) return sign + "Infinity";
  std::array<char, 32> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(x),
                                     std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), written.ptr);  // "d.ddde+xx" or "de+xx"
  const std::size_t e = shortest.find('e');
  int exponent = 0;
  const char* const from = shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1);
  std::from_chars(from, written.ptr, exponent);
  std::string digits(1, shortest[0]);
  if (e > 2) digits += shortest.substr(2, e - 2);
  const int point = exponent + 1;  // digits before the point
  const int count = static_cast<int>(digits.size());
  if (point > 21 || point <= -6) {
    const std::string fraction = count == 1 ? "0" : digits.substr(1);
    return sign + digits[0] + '.' + fraction + 'e' + (exponent < 0 ? '-' : '+') +
           std::to_string(std::abs(exponent));
  }
  if (point <= 0) return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (point >= count) {
    return sign + digits + std::string(static_cast<std::size_t>(point - count), '0') + ".0";
  }
  const auto whole = static_cast<std::size_t>(point);
  return sign + digits.substr(0, whole) + '.' + digits.substr(whole);
}

double half(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto mantissa = static_cast<double>(bits & 0x3ff);
  double size = std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 0) size = std::ldexp(mantissa, -24);
  if (exponent == 31) {
    size = mantissa == 0 ? std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return (bits & 0x8000) != 0 ? -size : size;
}

template <class To, class From>
To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  std::string item() {  // NOLINT(misc-no-recursion): keys are at most 512 levels deep
    const std::uint8_t first = bytes_[at_++];
    const std::uint64_t n = argument(first & 31);
    switch (first >> 5) {
      case 0: return std::to_string(n);
      case 1: return negative(n);
      case 2: return "h'" + hex(take(n)) + "'";
      case 3: return quoted(text(n));
      case 4: return "[" + list(n, [&] { return item(); }) + "]";
      case 5: return "{" + list(n, [&] { return member(); }) + "}";
      case 6: return std::to_string(n) + "(" + item() + ")";
      default: return simple_or_float(first & 31, n);
    }
  }

 private:
  std::uint64_t argument(unsigned low) {
    if (low < 24) return low;
    std::uint64_t n = 0;
    for (const std::uint8_t byte : take(std::size_t{1} << (low - 24))) n = n << 8 | byte;
    return n;
  }

  Bytes take(std::uint64_t count) {
    const Bytes taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  std::string_view text(std::uint64_t count) {
    const Bytes content = take(count);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

  std::string member() {  // NOLINT(misc-no-recursion)
    std::string name = item();
    return name + ": " + item();
  }

  template <class Item>
  static std::string list(std::uint64_t count, const Item& item) {
    std::string out;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i > 0) out += ", ";
      out += item();
    }
    return out;
  }

  // -1 - n, which is one beyond what 64 bits hold at the far end.
  static std::string negative(std::uint64_t n) {
    if (n == std::numeric_limits<std::uint64_t>::max()) return "-18446744073709551616";
    return "-" + std::to_string(n + 1);
  }

  static std::string simple_or_float(unsigned low, std::uint64_t n) {
    switch (low) {
      case 20: return "false";
      case 21: return "true";
      case 22: return "null";
      case 23: return "undefined";
      case 25: return float_text(half(n));
      case 26: return float_text(same_bits<float>(static_cast<std::uint32_t>(n)));
      case 27: return float_text(same_bits<double>(n));
      default: return "simple(" + std::to_string(n) + ")";
    }
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::string diagnostic(Bytes item) { return Reader(item).item(); }

std::string hex(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace reprise
