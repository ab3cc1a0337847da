// Catch2 itself, and the main program, where the system has no library of them.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
