# The libraries Reprise is built from: xxHash, LZ4, nlohmann-json (native only) and Catch2 (tests only).
# OpenSSL, which only reprise_key uses, is looked for in CMakeLists.txt.
#
# All but LZ4 are headers. They are taken from the system where it has them, else downloaded at a
# pinned version. Each is then linked, alone, into third_party/ of the build folder, and only that
# folder is searched: so the host's /usr/include never leaks into a WebAssembly compile.
include(FetchContent)

option(REPRISE_SYSTEM_LIBRARIES "Use the libraries of the system where they are installed" ON)
set(third_party "${CMAKE_BINARY_DIR}/third_party")

# stage(<name> HEADER <header> URL <url> SHA256 <hash> SUBDIR <folder of the header in the archive>)
#
# Links the first part of HEADER's path (`xxhash.h`, or the folder `catch2`) into third_party.
function(stage name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;URL;SHA256;SUBDIR" "")

  set(found "")
  if(REPRISE_SYSTEM_LIBRARIES)
    # Not below Emscripten's sysroot, where find_path would look: these headers suit any target.
    find_path(REPRISE_${name}_INCLUDE_DIR "${arg_HEADER}"
      PATHS /usr/include /usr/local/include /opt/homebrew/include
      NO_CMAKE_FIND_ROOT_PATH)
    if(REPRISE_${name}_INCLUDE_DIR)
      set(found "${REPRISE_${name}_INCLUDE_DIR}")
    endif()
  endif()

  if(NOT found)
    message(STATUS "${name}: ${arg_HEADER} is not installed; downloading ${arg_URL}")
    # SOURCE_SUBDIR names a folder without a CMakeLists.txt: unpack, but build nothing of it.
    FetchContent_Declare(${name} URL "${arg_URL}" URL_HASH SHA256=${arg_SHA256}
      DOWNLOAD_EXTRACT_TIMESTAMP OFF SOURCE_SUBDIR headers-only)
    FetchContent_MakeAvailable(${name})
    set(found "${${name}_SOURCE_DIR}/${arg_SUBDIR}")
    if(NOT EXISTS "${found}/${arg_HEADER}")
      message(FATAL_ERROR "${name}: there is no ${arg_HEADER} in ${found}, though it was downloaded.")
    endif()
  endif()

  message(STATUS "${name}: ${found}/${arg_HEADER}")
  string(REGEX REPLACE "/.*" "" entry "${arg_HEADER}")
  file(MAKE_DIRECTORY "${third_party}")
  file(CREATE_LINK "${found}/${entry}" "${third_party}/${entry}" SYMBOLIC)
endfunction()

stage(xxhash
  HEADER xxhash.h
  URL https://github.com/Cyan4973/xxHash/archive/refs/tags/v0.8.1.tar.gz
  SHA256 3bb6b7d6f30c591dd65aaaff1c8b7a5b94d81687998ca9400082c739a690436c
  SUBDIR .)

if(NOT EMSCRIPTEN)
  stage(nlohmann_json
    HEADER nlohmann/json.hpp
    URL https://github.com/nlohmann/json/archive/refs/tags/v3.11.2.tar.gz
    SHA256 d69f9deb6a75e2580465c6c4c5111b89c4dc2fa94e3a85fcd2ffcd9a143d9273
    SUBDIR include)
endif()

if(REPRISE_TESTS)
  # catch2/catch.hpp is there in version 2 only, which is what we want.
  stage(catch2
    HEADER catch2/catch.hpp
    URL https://github.com/catchorg/Catch2/archive/refs/tags/v2.13.10.tar.gz
    SHA256 d54a712b7b1d7708bc7a819a8e6e47b2fde9536f487b89ccbca295072a7d9943
    SUBDIR single_include)
  # Compiling Catch2 itself takes a quarter of a minute, with sanitizers twice that. Debian's package has it compiled.
  if(REPRISE_catch2_INCLUDE_DIR AND NOT EMSCRIPTEN)
    find_library(REPRISE_CATCH2_MAIN Catch2WithMain)
  endif()
endif()

add_library(reprise_headers INTERFACE)
target_include_directories(reprise_headers SYSTEM INTERFACE "${third_party}")
add_library(reprise_catch2 INTERFACE)
target_link_libraries(reprise_catch2 INTERFACE reprise_headers)

# ---- LZ4 ---------------------------------------------------------------------------------------
# Its C source, because every target compiles it; no system package has that. npm, which this project cannot do without
# anyway, brings it: the package `lmdb` carries LZ4's release 1.9.4 unchanged (the hashes are those of the release's own
# files). Nothing of the package but these files is unpacked, and nothing of it is run. All builds share the one copy.
set(lz4_package lmdb@3.0.13)
set(lz4_sha256_lz4.c b6a85fd8f9be0fedb568abd1338719b23b999583ccda6f3404d5ae11e4ce7b8e)
set(lz4_sha256_lz4.h c1614ecf7ada7b0be1acb560d4239595f96fbb7aa6a79a7c40cb358753830be6)
set(lz4_sha256_lz4hc.c bca2cf3a014b21919da4fa92db5adbfbfc9aee2f0938107885a3a8f49a750aa8)
set(lz4_sha256_lz4hc.h 6bc1efeb79571807da2ca084809de1760e0cd87064e40eccf9624d95088dce7d)
set(lz4_sha256_LICENSE 8b58c446121a109ccf32edc094bba3010a3d85e4ee3702950db55e4d3e87736c)
set(lz4_files lz4.c lz4.h lz4hc.c lz4hc.h LICENSE)
set(lz4_folder "${PROJECT_SOURCE_DIR}/build/third_party/lz4")

# Says in `answer` what is wrong with the file `name`; nothing if it is the one that it should be.
function(check_lz4 name answer)
  set(path "${lz4_folder}/${name}")
  set(${answer} "" PARENT_SCOPE)
  if(NOT EXISTS "${path}")
    set(${answer} "${name} is not there" PARENT_SCOPE)
  else()
    file(SHA256 "${path}" hash)
    if(NOT hash STREQUAL lz4_sha256_${name})
      set(${answer} "${name} has the SHA-256 ${hash} instead of ${lz4_sha256_${name}}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(fetch_lz4)
  file(MAKE_DIRECTORY "${lz4_folder}")
  # Two builds may be configured at once.
  file(LOCK "${lz4_folder}" DIRECTORY GUARD FUNCTION TIMEOUT 300)
  set(missing "")
  foreach(name IN LISTS lz4_files)
    check_lz4(${name} wrong)
    string(APPEND missing "${wrong}")
  endforeach()
  if(missing STREQUAL "")
    return()
  endif()

  message(STATUS "lz4: taking its source out of the npm package ${lz4_package}")
  find_program(REPRISE_NPM npm NO_CMAKE_FIND_ROOT_PATH)
  if(NOT REPRISE_NPM)
    message(FATAL_ERROR "lz4: npm was not found; it brings LZ4's source. Install Node with npm and run this again.")
  endif()
  set(work "${lz4_folder}/unpacked")
  file(REMOVE_RECURSE "${work}")
  file(MAKE_DIRECTORY "${work}")
  execute_process(COMMAND "${REPRISE_NPM}" pack ${lz4_package} --ignore-scripts --loglevel=error
    WORKING_DIRECTORY "${work}" TIMEOUT 300
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  file(GLOB archive "${work}/*.tgz")
  if(NOT result EQUAL 0 OR NOT archive)
    message(FATAL_ERROR "lz4: `npm pack ${lz4_package}` failed (${result}). Is the npm registry within reach?\n${output}")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${work}" PATTERNS "package/dependencies/lz4/lib/*")
  foreach(name IN LISTS lz4_files)
    file(COPY "${work}/package/dependencies/lz4/lib/${name}" DESTINATION "${lz4_folder}")
    check_lz4(${name} wrong)
    if(wrong)
      message(FATAL_ERROR "lz4: ${wrong}. It came out of the npm package ${lz4_package}; do not build with it.")
    endif()
  endforeach()
  file(REMOVE_RECURSE "${work}")
endfunction()

fetch_lz4()
# Should it be removed later, the next build brings it again.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${lz4_folder}/lz4.c")
message(STATUS "lz4: ${lz4_folder}/lz4.c")
# src/dense_lz4.c compiles it.
add_library(reprise_lz4 INTERFACE)
target_include_directories(reprise_lz4 SYSTEM INTERFACE "${lz4_folder}")
target_compile_definitions(reprise_lz4 INTERFACE
  LZ4_STATIC_LINKING_ONLY_DISABLE_MEMORY_ALLOCATION
  LZ4HC_HEAPMODE=0
  # It has clang inline so much that a build with sanitizers takes a minute for this one file.
  $<$<CONFIG:Debug>:LZ4_FORCE_INLINE=static>)
