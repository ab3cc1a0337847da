# The modules that the npm package ships: build/wasm/core.mjs (the glue) and core.wasm; and core-dense.wasm, which
# compresses. Both run with the one glue: scripts/build.mjs checks that it has all that each imports.
#
# The package compiles and instantiates the wasm itself and hands it to the glue through the
# `instantiateWasm` hook; the glue never fetches. No eval, no file system, no main.
if(EMSCRIPTEN_VERSION VERSION_LESS 3.1.25)
  set(STACK_SIZE TOTAL_STACK)  # the older name of the same option
else()
  set(STACK_SIZE STACK_SIZE)
endif()

# memory.copy and memory.fill are in every engine since 2021; without them a copy is a loop of ours.
target_compile_options(reprise_core PRIVATE -fno-rtti -mbulk-memory)
target_compile_options(reprise_dense PRIVATE -mbulk-memory $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)

set(embind_numbers ${PROJECT_SOURCE_DIR}/bindings/embind_numbers.js)

file(GLOB binding_sources CONFIGURE_DEPENDS bindings/*.cpp)
if(NOT binding_sources)
  message(FATAL_ERROR "The wasm build needs bindings/*.cpp; there is none in ${PROJECT_SOURCE_DIR}.")
endif()

add_executable(core ${binding_sources})
add_executable(core_dense ${binding_sources})
target_compile_definitions(core_dense PRIVATE REPRISE_DENSE=1)
target_link_libraries(core_dense PRIVATE reprise_dense)
set_target_properties(core_dense PROPERTIES OUTPUT_NAME core-dense)
set_source_files_properties(bindings/exports.cpp PROPERTIES COMPILE_OPTIONS -O2)
set_source_files_properties(bindings/control.cpp PROPERTIES COMPILE_OPTIONS -Oz)

foreach(module core core_dense)
  set_target_properties(${module} PROPERTIES SUFFIX .mjs LINK_DEPENDS ${embind_numbers})
  target_link_libraries(${module} PRIVATE reprise_core reprise_flags)
  target_compile_options(${module} PRIVATE -fno-exceptions -fno-rtti -mbulk-memory)
  # embind names types through RTTI, unless it is told that they have no names.
  target_compile_definitions(${module} PRIVATE EMSCRIPTEN_HAS_UNBOUND_TYPE_NAMES=0)

  target_link_options(${module} PRIVATE
    -Oz -fno-exceptions -fno-rtti
    --bind --no-entry
    --js-library ${embind_numbers}
    -sMODULARIZE -sEXPORT_ES6
    -sENVIRONMENT=web             # `node` in the list would import 'module' and break elsewhere
    -sFILESYSTEM=0
    -sSUPPORT_LONGJMP=0 -sTEXTDECODER=2  # neither longjmp nor a home-made decoder
    -sDYNAMIC_EXECUTION=0         # embind without `new Function`, which edge isolates and CSP refuse
    -sASSERTIONS=0
    -sALLOW_MEMORY_GROWTH
    -sMEMORY_GROWTH_GEOMETRIC_STEP=0  # by what is asked for: src/pages.h knows the budget
    -sMALLOC=emmalloc
    -sINITIAL_MEMORY=393216
    -s${STACK_SIZE}=65536
    -sINCOMING_MODULE_JS_API=instantiateWasm,locateFile
    # Optimised linking renames every wasm export to one letter, and js/core.ts reads `memory` and the reprise_…
    # functions from the instance itself. Linking this (empty unless used) library is Emscripten's
    # own switch for "keep the names"; it costs 0.2 KB gzipped.
    -lexports.js)
  if(EMSCRIPTEN_VERSION VERSION_LESS 4)
    # Else the glue computes `new URL('core.wasm', import.meta.url)` as it loads, which throws in
    # workerd. Later versions do it only if asked and refuse the option.
    target_link_options(${module} PRIVATE -sUSE_ES6_IMPORT_META=0)
  endif()
endforeach()
