# The modules that the npm package ships: core.wasm, and core-dense.wasm, which compresses.
#
# The package compiles them itself, and js/glue.ts instantiates them. Of embind there is the header alone, so that a module
# imports one function, which bindings/imports.js declares; scripts/build.mjs checks it. The glue that Emscripten writes
# beside a module (core.js) is for nobody. (Without it, with `-o core.wasm`, Emscripten would not look for exports that no one
# needs: 0.3 KB gzipped.)
if(EMSCRIPTEN_VERSION VERSION_LESS 3.1.25)
  set(STACK_SIZE TOTAL_STACK)  # the older name of the same option
else()
  set(STACK_SIZE STACK_SIZE)
endif()

# All three are in every engine since 2021 (Safari 15). Without them a copy is a loop of ours, a double becomes a whole number behind a
# check of its range, and a byte gets its sign by two shifts: 0.1 KB gzipped.
set(features -mbulk-memory -mnontrapping-fptoint -msign-ext)
# Functions of one file that another one calls are inlined, or left out: 0.9 KB gzipped, and a look-up takes a tenth less. (Only our
# own files are compiled for it. The link need not be told, and takes the system's libraries as they are.)
set(whole_program -flto)
target_compile_options(reprise_core PRIVATE -fno-rtti ${features} ${whole_program})
target_compile_options(reprise_dense PRIVATE ${features} ${whole_program} $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)

set(imports ${PROJECT_SOURCE_DIR}/bindings/imports.js)

file(GLOB binding_sources CONFIGURE_DEPENDS bindings/*.cpp)
if(NOT binding_sources)
  message(FATAL_ERROR "The wasm build needs bindings/*.cpp; there is none in ${PROJECT_SOURCE_DIR}.")
endif()

set(modules core core_dense)
add_executable(core ${binding_sources})
add_executable(core_dense ${binding_sources})
target_compile_definitions(core_dense PRIVATE REPRISE_DENSE=1)
target_link_libraries(core_dense PRIVATE reprise_dense)
set_target_properties(core_dense PROPERTIES OUTPUT_NAME core-dense)
if(REPRISE_TESTS)
  # For tests: buckets that collide, as in cmake/Tests.cmake.
  foreach(bits 0 8)
    list(APPEND modules core_bucket${bits})
    add_executable(core_bucket${bits} ${binding_sources} src/index.cpp)
    target_compile_definitions(core_bucket${bits} PRIVATE REPRISE_BUCKET_BITS=${bits})
    set_target_properties(core_bucket${bits} PROPERTIES OUTPUT_NAME core-bucket${bits})
  endforeach()
endif()
set_source_files_properties(bindings/exports.cpp PROPERTIES COMPILE_OPTIONS -O2)
set_source_files_properties(bindings/control.cpp PROPERTIES COMPILE_OPTIONS -Oz)
# The compiler knows what malloc and calloc do, and is not to make one of the other here.
set_source_files_properties(bindings/heap.cpp PROPERTIES COMPILE_OPTIONS "-Oz;-fno-lto;-fno-builtin-malloc;-fno-builtin-calloc")

foreach(module IN LISTS modules)
  set_target_properties(${module} PROPERTIES SUFFIX .js LINK_DEPENDS ${imports})
  target_link_libraries(${module} PRIVATE reprise_core reprise_flags)
  target_compile_options(${module} PRIVATE -fno-exceptions -fno-rtti ${features} ${whole_program})
  # embind names types through RTTI, unless it is told that they have no names.
  target_compile_definitions(${module} PRIVATE EMSCRIPTEN_HAS_UNBOUND_TYPE_NAMES=0)

  target_link_options(${module} PRIVATE
    -Oz -fno-exceptions -fno-rtti
    # What is worth a copy within a file was inlined when that was compiled. Across files only what hardly grows is; a look-up takes
    # as long, and the module is 0.2 KB gzipped smaller.
    -Wl,-mllvm,-inline-threshold=25
    -sBINARYEN_EXTRA_PASSES=-Oz   # once more: the first time leaves 0.05 KB
    --no-entry
    --js-library ${imports}
    -sFILESYSTEM=0
    -sSUPPORT_LONGJMP=0
    -sASSERTIONS=0
    -sALLOW_MEMORY_GROWTH
    -sMALLOC=none                 # bindings/heap.cpp
    -sINITIAL_MEMORY=393216
    -s${STACK_SIZE}=65536
    # Optimised linking renames every wasm export to one letter, and the package calls them by their names. Linking this (empty
    # unless used) library is Emscripten's own switch for "keep the names"; it costs 0.2 KB gzipped.
    -lexports.js)
endforeach()
