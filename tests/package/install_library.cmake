# Installs the library of BUILD (built first, unless it is the build under test) and moves the installation.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

if(NOT BUILD STREQUAL THIS_BUILD)
  string(COMPARE EQUAL "${KIND}" shared is_shared)
  configure(
    "${SOURCE}" "${BUILD}" -DBUILD_SHARED_LIBS=${is_shared} -DDAYBOOK_BUILD_TESTS=OFF -DDAYBOOK_BUILD_TOOLS=OFF
    -DDAYBOOK_BUILD_BENCH=OFF -DDAYBOOK_BUILD_EXAMPLES=OFF "-DCMAKE_INSTALL_LIBDIR=${LIBDIR}")
  run("${CMAKE_COMMAND}" --build "${BUILD}")
endif()

# A program needs runtime, a compiler needs dev as well; the rest is not the library.
file(REMOVE_RECURSE "${PREFIX}" "${PREFIX}.first")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}.first" --component runtime)
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}.first" --component dev)
file(RENAME "${PREFIX}.first" "${PREFIX}")

file(GLOB_RECURSE sources RELATIVE "${SOURCE}/engine/include/daybook" "${SOURCE}/engine/include/daybook/*.h")
foreach(header IN LISTS sources ITEMS version.h)
  if(NOT EXISTS "${PREFIX}/include/daybook/${header}")
    message(FATAL_ERROR "daybook/${header} is not installed")
  endif()
endforeach()

# The build tree, or the first prefix, in an installed file would work here and nowhere else.
file(GLOB texts "${PREFIX}/${LIBDIR}/cmake/daybook/*" "${PREFIX}/${LIBDIR}/pkgconfig/*")
foreach(text IN LISTS texts)
  file(READ "${text}" content)
  string(FIND "${content}" "${BUILD}" at_build)
  string(FIND "${content}" "${SOURCE}" at_source)
  if(NOT at_build EQUAL -1 OR NOT at_source EQUAL -1)
    message(FATAL_ERROR "${text} names a folder of the build")
  endif()
endforeach()

# The shared library shows what is public, and nothing that it is built with.
if(KIND STREQUAL shared)
  run("${NM}" --dynamic --demangle --defined-only "${PREFIX}/${LIBDIR}/libdaybook.so")
  if(NOT output MATCHES "daybook::version\\(\\)")
    message(FATAL_ERROR "daybook::version() is not exported:\n${output}")
  endif()
  string(REGEX REPLACE "\n$" "" symbols "${output}")
  string(REPLACE "\n" ";" symbols "${symbols}")
  set(internal "${symbols}")
  list(FILTER symbols EXCLUDE REGEX "^[0-9a-f]+ . (typeinfo for |typeinfo name for |vtable for )?daybook::")
  list(FILTER internal INCLUDE REGEX " daybook::(format|index|io|segment|log|store|sourcing)::")
  if(symbols OR internal)
    list(JOIN symbols "\n" symbols)
    list(JOIN internal "\n" internal)
    message(FATAL_ERROR "exported, and not public:\n${symbols}\n${internal}")
  endif()
endif()
