# sx_options: flags for everything. sx_engine_flags(): the engine's stricter subset.
add_library(sx_options INTERFACE)
target_include_directories(sx_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(sx_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers
  # Root handles link themselves into a list on purpose; their destructors unlink them.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-dangling-pointer>)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
endif()
if(SX_ASAN)
  # vptr checks need type information, which the engine is built without.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=address,undefined)
endif()
if(SX_TSAN)
  # Asio orders some of its hand-overs by fences, which the sanitizer does not follow: -Wno-tsan.
  add_compile_options(-fsanitize=thread -Wno-tsan -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=thread)
endif()
if(SX_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined -O1)
  add_link_options(-fsanitize=address,undefined)
endif()

# The engine's subset, on both targets: no exceptions, no RTTI. Called by the folders it applies to;
# not an interface of the engine's libraries, because those who link them may use exceptions.
# -ffp-contract=off: both sides must print the same bytes.
macro(sx_engine_flags)
  add_compile_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:SX_EXCEPTIONS>>>:-fno-exceptions> -fno-rtti
                      -ffp-contract=off)
  if(EMSCRIPTEN)
    # Without bulk memory: copies become calls of memcpy (web/lean/memory_ops.cpp).
    add_compile_options(-mnontrapping-fptoint -msign-ext -fvisibility=hidden
                        -fno-threadsafe-statics -fno-unwind-tables -fno-asynchronous-unwind-tables)
    # Header-only libraries come from Debian's -dev packages. Never /usr/include itself: it holds
    # the host's C library. A folder of links to just those libraries instead.
    set(SX_WASM_HEADERS "${CMAKE_BINARY_DIR}/headers")
    file(MAKE_DIRECTORY "${SX_WASM_HEADERS}")
    foreach(dir boost fmt fast_float)
      file(CREATE_LINK "/usr/include/${dir}" "${SX_WASM_HEADERS}/${dir}" SYMBOLIC)
    endforeach()
    include_directories(SYSTEM "${CMAKE_SOURCE_DIR}/web/lean" "${SX_WASM_HEADERS}")
  endif()
endmacro()

# Code that runs seldom, or as long as its input is: compiled for size in the kernel, where every
# byte is fetched before a page answers. What loops (vm, gc, value) never is: -Os is 2–3 times slower.
function(sx_cold target)
  if(EMSCRIPTEN)
    target_compile_options(${target} PRIVATE -Os)
  endif()
endfunction()
function(sx_cold_files)
  if(EMSCRIPTEN)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -Os)
  endif()
endfunction()
# Files of a cold target that loop over what programs make: text and markup.
function(sx_hot_files)
  if(EMSCRIPTEN)
    # emcc takes the target's -Os as "inline nothing", even where another -O follows.
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O2;-finline-functions")
  endif()
endfunction()

# Files and targets that only compiling and the like need: what they alone define becomes
# build/wasm/tools.wasm, which a page fetches when it needs it (cmake/link-kernel.mjs).
function(sx_tools_files)
  foreach(file ${ARGN})
    cmake_path(ABSOLUTE_PATH file NORMALIZE OUTPUT_VARIABLE path)
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_property(GLOBAL APPEND PROPERTY SX_TOOLS_FILES "${path}")
  endforeach()
endfunction()
function(sx_tools target)
  get_target_property(files ${target} SOURCES)
  sx_tools_files(${files})
endfunction()
