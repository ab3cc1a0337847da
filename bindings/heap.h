// What is known of the module's memory.
#pragma once

#include <cstddef>

namespace reprise {

// How much of it is in use or was.
std::size_t heap_end();
// How much of it the host has given.
std::size_t memory_size();

}  // namespace reprise
