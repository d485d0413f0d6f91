# Builds the program by hand, with what pkg-config says, and runs it.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(build "${WORK}/pkg_config")
file(REMOVE_RECURSE "${build}")
file(MAKE_DIRECTORY "${build}")

set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
set(ENV{LD_LIBRARY_PATH} "${PREFIX}/${LIBDIR}")
separate_arguments(flags UNIX_COMMAND "${COMPILER_FLAGS}")

# build_and_run(<program> <package>)
function(build_and_run program package)
  run("${PKG_CONFIG}" --exact-version=0.1.0 ${package})
  run("${PKG_CONFIG}" --cflags ${package})
  separate_arguments(cflags UNIX_COMMAND "${output}")
  run("${PKG_CONFIG}" --libs ${package})
  separate_arguments(libs UNIX_COMMAND "${output}")
  run("${COMPILER}" -std=c++23 ${flags} ${cflags} "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/consumer/${program}.cc" -o
      "${build}/${program}" ${libs})
  run("${build}/${program}" "${build}/${program}.store")
  message(STATUS "${output}")
endfunction()

build_and_run(consumer daybook)
build_and_run(json_consumer daybook-sourcing)
build_and_run(sqlite_consumer daybook-sqlite)
