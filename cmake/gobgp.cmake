# The policy injector's way through a running GoBGP (`sextant pi -u HOST`): its gRPC API, as a C++ library that is generated
# from the proto files of golang-github-osrg-gobgp-dev. Without these packages, or with -DSEXTANT_WITH_GOBGP=OFF, the
# programs are the same but for that option, which says what is missing.
set(SEXTANT_WITH_GOBGP AUTO CACHE STRING "sextant pi through GoBGP's gRPC API: AUTO (where its packages are), ON, OFF")
set_property(CACHE SEXTANT_WITH_GOBGP PROPERTY STRINGS AUTO ON OFF)

set(gobgp_packages
    "libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc golang-github-osrg-gobgp-dev")
set(with_gobgp OFF)
if(NOT SEXTANT_WITH_GOBGP STREQUAL "OFF")
  pkg_check_modules(GRPC IMPORTED_TARGET grpc++ protobuf)
  # Its archives, where they are there: fifty shared libraries would triple the time that each `sextant` command takes to start.
  set(grpc_libraries PkgConfig::GRPC)
  if(GRPC_FOUND)
    set(archives)
    set(shared)
    foreach(library ${GRPC_STATIC_LIBRARIES})
      if(library MATCHES "^(ssl|crypto|z|dl|pthread|rt|atomic)$")
        list(APPEND shared ${library})
        continue()
      endif()
      find_library(archive_${library} lib${library}.a)
      mark_as_advanced(archive_${library})
      list(APPEND archives ${archive_${library}})
    endforeach()
    list(REMOVE_DUPLICATES archives)
    list(REMOVE_DUPLICATES shared)
    list(REMOVE_ITEM shared atomic) # gcc's, which x86-64 and arm64 do not need
    if(NOT "${archives}" MATCHES "NOTFOUND")
      set(grpc_libraries -Wl,--start-group ${archives} -Wl,--end-group ${shared})
    endif()
  endif()
  find_program(PROTOC protoc)
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
  find_path(GOBGP_API gobgp.proto PATHS /usr/share/gocode/src/github.com/osrg/gobgp/api NO_DEFAULT_PATH)
  if(GRPC_FOUND AND PROTOC AND GRPC_CPP_PLUGIN AND GOBGP_API)
    set(with_gobgp ON)
    message(STATUS "sextant pi through GoBGP: yes, API from ${GOBGP_API}")
  elseif(SEXTANT_WITH_GOBGP STREQUAL "ON")
    message(FATAL_ERROR "SEXTANT_WITH_GOBGP=ON needs ${gobgp_packages}")
  endif()
endif()

if(NOT with_gobgp)
  message(STATUS "sextant pi through GoBGP: no (SEXTANT_WITH_GOBGP=${SEXTANT_WITH_GOBGP}; needs ${gobgp_packages})")
  sextant_room(injector_gobgp PATH injector/without_gobgp LINKS injector)
  return()
endif()

set(generated ${CMAKE_BINARY_DIR}/gobgp)
file(MAKE_DIRECTORY ${generated})
set(gobgp_sources)
foreach(name gobgp attribute)
  list(APPEND gobgp_sources ${generated}/${name}.pb.cc ${generated}/${name}.pb.h)
endforeach()
list(APPEND gobgp_sources ${generated}/gobgp.grpc.pb.cc ${generated}/gobgp.grpc.pb.h)
add_custom_command(
  OUTPUT ${gobgp_sources}
  COMMAND ${PROTOC} --proto_path=${GOBGP_API} --cpp_out=${generated} --grpc_out=${generated}
          --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} gobgp.proto attribute.proto
  DEPENDS ${GOBGP_API}/gobgp.proto ${GOBGP_API}/attribute.proto
  COMMENT "GoBGP's API" VERBATIM)
add_library(gobgp_api STATIC ${gobgp_sources})
target_include_directories(gobgp_api SYSTEM PUBLIC ${generated})
target_link_libraries(gobgp_api PUBLIC ${grpc_libraries})
target_compile_options(gobgp_api PUBLIC ${GRPC_CFLAGS_OTHER})
# Generated code: neither its warnings nor its speed are ours.
target_compile_options(gobgp_api PRIVATE -w -g0 -O1 -fno-sanitize=all)

sextant_room(injector_gobgp PATH injector/gobgp LINKS injector gobgp_api)
