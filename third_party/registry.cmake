# isorbit_registry(ROOM DIR folder TYPE type HEADER header NAMESPACE namespace)
#
# Every file of the folder defines one function named as the file, which returns one TYPE. The generated source
# lists them all as `std::vector<TYPE> registered()`, so that adding a word is adding a file. There are no static initialisers; duplicate names are refused by the set that is built from it.
function(isorbit_registry room)
  cmake_parse_arguments(ARG "" "DIR;TYPE;HEADER;NAMESPACE" "" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${ARG_DIR}/*.cpp)
  set(declarations "")
  set(calls "")
  foreach(file ${files})
    get_filename_component(word ${file} NAME_WE)
    string(APPEND declarations "${ARG_TYPE} ${word}();\n")
    string(APPEND calls "      ${word}(),\n")
  endforeach()
  set(source "#include <vector>\n\n#include \"${ARG_HEADER}\"\n\nnamespace ${ARG_NAMESPACE} {\n${declarations}
std::vector<${ARG_TYPE}> registered() {\n  return {\n${calls}  };\n}\n}  // namespace ${ARG_NAMESPACE}\n")
  string(REPLACE "/" "_" stem ${ARG_DIR})
  set(output ${CMAKE_BINARY_DIR}/registry/${stem}.cpp)
  file(CONFIGURE OUTPUT ${output} CONTENT "${source}" @ONLY)
  target_sources(isorbit_${room} PRIVATE ${output})
endfunction()
