# The libraries Reprise is built from: xxHash, nlohmann-json (native only) and Catch2 (tests only).
# OpenSSL, which only reprise_key uses, is looked for in CMakeLists.txt.
#
# All three are headers. They are taken from the system where it has them, else downloaded at a
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
endif()

add_library(reprise_headers INTERFACE)
target_include_directories(reprise_headers SYSTEM INTERFACE "${third_party}")
add_library(reprise_catch2 INTERFACE)
target_link_libraries(reprise_catch2 INTERFACE reprise_headers)
