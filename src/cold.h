// REPRISE_COLD marks functions that no hit comes to, in files that are compiled for speed: they are compiled for size.
#pragma once

#if defined(__clang__) && defined(__wasm__)
#define REPRISE_COLD __attribute__((minsize, noinline))
#else
#define REPRISE_COLD
#endif
