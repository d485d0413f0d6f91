# Runs a test program that is linked with a mutant, and succeeds when the program does not: by a failed expectation, an
# assertion of the engine, or a signal. Running out of time proves nothing.
#
#   cmake -DPROGRAM=... -DFILTER=... -P expect_killed.cmake
if(NOT EXISTS "${PROGRAM}")
  message(FATAL_ERROR "no ${PROGRAM}")
endif()
execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env DAYBOOK_CRASH_IMAGES=20000 DAYBOOK_CRASH_KEEP=0 "${PROGRAM}" "--gtest_filter=${FILTER}"
  TIMEOUT 100
  RESULT_VARIABLE result
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "the mutant survived:\n${output}")
endif()
if(result MATCHES "timeout" OR NOT output MATCHES "\\[ RUN      \\]")
  message(FATAL_ERROR "${result}:\n${output}")
endif()
message(STATUS "killed (${result}):\n${output}")
