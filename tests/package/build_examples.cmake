# Builds the examples, a project of their own, with the installed library, and lets one of them work.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(build "${WORK}/examples")
file(REMOVE_RECURSE "${build}")
# That they build, and with what is installed: how well is tested elsewhere.
set(BUILD_TYPE Debug)
string(APPEND COMPILER_FLAGS " -O0 -g0")
configure("${SOURCE}/examples" "${build}" "-DCMAKE_PREFIX_PATH=${PREFIX}")
run("${CMAKE_COMMAND}" --build "${build}")
run("${build}/example_courses" "${build}/store" race 1)
message(STATUS "${output}")
