# find_package(AdaptiveFace) for programs that link our head, sampler or evaluator.
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY AFACE_MODULES)
install(TARGETS ${modules} EXPORT AdaptiveFaceTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY aface/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/aface FILES_MATCHING PATTERN "*.h")
install(TARGETS adaptiveface RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT AdaptiveFaceTargets NAMESPACE AdaptiveFace::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/AdaptiveFace)
configure_package_config_file(cmake/AdaptiveFaceConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/AdaptiveFaceConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/AdaptiveFace)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/AdaptiveFaceConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/AfaceTorch.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/AdaptiveFaceConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/AdaptiveFaceConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/AdaptiveFace)
