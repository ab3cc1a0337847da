#include "canonical.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace reprise {

namespace {

using nlohmann::json;
using Output = std::vector<std::uint8_t>;

constexpr int kFormat = 1;
constexpr int kMaxDepth = 512;
constexpr double kMaxSafeInteger = 9007199254740991;

enum class Major : std::uint8_t { positive = 0, negative = 1, text = 3, array = 4, map = 5 };

void put_big_endian(Output& out, std::uint64_t bits, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
}

// The head of an item, in its shortest form.
void put_head(Output& out, Major major, std::uint64_t n) {
  const auto top = static_cast<std::uint8_t>(static_cast<unsigned>(major) << 5);
  const auto with = [&](std::uint8_t low, int size) {
    out.push_back(static_cast<std::uint8_t>(top | low));
    put_big_endian(out, n, size);
  };
  if (n < 24) return out.push_back(static_cast<std::uint8_t>(top | n));
  if (n <= 0xff) return with(24, 1);
  if (n <= 0xffff) return with(25, 2);
  if (n <= 0xffffffff) return with(26, 4);
  with(27, 8);
}

// A single's bits as a half, where that is exact.
std::optional<std::uint16_t> half_of(std::uint32_t single) {
  const std::uint32_t sign = (single >> 16) & 0x8000;
  const int exponent = static_cast<int>((single >> 23) & 0xff) - 127;
  const std::uint32_t mantissa = single & 0x7fffff;
  const auto half = [&](std::uint32_t bits) { return static_cast<std::uint16_t>(sign | bits); };
  if (exponent == 128) return mantissa == 0 ? std::optional(half(0x7c00)) : std::nullopt;
  if (exponent == -127) return mantissa == 0 ? std::optional(half(0)) : std::nullopt;
  if (exponent > 15 || exponent < -24) return std::nullopt;
  if (exponent >= -14) {
    if ((mantissa & 0x1fff) != 0) return std::nullopt;
    return half((static_cast<std::uint32_t>(exponent + 15) << 10) | (mantissa >> 13));
  }
  const std::uint32_t full = mantissa | 0x800000;
  const int shift = -1 - exponent;  // below the point of a subnormal half
  if ((full & ((1U << shift) - 1)) != 0) return std::nullopt;
  return half(full >> shift);
}

// The shortest float that holds x exactly.
void put_float(Output& out, double x) {
  if (std::isnan(x)) {
    out.push_back(0xf9);
    return put_big_endian(out, 0x7e00, 2);
  }
  const bool fits_single = std::isinf(x) || std::fabs(x) <= std::numeric_limits<float>::max();
  const float narrow = fits_single ? static_cast<float>(x) : 0;
  if (fits_single && static_cast<double>(narrow) == x) {
    std::uint32_t single = 0;
    std::memcpy(&single, &narrow, sizeof single);
    if (const auto half = half_of(single)) {
      out.push_back(0xf9);
      return put_big_endian(out, *half, 2);
    }
    out.push_back(0xfa);
    return put_big_endian(out, single, 4);
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  out.push_back(0xfb);
  put_big_endian(out, bits, 8);
}

// JavaScript has one kind of number: an integer that a double holds exactly is an integer, -0 is 0.
void put_number(Output& out, double x) {
  if (std::trunc(x) != x || std::fabs(x) > kMaxSafeInteger) return put_float(out, x);
  if (x >= 0) return put_head(out, Major::positive, static_cast<std::uint64_t>(x));
  put_head(out, Major::negative, static_cast<std::uint64_t>(-1 - x));
}

void put_text(Output& out, std::string_view text) {
  put_head(out, Major::text, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

KeyStatus put_value(Output& out, const json& value, int depth);

KeyStatus put_object(Output& out, const json& object, int depth) {
  std::vector<std::pair<Output, const json*>> members;
  members.reserve(object.size());
  for (const auto& [name, member] : object.items()) {
    Output encoded;
    put_text(encoded, name);
    members.emplace_back(std::move(encoded), &member);
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  put_head(out, Major::map, members.size());
  for (const auto& [name, member] : members) {
    out.insert(out.end(), name.begin(), name.end());
    if (const KeyStatus status = put_value(out, *member, depth); status != KeyStatus::ok) {
      return status;
    }
  }
  return KeyStatus::ok;
}

KeyStatus put_array(Output& out, const json& array, int depth) {
  put_head(out, Major::array, array.size());
  for (const json& item : array) {
    if (const KeyStatus status = put_value(out, item, depth); status != KeyStatus::ok) {
      return status;
    }
  }
  return KeyStatus::ok;
}

// `depth` counts the arrays and objects around the value, below the array of arguments.
KeyStatus put_value(Output& out, const json& value, int depth) {
  switch (value.type()) {
    case json::value_t::null: out.push_back(0xf6); return KeyStatus::ok;
    case json::value_t::boolean:
      out.push_back(value.get<bool>() ? 0xf5 : 0xf4);
      return KeyStatus::ok;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: put_number(out, value.get<double>()); return KeyStatus::ok;
    case json::value_t::string:
      put_text(out, value.get_ref<const std::string&>());
      return KeyStatus::ok;
    case json::value_t::array:
      return depth == kMaxDepth ? KeyStatus::too_deep : put_array(out, value, depth + 1);
    case json::value_t::object:
      return depth == kMaxDepth ? KeyStatus::too_deep : put_object(out, value, depth + 1);
    case json::value_t::binary:
    case json::value_t::discarded: break;
  }
  return KeyStatus::not_json;
}

void put_optional(Output& out, std::optional<std::string_view> text) {
  if (text.has_value()) return put_text(out, *text);
  out.push_back(0xf6);
}

}  // namespace

Canonical canonical_bytes(const KeyParts& parts, const json& args) {
  if (!args.is_array()) return {KeyStatus::not_an_array, {}};
  Canonical canonical;
  Output& out = canonical.bytes;
  put_head(out, Major::array, 5);
  put_number(out, kFormat);
  put_optional(out, parts.scope);
  put_optional(out, parts.name);
  if (const auto* text = std::get_if<std::string_view>(&parts.version)) {
    put_text(out, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&parts.version)) {
    put_number(out, static_cast<double>(*number));
  } else {
    out.push_back(0xf6);
  }
  canonical.status = put_array(out, args, 0);
  if (canonical.status != KeyStatus::ok) out.clear();
  return canonical;
}

}  // namespace reprise
