#include "seal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace reprise {

namespace {

XXH3_state_t* xxh3(std::uint8_t* state) { return reinterpret_cast<XXH3_state_t*>(state); }
const XXH3_state_t* xxh3(const std::uint8_t* state) {
  return reinterpret_cast<const XXH3_state_t*>(state);
}

}  // namespace

void Sealer::restart() {
  static_assert(sizeof(state_) >= sizeof(XXH3_state_t) && alignof(XXH3_state_t) <= 64);
  XXH3_128bits_reset(xxh3(state_));
}

void Sealer::update(Bytes piece) { XXH3_128bits_update(xxh3(state_), piece.data(), piece.size()); }

Digest128 Sealer::finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(xxh3(state_));
  return {hash.low64, hash.high64};
}

}  // namespace reprise
