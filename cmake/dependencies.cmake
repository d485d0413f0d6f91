# Dependencies: the system's package first, a pinned download elsewhere. None of them reaches a public header.

include(FetchContent)

find_package(Threads REQUIRED)

# Faster checksums for large appends. Without it the engine is complete.
find_package(ISAL QUIET)
message(STATUS "daybook: ISA-L ${ISAL_LIBRARY}")

# Boost.Interprocess, headers only.
find_package(Boost 1.74 REQUIRED)
add_library(daybook_boost INTERFACE)
target_link_libraries(daybook_boost INTERFACE Boost::headers)

# xxHash, compiled into whoever includes it: no symbol of it leaves the library.
find_path(DAYBOOK_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
add_library(daybook_xxhash INTERFACE)
target_include_directories(daybook_xxhash SYSTEM INTERFACE "${DAYBOOK_XXHASH_INCLUDE_DIR}")
target_compile_definitions(daybook_xxhash INTERFACE XXH_INLINE_ALL)

if(DAYBOOK_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(DAYBOOK_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
if(DAYBOOK_BUILD_TOOLS)
  find_package(CLI11 REQUIRED)
  find_package(fmt REQUIRED)
  find_package(simdjson REQUIRED)
  find_package(RapidJSON REQUIRED)
  add_library(daybook_rapidjson INTERFACE)
  target_include_directories(daybook_rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})
endif()
