# A room is a folder of src/: one library, its unit tests, and an include path of its own, so that
# `#include "base/ip.h"` is found only by rooms that link `base`.

# sextant_room(NAME [PATH folder below src/] LINKS library...)
# Sources are *.cpp directly in the folder; `main.cpp` belongs to the room's program,
# `*_netns_test.cpp` to NAME_netns_test (label netns), other `*_test.cpp` to NAME_test (label unit).
function(sextant_room name)
  cmake_parse_arguments(ROOM "" "PATH" "LINKS" ${ARGN})
  if(NOT ROOM_PATH)
    set(ROOM_PATH ${name})
  endif()
  set(dir ${CMAKE_SOURCE_DIR}/src/${ROOM_PATH})
  set(view ${CMAKE_BINARY_DIR}/rooms/${name})
  get_filename_component(parent ${view}/${ROOM_PATH} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  if(NOT IS_SYMLINK ${view}/${ROOM_PATH})
    file(CREATE_LINK ${dir} ${view}/${ROOM_PATH} SYMBOLIC)
  endif()

  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(netns_tests ${sources})
  list(FILTER netns_tests INCLUDE REGEX "_netns_test\\.cpp$")
  set(unit_tests ${sources})
  list(FILTER unit_tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER unit_tests EXCLUDE REGEX "_netns_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|/main\\.cpp$")

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${view})
  target_link_libraries(${name} ${scope} ${ROOM_LINKS})
  sextant_test(${name}_test LABEL unit SOURCES ${unit_tests} LINKS ${name})
  sextant_test(${name}_netns_test LABEL netns SOURCES ${netns_tests} LINKS ${name})
endfunction()

# sextant_test(NAME LABEL label [WHOLE] SOURCES file... LINKS library...): one GoogleTest program.
# Namespaces and ports are the test's own, so programs of labels unit and netns run in parallel.
# WHOLE: the program runs as one, because its tests share something costly such as a testbed;
# otherwise each of its tests runs in a process of its own.
# `ninja tests_LABEL` builds the programs of a label.
# GoogleTest's headers cost more than most tests: they are compiled once, for all test programs.
add_library(test_headers OBJECT ${CMAKE_CURRENT_LIST_DIR}/empty.cpp)
target_link_libraries(test_headers PRIVATE GTest::gtest GTest::gmock)
target_compile_options(test_headers PRIVATE -fpch-preprocess $<$<CONFIG:RelWithDebInfo>:-O1>)
target_precompile_headers(test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)

foreach(label unit netns conformance testbed kubernetes)
  add_custom_target(tests_${label})
endforeach()
function(sextant_test name)
  cmake_parse_arguments(TEST "WHOLE" "LABEL" "SOURCES;LINKS" ${ARGN})
  if(NOT TEST_SOURCES)
    return()
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE -fpch-preprocess $<$<CONFIG:RelWithDebInfo>:-O1>)
  target_precompile_headers(${name} REUSE_FROM test_headers)
  if(TEST_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${TEST_LABEL})
  else()
    gtest_discover_tests(${name} TEST_PREFIX ${name}: PROPERTIES LABELS ${TEST_LABEL}
                         DISCOVERY_TIMEOUT 60)
  endif()
  add_dependencies(tests_${TEST_LABEL} ${name})
endfunction()

# sextant_program(NAME room): the executable whose main.cpp lies in the room.
function(sextant_program name room)
  set(main ${CMAKE_SOURCE_DIR}/src/${room}/main.cpp)
  if(EXISTS ${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${room})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  endif()
endfunction()

# sextant_static_program(NAME room LINKS library...): the same for a program that is copied to other systems: it needs no
# shared library there, and no C library of this age. The libraries are archives; what they link themselves is not linked.
function(sextant_static_program name room)
  cmake_parse_arguments(PROGRAM "" "" "LINKS" ${ARGN})
  if(CMAKE_BUILD_TYPE STREQUAL Sanitized)  # the sanitizers cannot be linked statically
    sextant_program(${name} ${room})
    return()
  endif()
  add_executable(${name} ${CMAKE_SOURCE_DIR}/src/${room}/main.cpp)
  target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:${room},INCLUDE_DIRECTORIES>)
  target_link_options(${name} PRIVATE -static)
  foreach(library ${room} ${PROGRAM_LINKS})
    if(TARGET ${library})
      add_dependencies(${name} ${library})
      set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:${library}>)
      set(library $<TARGET_FILE:${library}>)
    endif()
    target_link_libraries(${name} PRIVATE ${library})
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()
