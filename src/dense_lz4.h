// The three things that dense.cpp needs of LZ4, each compiled for exactly that. Through lz4.h and lz4hc.h they would be functions that
// choose among many variants of the same loop, and the module would carry them all.
#pragma once

#define LZ4_HC_STATIC_LINKING_ONLY
#include <lz4.h>
#include <lz4hc.h>

#ifdef __cplusplus
extern "C" {
#endif

// Notes in `index` where in the dictionary what is; the dictionary stays where it is.
void dense_lz4_index(LZ4_streamHC_t* index, const char* dictionary, int dictionary_size);

// Compresses `source` against the dictionary of `index`. `work` belongs to nobody: dense_lz4_prepare made it, and each call leaves it to
// the next. Returns the compressed size, or 0 where that is above `capacity`.
int dense_lz4_compress(LZ4_streamHC_t* work, const LZ4_streamHC_t* index, const char* source,
                       int size, char* out, int capacity);
void dense_lz4_prepare(LZ4_streamHC_t* work);

// Decodes behind a dictionary of `dictionary_size` (below 64 KB) that ends where `out` begins. Reads and writes nothing
// beyond `source`, the dictionary and `capacity`, whatever the source holds. Returns the decoded size, or less than 0.
int dense_lz4_decompress(const char* source, int size, char* out, int capacity,
                         int dictionary_size);

#ifdef __cplusplus
}
#endif
