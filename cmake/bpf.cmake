# sextant_bpf(LIBRARY path/NAME.bpf.c [DIR below the build] [FLAGS...]): compiles the program with clang and gives the library
# the header NAME.skel.h, which holds it (bpftool gen skeleton).
find_program(CLANG NAMES clang clang-14 REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

function(sextant_bpf library source)
  cmake_parse_arguments(BPF "" "DIR" "FLAGS" ${ARGN})
  if(NOT BPF_DIR)
    set(BPF_DIR bpf)
  endif()
  get_filename_component(name ${source} NAME_WE)
  set(dir ${CMAKE_BINARY_DIR}/${BPF_DIR})
  file(MAKE_DIRECTORY ${dir}/dataplane/linux)
  set(skeleton ${dir}/dataplane/linux/${name}.skel.h)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${CLANG} -O2 -g -target bpf -Wall -Wextra -Werror -Wno-sign-compare ${BPF_FLAGS}
            -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MT ${skeleton} -MF ${dir}/${name}.d
            -c ${CMAKE_SOURCE_DIR}/${source} -o ${dir}/${name}.bpf.o
    COMMAND ${BPFTOOL} gen skeleton ${dir}/${name}.bpf.o name ${name}_bpf > ${skeleton}
    DEPENDS ${CMAKE_SOURCE_DIR}/${source}
    DEPFILE ${dir}/${name}.d
    COMMENT "BPF program ${name}" VERBATIM)
  target_sources(${library} PRIVATE ${skeleton})
  target_include_directories(${library} SYSTEM PRIVATE ${dir})
endfunction()
