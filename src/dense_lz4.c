#include "dense_lz4.h"

#include <string.h>

// WebAssembly computes in 64 bits although its addresses have 32, and LZ4 has one name for that: x32. With it LZ4 looks at eight
// bytes at a time, and compresses to the same bytes as on every machine of 64 bits.
#ifdef __EMSCRIPTEN__
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#define __x86_64__ 1
#define __ILP32__ 1
#define LZ4_FAST_DEC_LOOP 0
#endif
// LZ4 itself, to reach what its header does not offer. The release is pinned to the byte (cmake/Dependencies.cmake).
#include <lz4.c>

// A module that is linked for size has a memcpy of single bytes, which takes 27 us for this. The empty asm keeps the compiler from seeing
// one here.
static void copy_table(LZ4_stream_t* to, const LZ4_stream_t* from) {
  const char* source = (const char*)from;
  char* out = (char*)to;
  for (size_t at = 0; at + 16 <= sizeof *to; at += 16) {
    memcpy(out + at, source + at, 16);
    __asm__ volatile("" ::: "memory");
  }
  memcpy(out + sizeof *to / 16 * 16, source + sizeof *to / 16 * 16, sizeof *to % 16);
}

int dense_lz4_compress(LZ4_stream_t* table, const LZ4_stream_t* index, const char* source, int size,
                       char* out, int capacity) {
  // The dictionary's table is copied, and becomes that of dictionary and source together. (LZ4 can also look into two tables
  // side by side; that spares the copy, takes as long, and is more code.)
  copy_table(table, index);
  // noDictIssue: the table holds no position before the dictionary, as LZ4_loadDict made it.
  return LZ4_compress_generic(&table->internal_donotuse, source, out, size, NULL, capacity,
                              limitedOutput, byU32, usingExtDict, noDictIssue, 1);
}

int dense_lz4_decompress(const char* source, int size, char* out, int capacity,
                         int dictionary_size) {
  return LZ4_decompress_safe_withSmallPrefix(source, out, size, capacity, (size_t)dictionary_size);
}
