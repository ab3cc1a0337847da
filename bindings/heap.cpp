// The heap of the module, in place of a general one, which is 1 KB gzipped. The core asks for its tables once, for pages in steps
// that grow and never gives them back, and for dictionaries, which are all of one size. So a block that was freed serves
// only a request for as much again, and everything else comes from the end of the memory.
#include "heap.h"

#include <cstdint>
#include <cstring>

// Where the linker's own data ends.
extern "C" unsigned char __heap_base;  // NOLINT(bugprone-reserved-identifier)

namespace {

constexpr std::size_t kWasmPage = 64 * 1024;

struct alignas(16) Block {
  std::size_t size;  // of what follows
  Block* next_free;
};

Block* first_free = nullptr;
unsigned char* end = &__heap_base;

std::uintptr_t address_of(const void* bytes) { return reinterpret_cast<std::uintptr_t>(bytes); }

// Bytes that no one had yet, or nullptr where the host refuses.
void* from_the_end(std::size_t size) {
  unsigned char* from = end + (-address_of(end) & 15);
  if (size > SIZE_MAX - kWasmPage - address_of(from)) return nullptr;
  const std::size_t pages = (address_of(from) + size + kWasmPage - 1) / kWasmPage;
  const std::size_t held = __builtin_wasm_memory_size(0);
  if (pages > held && __builtin_wasm_memory_grow(0, pages - held) == SIZE_MAX) return nullptr;
  end = from + size;
  return from;
}

void* allocate(std::size_t size) {
  if (size > SIZE_MAX / 2) return nullptr;
  size = (size + 15) & ~std::size_t{15};
  for (Block** at = &first_free; *at != nullptr; at = &(*at)->next_free) {
    Block* block = *at;
    if (block->size != size) continue;
    *at = block->next_free;
    return block + 1;
  }
  auto* block = static_cast<Block*>(from_the_end(sizeof(Block) + size));
  if (block == nullptr) return nullptr;
  block->size = size;
  return block + 1;
}

}  // namespace

std::size_t reprise::heap_end() { return address_of(end); }
std::size_t reprise::memory_size() { return __builtin_wasm_memory_size(0) * kWasmPage; }

extern "C" {

void* malloc(std::size_t size) { return allocate(size); }

void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  void* block = allocate(count * size);
  if (block != nullptr) std::memset(block, 0, count * size);
  return block;
}

void free(void* bytes) {
  if (bytes == nullptr) return;
  Block* block = static_cast<Block*>(bytes) - 1;
  block->next_free = first_free;
  first_free = block;
}
}
