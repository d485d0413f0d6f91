# Dependencies: the system's package first, a pinned download elsewhere. None of them reaches a public header.

include(FetchContent)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# ISA-L makes checksums of large appends faster. It has no CMake build and the engine is complete without it, so it is
# used where it is installed and not fetched elsewhere.
find_package(ISAL QUIET)
if(ISAL_FOUND)
  message(STATUS "daybook: ISA-L found, ${ISAL_LIBRARY}")
else()
  message(STATUS "daybook: ISA-L not found, built without it")
endif()

# A folder that FetchContent does not find in a project makes it a download and nothing more: for headers.
set(headers_only SOURCE_SUBDIR headers-only)

# Boost.Interprocess, for engine/io alone. Boost.Describe, for structs that a program stores as JSON: the library does not
# need it, its JSON codec and our tests, benchmarks and examples do, and it came with 1.77.
set(boost_version 1.74)
if(DAYBOOK_BUILD_SOURCING OR DAYBOOK_BUILD_TESTS OR DAYBOOK_BUILD_BENCH OR DAYBOOK_BUILD_EXAMPLES)
  set(boost_version 1.77)
endif()
FetchContent_Declare(
  Boost
  URL https://archives.boost.io/release/1.83.0/source/boost_1_83_0.tar.bz2
  URL_HASH SHA256=6478edfe2f3305127cffe8caf73ea0176c53769f4bf1585be237eb30798c3b8e
  DOWNLOAD_EXTRACT_TIMESTAMP OFF ${headers_only} FIND_PACKAGE_ARGS ${boost_version})

# The index's bitmaps. Debian's package has no version file, so none may be asked for.
FetchContent_Declare(
  roaring
  URL https://github.com/RoaringBitmap/CRoaring/archive/refs/tags/v4.2.1.tar.gz
  URL_HASH SHA256=3514728e9eb8c90dbc00a9e337302eb458c65be2f9501a3e882d051599c4a74c
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS NAMES roaring CONFIG)

# Hashes. No distribution has a CMake package of it, so its header is looked for by hand.
FetchContent_Declare(
  xxHash
  URL https://github.com/Cyan4973/xxHash/archive/v0.8.2.tar.gz
  URL_HASH SHA256=baee0c6afd4f03165de7a4e67988d16f0f2b257b51d0e3cb91909302a26a79c4
  DOWNLOAD_EXTRACT_TIMESTAMP OFF ${headers_only})

FetchContent_Declare(
  GTest
  URL https://github.com/google/googletest/archive/refs/tags/v1.14.0.tar.gz
  URL_HASH SHA256=8ad598c73ad796e0d8280b082cebd82a630d73e73cd3c70057938a6501bba5d7
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS 1.12)

FetchContent_Declare(
  benchmark
  URL https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz
  URL_HASH SHA256=6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS 1.7)

FetchContent_Declare(
  CLI11
  URL https://github.com/CLIUtils/CLI11/archive/v2.1.2.tar.gz
  URL_HASH SHA256=26291377e892ba0e5b4972cdfd4a2ab3bf53af8dac1f4ea8fe0d1376b625c8cb
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS 2.1)

FetchContent_Declare(
  fmt
  URL https://github.com/fmtlib/fmt/archive/9.1.0.tar.gz
  URL_HASH SHA256=5dea48d1fcddc3ec571ce2058e13910a0d4a6bab4cc09a809d8b1dd1c88ae6f2
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS 9)

FetchContent_Declare(
  simdjson
  URL https://github.com/simdjson/simdjson/archive/v3.0.1.tar.gz
  URL_HASH SHA256=156b1bc5eb0561b2bd166b46d191fd3d95a3e709cc63761477d3b7aec2b6e9ed
  DOWNLOAD_EXTRACT_TIMESTAMP OFF FIND_PACKAGE_ARGS 3)

# The release of 2016 does not compile as C++20; this is the snapshot that Conan ships.
FetchContent_Declare(
  RapidJSON
  URL https://github.com/Tencent/rapidjson/archive/8f4c021fa2f1e001d2376095928fc0532adf2ae6.zip
  URL_HASH SHA256=e6fc99c7df7f29995838a764dd68df87b71db360f7727ace467b21b82c85efda
  DOWNLOAD_EXTRACT_TIMESTAMP OFF ${headers_only} FIND_PACKAGE_ARGS)

# CRoaring, for one file of index. Found, it must be seen by a parent project too, which links the static library;
# fetched, it would build tests of its own, and its target has another name.
set(ENABLE_ROARING_TESTS OFF)
FetchContent_MakeAvailable(roaring)
if(roaring_FOUND)
  set_target_properties(roaring::roaring PROPERTIES IMPORTED_GLOBAL ON)
elseif(NOT TARGET roaring::roaring)
  add_library(roaring::roaring ALIAS roaring)
endif()

# Boost, wherever it came from.
FetchContent_MakeAvailable(Boost)
add_library(daybook_boost INTERFACE)
if(TARGET Boost::headers)
  target_link_libraries(daybook_boost INTERFACE Boost::headers)
else()
  target_include_directories(daybook_boost SYSTEM INTERFACE "${boost_SOURCE_DIR}")
endif()

# xxHash, for XXH_INLINE_ALL: compiled into whoever includes it, so that no symbol of it leaves the library.
find_path(DAYBOOK_XXHASH_INCLUDE_DIR xxhash.h DOC "Where xxhash.h is; fetched when it is nowhere")
mark_as_advanced(DAYBOOK_XXHASH_INCLUDE_DIR)
add_library(daybook_xxhash INTERFACE)
if(DAYBOOK_XXHASH_INCLUDE_DIR)
  target_include_directories(daybook_xxhash SYSTEM INTERFACE "${DAYBOOK_XXHASH_INCLUDE_DIR}")
else()
  FetchContent_MakeAvailable(xxHash)
  target_include_directories(daybook_xxhash SYSTEM INTERFACE "${xxhash_SOURCE_DIR}")
endif()

if(DAYBOOK_BUILD_TESTS)
  set(INSTALL_GTEST OFF)
  FetchContent_MakeAvailable(GTest)
endif()

if(DAYBOOK_BUILD_BENCH)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  FetchContent_MakeAvailable(benchmark)
endif()

if(DAYBOOK_BUILD_SOURCING OR DAYBOOK_BUILD_TOOLS)
  FetchContent_MakeAvailable(simdjson RapidJSON)
  if(simdjson_FOUND)
    set_target_properties(simdjson::simdjson PROPERTIES IMPORTED_GLOBAL ON)
  endif()
  add_library(daybook_rapidjson INTERFACE)
  if(RapidJSON_FOUND)
    target_include_directories(daybook_rapidjson SYSTEM INTERFACE "${RAPIDJSON_INCLUDE_DIRS}")
  else()
    target_include_directories(daybook_rapidjson SYSTEM INTERFACE "${rapidjson_SOURCE_DIR}/include")
  endif()
endif()

# SQLite is everywhere, and has no build to fetch.
if(DAYBOOK_BUILD_SOURCING AND DAYBOOK_BUILD_SQLITE)
  find_package(SQLite3 3.37 REQUIRED)
  set_target_properties(SQLite::SQLite3 PROPERTIES IMPORTED_GLOBAL ON)
endif()

if(DAYBOOK_BUILD_TOOLS)
  FetchContent_MakeAvailable(CLI11 fmt)
endif()
