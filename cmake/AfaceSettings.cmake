# Language, build type, ccache, warnings and sanitizers: what holds for every target of this project.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(AFACE_CCACHE ccache)
if(AFACE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AFACE_CCACHE})
endif()

add_library(aface_settings INTERFACE)
target_compile_features(aface_settings INTERFACE cxx_std_17)
target_compile_options(aface_settings INTERFACE
  -Wall -Wextra -Wno-unknown-pragmas
  $<$<BOOL:${AFACE_WERROR}>:-Werror>)
if(AFACE_SANITIZE)
  target_compile_options(aface_settings INTERFACE -fsanitize=${AFACE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(aface_settings INTERFACE -fsanitize=${AFACE_SANITIZE})
endif()
if(AFACE_BUILD_FUZZERS)
  target_compile_options(aface_settings INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                         -fno-omit-frame-pointer)
endif()
