// Values -> canonical bytes, for native programs: the twin of js/encode.ts, byte for byte. docs/keys.md is the
// specification of both, and tests/golden/keys.json what both are held against.
//
// This is the only place that knows nlohmann-json, and it is compiled natively only: the shipped WebAssembly module
// gets its canonical bytes from JavaScript.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reprise {

// What a key is made of beside the arguments.
struct KeyParts {
  std::optional<std::string_view> scope{};
  std::optional<std::string_view> name{};
  std::variant<std::monostate, std::string_view, std::int64_t> version{};
};

enum class KeyStatus : std::uint8_t {
  ok = 0,
  not_an_array = 1,  // the arguments of a call are a JSON array
  too_deep = 2,      // nested deeper than 512 levels
  not_json = 3,      // a binary or discarded value, which JSON text cannot hold
};

struct Canonical {
  KeyStatus status = KeyStatus::ok;
  std::vector<std::uint8_t> bytes{};  // empty unless status is ok
};

// The bytes that identify a call with these arguments: deterministic CBOR (RFC 8949 section 4.2.1) of
// [format, scope, name, version, args]. Numbers are those of JavaScript: an integer beyond +-(2^53 - 1) is
// the double nearest to it. Strings must be UTF-8, as nlohmann's parser ensures.
[[nodiscard]] Canonical canonical_bytes(const KeyParts& parts, const nlohmann::json& args);

}  // namespace reprise
