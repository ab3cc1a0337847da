#include "dense_lz4.h"

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
// LZ4 itself, to reach what its headers do not offer. The release is pinned to the byte (cmake/Dependencies.cmake).
#include <lz4.c>
#include <lz4hc.c>

// How many of the places that begin like this one are looked at for the longest match: LZ4's level 5.
static const int kAttempts = 16;

void dense_lz4_index(LZ4_streamHC_t* index, const char* dictionary, int dictionary_size) {
  LZ4_initStreamHC(index, sizeof *index);
  LZ4_loadDictHC(index, dictionary, dictionary_size);
}

void dense_lz4_prepare(LZ4_streamHC_t* work) { LZ4_initStreamHC(work, sizeof *work); }

int dense_lz4_compress(LZ4_streamHC_t* work, const LZ4_streamHC_t* index, const char* source,
                       int size, char* out, int capacity) {
  LZ4HC_CCtx_internal* const context = &work->internal_donotuse;
  // What it knows of the last source is out of reach from here on, and need not be wiped.
  LZ4_resetStreamHC_fast(work, LZ4HC_CLEVEL_MIN);
  LZ4HC_init_internal(context, (const BYTE*)source);
  context->dictCtx = &index->internal_donotuse;
  context->end += size;
  // (For a source above 4 KB, LZ4 would copy all of the index to look into one table instead of two. It is rare, and more code.)
  const int written = LZ4HC_compress_hashChain(context, source, out, &size, capacity, kAttempts,
                                               limitedOutput, usingDictCtxHc);
  if (written <= 0) context->dirty = 1;
  return written;
}

int dense_lz4_decompress(const char* source, int size, char* out, int capacity,
                         int dictionary_size) {
  return LZ4_decompress_safe_withSmallPrefix(source, out, size, capacity, (size_t)dictionary_size);
}
