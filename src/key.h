// The key of a call for native programs: what js/cli/key.ts computes, and under which name a storage that both share
// holds the call's entry.
//
// A library of its own, reprise_key, because SHA-256 is OpenSSL's here: the core knows no cryptography
// library. The shipped WebAssembly module has none of this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "canonical.h"

namespace reprise {

struct Key {
  KeyStatus status = KeyStatus::ok;
  std::vector<std::uint8_t> canonical{};  // empty unless status is ok
  // SHA-256 of the canonical bytes, in lowercase hexadecimal: the entry's name in storage.
  std::string sha256{};
};

// The key of a call with these arguments, a JSON array.
[[nodiscard]] Key key_of(const KeyParts& parts, const nlohmann::json& args);

}  // namespace reprise
