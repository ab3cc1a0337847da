#include "utf8.h"

namespace reprise {

namespace {

constexpr std::uint64_t repeat(std::uint16_t unit) { return unit * 0x0001'0001'0001'0001U; }

// Some lane of x is zero. (Exact: the borrow of a lane below can only reach a lane that ends a true answer.)
constexpr bool any_zero(std::uint64_t x) { return ((x - repeat(1)) & ~x & repeat(0x8000)) != 0; }

inline std::uint8_t byte(unsigned value) { return static_cast<std::uint8_t>(value); }

// The three bytes of a unit from 0x0800 on, the first in the low byte.
constexpr std::uint32_t three_bytes(std::uint32_t unit) {
  return 0x80'80'e0 | (unit >> 12) | ((unit << 2) & 0x3f00) | ((unit & 63) << 16);
}

inline void put_word(std::uint8_t* to, std::uint32_t word) { std::memcpy(to, &word, sizeof word); }

// Four ASCII units as their low bytes, pushed together.
constexpr std::uint32_t packed(std::uint64_t four) {
  four = (four | (four >> 8)) & 0x0000'ffff'0000'ffffU;
  return static_cast<std::uint32_t>(four | (four >> 16));
}

inline std::uint64_t load_four(const std::uint16_t* from) {
  std::uint64_t four = 0;
  std::memcpy(&four, from, sizeof four);
  return four;
}

// One unit that is no surrogate, without a branch: its one to three bytes are the low ones of the four written.
inline std::uint8_t* put_unit(std::uint8_t* to, std::uint32_t unit) {
  const std::uint32_t two = 0x80c0 | (unit >> 6) | ((unit & 63) << 8);
  const bool above_one = unit >= 0x80;
  const bool above_two = unit >= 0x800;
  put_word(to, above_two ? three_bytes(unit) : above_one ? two : unit);
  return to + 1 + above_one + above_two;
}

}  // namespace

Utf8 to_utf8(std::span<const std::uint16_t> units, MutableBytes out) {
  const std::uint16_t* from = units.data();
  const std::uint16_t* const end = from + units.size();
  std::uint8_t* to = out.data();
  bool well_formed = true;
  while (from != end) {
    // Not the last unit: then there is room for a byte more than a unit can become, and put_unit may spill.
    while (end - from > 4) {
      const std::uint64_t four = load_four(from);
      if ((four & repeat(0xff80)) == 0) {
        put_word(to, packed(four));
        from += 4;
        to += 4;
        continue;
      }
      const std::uint64_t top = four & repeat(0xf800);
      if (any_zero(top ^ repeat(0xd800))) break;  // a surrogate
      if (!any_zero(top)) {
        // Four times three bytes, in three words.
        const std::uint32_t a = three_bytes(from[0]), b = three_bytes(from[1]);
        const std::uint32_t c = three_bytes(from[2]), d = three_bytes(from[3]);
        put_word(to, a | (b << 24));
        put_word(to + 4, (b >> 8) | (c << 16));
        put_word(to + 8, (c >> 16) | (d << 8));
        from += 4;
        to += 12;
        continue;
      }
      for (int i = 0; i < 4; ++i) to = put_unit(to, from[i]);
      from += 4;
    }
    const unsigned unit = *from++;
    if (unit < 0x80) {
      *to++ = byte(unit);
    } else if (unit < 0x800) {
      to[0] = byte(0xc0 | (unit >> 6));
      to[1] = byte(0x80 | (unit & 63));
      to += 2;
    } else if ((unit & 0xfc00) == 0xd800 && from != end && (*from & 0xfc00) == 0xdc00) {
      const unsigned point = 0x10000 + ((unit & 0x3ff) << 10) + (*from++ & 0x3ffU);
      to[0] = byte(0xf0 | (point >> 18));
      to[1] = byte(0x80 | ((point >> 12) & 63));
      to[2] = byte(0x80 | ((point >> 6) & 63));
      to[3] = byte(0x80 | (point & 63));
      to += 4;
    } else {
      if ((unit & 0xf800) == 0xd800) well_formed = false;
      to[0] = byte(0xe0 | (unit >> 12));
      to[1] = byte(0x80 | ((unit >> 6) & 63));
      to[2] = byte(0x80 | (unit & 63));
      to += 3;
    }
  }
  return {static_cast<std::size_t>(to - out.data()), well_formed};
}

}  // namespace reprise
