# What every target of the project is compiled with.

include(CheckIPOSupported)
set(DAYBOOK_IPO_WORKS OFF)
if(DAYBOOK_IPO)
  check_ipo_supported(RESULT DAYBOOK_IPO_WORKS OUTPUT reason LANGUAGES CXX)
  if(NOT DAYBOOK_IPO_WORKS)
    message(STATUS "daybook: no interprocedural optimisation: ${reason}")
  endif()
endif()

# Warnings, hidden visibility, no compiler extensions. Call it on every target that is added.
function(daybook_target_defaults target)
  set_target_properties(
    ${target}
    PROPERTIES CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               INTERPROCEDURAL_OPTIMIZATION "${DAYBOOK_IPO_WORKS}")
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    # Designated initialisers that leave members to their defaults are this code's way to pass options.
    target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      # Sees an overlap in "text" + std::string (GCC bug 105651).
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
  endif()
  if(DAYBOOK_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # These depend on what was inlined, and so on accidents like the length of the path of a checkout, which is in the tests: at
      # 16 characters GCC 12 saw a std::string end too early. They are shown, and break no build.
      target_compile_options(${target} PRIVATE -Wno-error=array-bounds -Wno-error=stringop-overflow -Wno-error=stringop-overread)
    endif()
  endif()
endfunction()
