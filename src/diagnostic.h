// Canonical bytes as people read them; js/cli/diagnostic.ts prints the same.
#pragma once

#include <string>

#include "bytes.h"

namespace reprise {

// The diagnostic notation (RFC 8949, section 8) of one item, on one line. It reads what keys are written in: definite
// lengths and shortest forms. The bytes must be an item that canonical_bytes or js/encode.ts wrote.
[[nodiscard]] std::string diagnostic(Bytes item);

[[nodiscard]] std::string hex(Bytes bytes);

}  // namespace reprise
