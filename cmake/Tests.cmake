# The Catch2 tests: one program, reprise_tests, from tests/native/*_test.cpp. Natively there are two more of the same
# tests, with an index whose buckets collide (all keys in one, or in 256): that may cost time, never an answer.
#
# In the wasm-tests build it is a CommonJS script for Node: the core as the module ships it, in 32
# bits and with the same flags. The tests of what is native only stay out there.
file(GLOB test_sources CONFIGURE_DEPENDS tests/native/*_test.cpp)
if(EMSCRIPTEN)
  list(FILTER test_sources EXCLUDE REGEX "/(canonical|key|diagnostic|eviction_s3fifo|eviction_wtinylfu)_test\\.cpp$")
  # The policy that the tests of the cache are told, because they must know who goes first.
  list(APPEND test_sources tools/policies/eviction_lru.cpp)
endif()

add_library(reprise_test_objects OBJECT tests/native/memory_support.cpp ${test_sources})
if(REPRISE_CATCH2_MAIN)
  target_link_libraries(reprise_test_objects PUBLIC "${REPRISE_CATCH2_MAIN}")
else()
  target_sources(reprise_test_objects PRIVATE tests/native/main.cpp)
endif()
target_link_libraries(reprise_test_objects PUBLIC reprise_dense reprise_core reprise_flags reprise_catch2)
target_include_directories(reprise_test_objects PRIVATE tools)
if(NOT EMSCRIPTEN)
  target_link_libraries(reprise_test_objects PUBLIC reprise_key reprise_sim)
endif()
# clang counts changes of sign to -Wconversion and g++ does not; in tests, g++'s view will do.
# (Set here, because it must come after reprise_flags on the command line.)
target_compile_options(reprise_catch2 INTERFACE -Wno-sign-conversion)
# A test can have malloc fail (tests/native/memory_support.h).
target_link_options(reprise_test_objects PUBLIC -Wl,--wrap=malloc,--wrap=realloc)
target_compile_definitions(reprise_test_objects PRIVATE REPRISE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
# The tests themselves need not be fast, only the core they test: this halves the time of the build.
target_compile_options(reprise_test_objects PRIVATE -O0)
# But for these, which work through megabytes themselves. (Their optimisation needs a header of its own.)
set_source_files_properties(tests/native/model_test.cpp PROPERTIES COMPILE_OPTIONS -O2 SKIP_PRECOMPILE_HEADERS ON)
set_source_files_properties(tests/native/cache_test.cpp PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
# Catch2's header is read once, but for those that do not use it as it is.
target_precompile_headers(reprise_test_objects PRIVATE <catch2/catch.hpp>)
set_source_files_properties(tests/native/main.cpp tests/native/memory_support.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON)

add_executable(reprise_tests $<TARGET_OBJECTS:reprise_test_objects>)
target_link_libraries(reprise_tests PRIVATE reprise_test_objects)

if(NOT EMSCRIPTEN)
  foreach(bits 0 8)
    # The program's own index.cpp comes before that of the library, which the linker then leaves out.
    add_executable(reprise_tests_bucket${bits} $<TARGET_OBJECTS:reprise_test_objects> src/index.cpp)
    target_compile_definitions(reprise_tests_bucket${bits} PRIVATE REPRISE_BUCKET_BITS=${bits})
    target_link_libraries(reprise_tests_bucket${bits} PRIVATE reprise_test_objects)
  endforeach()
endif()

if(EMSCRIPTEN)
  target_compile_options(reprise_test_objects PRIVATE -fexceptions)
  set_target_properties(reprise_tests PROPERTIES SUFFIX .cjs)
  target_link_options(reprise_tests PRIVATE
    -O1 -fexceptions
    -sENVIRONMENT=node -sEXIT_RUNTIME=1 -sALLOW_MEMORY_GROWTH
    -sNODERAWFS=1               # golden files and the report are real files
    -sWASM_ASYNC_COMPILATION=0  # else 3.1.6 takes Node's global fetch for a browser's
    -s${STACK_SIZE}=1048576)
endif()

add_test(NAME reprise_tests COMMAND reprise_tests)
