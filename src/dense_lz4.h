// The two things that dense.cpp needs of LZ4, each compiled for exactly that. Through lz4.h they would be functions that
// choose among ten variants of the same loop, and the module would carry them all.
#pragma once

#define LZ4_STATIC_LINKING_ONLY
#include <lz4.h>

#ifdef __cplusplus
extern "C" {
#endif

// Compresses `source` against the dictionary that LZ4_loadDict read into `index`. `table` belongs to nobody: it is used and
// left to the next call. Returns the compressed size, or 0 where that is above `capacity`.
int dense_lz4_compress(LZ4_stream_t* table, const LZ4_stream_t* index, const char* source, int size,
                       char* out, int capacity);

// Decodes behind a dictionary of `dictionary_size` (below 64 KB) that ends where `out` begins. Reads and writes nothing
// beyond `source`, the dictionary and `capacity`, whatever the source holds. Returns the decoded size, or less than 0.
int dense_lz4_decompress(const char* source, int size, char* out, int capacity,
                         int dictionary_size);

#ifdef __cplusplus
}
#endif
