// The main program of the native tests. Catch2 is compiled here, once.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
