# Builds the program by hand, with what pkg-config says, and runs it.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(build "${WORK}/pkg_config")
file(REMOVE_RECURSE "${build}")
file(MAKE_DIRECTORY "${build}")

set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
run("${PKG_CONFIG}" --exact-version=0.1.0 daybook)
run("${PKG_CONFIG}" --cflags daybook)
separate_arguments(cflags UNIX_COMMAND "${output}")
run("${PKG_CONFIG}" --libs daybook)
separate_arguments(libs UNIX_COMMAND "${output}")
separate_arguments(flags UNIX_COMMAND "${COMPILER_FLAGS}")

run("${COMPILER}" -std=c++23 ${flags} ${cflags} "${CMAKE_CURRENT_LIST_DIR}/consumer/consumer.cc" -o "${build}/consumer" ${libs})
set(ENV{LD_LIBRARY_PATH} "${PREFIX}/${LIBDIR}")
run("${build}/consumer" "${build}/store")
message(STATUS "${output}")
