# run(<command> <argument>...): runs it, and fails with its output when it fails.
function(run)
  execute_process(
    COMMAND ${ARGN}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# configure(<source> <build> <argument>...): with the toolchain of the build under test.
function(configure source build)
  run("${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${COMPILER_LAUNCHER}" "-DCMAKE_CXX_FLAGS=${COMPILER_FLAGS}"
      "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" ${ARGN})
endfunction()
