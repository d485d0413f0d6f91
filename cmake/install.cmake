# Three components: runtime (the shared library), dev (what a program is built with) and tools (the program daybook).

include(CMakePackageConfigHelpers)
set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/daybook")

install(
  TARGETS daybook
  EXPORT daybookTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)

install(
  EXPORT daybookTargets
  NAMESPACE daybook::
  DESTINATION "${config_dir}"
  COMPONENT dev)

# Exports of their own: a program that wants the log alone need have neither simdjson and Boost nor SQLite.
foreach(layer sourcing sqlite)
  if(TARGET daybook_${layer})
    install(
      TARGETS daybook_${layer}
      EXPORT daybook_${layer}Targets
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT dev
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
      FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)
    install(
      EXPORT daybook_${layer}Targets
      NAMESPACE daybook::
      DESTINATION "${config_dir}"
      COMPONENT dev)
  endif()
endforeach()

configure_package_config_file(
  cmake/daybookConfig.cmake.in "${PROJECT_BINARY_DIR}/daybookConfig.cmake"
  INSTALL_DESTINATION "${config_dir}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break the API; from 1.0 on: SameMajorVersion.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/daybookConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/daybookConfig.cmake" "${PROJECT_BINARY_DIR}/daybookConfigVersion.cmake"
  DESTINATION "${config_dir}"
  COMPONENT dev)
if(ISAL_FOUND AND NOT BUILD_SHARED_LIBS)
  install(FILES cmake/FindISAL.cmake DESTINATION "${config_dir}" COMPONENT dev)
endif()

# Relative to where the file lies, so that an installation may be moved, and packaged for another prefix.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE
           pc_prefix)

# pc_file(<name> <library> <description> REQUIRES <package>... STATIC <flag>...): <name>.pc. A static library brings what it
# needs along (STATIC), whether or not pkg-config is asked for --static.
function(pc_file pc_name pc_library pc_description)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "REQUIRES;STATIC;STATIC_REQUIRES")
  set(pc_libs "")
  set(pc_cflags "")
  if(NOT BUILD_SHARED_LIBS)
    list(TRANSFORM arg_STATIC PREPEND " " OUTPUT_VARIABLE flags)
    string(CONCAT pc_libs ${flags})
    list(APPEND arg_REQUIRES ${arg_STATIC_REQUIRES})
    set(pc_cflags " -DDAYBOOK_STATIC_DEFINE")
  endif()
  list(JOIN arg_REQUIRES " " pc_requires)
  configure_file(cmake/library.pc.in "${pc_name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${pc_name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)
endfunction()

set(isal "")
if(ISAL_FOUND)
  set(isal -lisal)
endif()
pc_file(daybook daybook "${PROJECT_DESCRIPTION}" STATIC ${isal} -lroaring -lstdc++ -pthread)
if(TARGET daybook_sourcing)
  pc_file(daybook-sourcing daybook_sourcing "Typed events, aggregates and projections over daybook" REQUIRES daybook
          STATIC -lsimdjson)
endif()
if(TARGET daybook_sqlite)
  pc_file(daybook-sqlite daybook_sqlite "Projections of daybook into SQLite" REQUIRES daybook-sourcing
          STATIC_REQUIRES sqlite3)
endif()

if(TARGET daybook_tool)
  install(TARGETS daybook_tool RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
endif()

foreach(component runtime dev tools)
  install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT ${component})
endforeach()
