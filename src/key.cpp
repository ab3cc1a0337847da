#include "key.h"

#include <openssl/sha.h>

#include <array>
#include <utility>

#include "diagnostic.h"

namespace reprise {

Key key_of(const KeyParts& parts, const nlohmann::json& args) {
  Canonical canonical = canonical_bytes(parts, args);
  if (canonical.status != KeyStatus::ok) return {canonical.status, {}, {}};
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(canonical.bytes.data(), canonical.bytes.size(), digest.data());
  return {KeyStatus::ok, std::move(canonical.bytes), hex(digest)};
}

}  // namespace reprise
