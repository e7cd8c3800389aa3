# sx_test(NAME LIBS lib… SOURCES file…): one doctest executable, run by ctest.
function(sx_test name)
  if(EMSCRIPTEN)
    return()  # C++ unit tests run natively; WASM is covered by the conformance suite under Node.
  endif()
  cmake_parse_arguments(T "" "" "LIBS;SOURCES" ${ARGN})
  add_executable(${name} "${CMAKE_SOURCE_DIR}/cmake/doctest_main.cpp" ${T_SOURCES})
  target_link_libraries(${name} PRIVATE ${T_LIBS} sx_options)
  set_target_properties(${name} PROPERTIES SX_EXCEPTIONS ON)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
