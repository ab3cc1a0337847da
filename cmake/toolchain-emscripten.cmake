# Finds Emscripten's own CMake toolchain file and hands over to it: an active emsdk first, then
# Debian's package, then wherever emcc is on the PATH.
find_program(REPRISE_EMCC emcc)
if(REPRISE_EMCC)
  get_filename_component(emcc_dir "${REPRISE_EMCC}" REALPATH)
  get_filename_component(emcc_dir "${emcc_dir}" DIRECTORY)
endif()

set(tried "")
foreach(root IN ITEMS "$ENV{EMSDK}/upstream/emscripten" /usr/share/emscripten "${emcc_dir}")
  set(file "${root}/cmake/Modules/Platform/Emscripten.cmake")
  if(EXISTS "${file}")
    include("${file}")
    return()
  endif()
  string(APPEND tried "\n  ${file}")
endforeach()

message(FATAL_ERROR
  "Emscripten was not found. Install it (Debian: apt-get install emscripten) or activate an emsdk, "
  "and run this again. Looked for:${tried}")
