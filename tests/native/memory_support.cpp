#include "memory_support.h"

#include <cstddef>

namespace {
int without_memory = 0;
}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* block, std::size_t size);
void* __wrap_malloc(std::size_t size);
void* __wrap_realloc(void* block, std::size_t size);

void* __wrap_malloc(std::size_t size) { return without_memory > 0 ? nullptr : __real_malloc(size); }

void* __wrap_realloc(void* block, std::size_t size) {
  return without_memory > 0 ? nullptr : __real_realloc(block, size);
}
}

reprise::NoMemory::NoMemory() { ++without_memory; }
reprise::NoMemory::~NoMemory() { --without_memory; }
