# Builds the project in consumer/, which uses the library through CMake, and runs its program.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(build "${WORK}/${HOW}")
string(COMPARE EQUAL "${KIND}" shared is_shared)
file(REMOVE_RECURSE "${build}")
if(HOW STREQUAL "add_subdirectory")
  # Compiles the whole library once more: how well is tested elsewhere.
  set(BUILD_TYPE Debug)
  string(APPEND COMPILER_FLAGS " -O0 -g0")
endif()
configure("${CMAKE_CURRENT_LIST_DIR}/consumer" "${build}" -DHOW=${HOW} "-DEXPECTED_PREFIX=${PREFIX}" "-DCMAKE_PREFIX_PATH=${PREFIX}"
          "-DDAYBOOK_SOURCE_DIR=${SOURCE}" -DBUILD_SHARED_LIBS=${is_shared})
run("${CMAKE_COMMAND}" --build "${build}")
run("${build}/consumer" "${build}/store")
run("${build}/json_consumer" "${build}/json_store")
run("${build}/sqlite_consumer" "${build}/sqlite_store")
message(STATUS "${output}")
