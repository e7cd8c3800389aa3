# Debian's Emscripten, found through emcc itself so that no path is written here.
execute_process(COMMAND em-config EMSCRIPTEN_ROOT OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE)
include("${root}/cmake/Modules/Platform/Emscripten.cmake")
