# LibTorch: the target `torch` and TORCH_LIBRARIES. Normally by LibTorch's own package. That of a Python wheel with CUDA
# wants the whole CUDA toolkit, even of a program that uses the CPU only, so a wheel can be named instead:
#   -DAFACE_TORCH_WHEEL=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
set(AFACE_TORCH_WHEEL "" CACHE PATH "Folder of the Python package `torch`, to build against its LibTorch (CPU)")

if(NOT AFACE_TORCH_WHEEL)
  find_package(Torch REQUIRED)
  set(AFACE_TORCH_HAS_GLOO ON)
  return()
endif()

find_library(AFACE_WHEEL_TORCH_CPU torch_cpu PATHS ${AFACE_TORCH_WHEEL}/lib NO_DEFAULT_PATH REQUIRED)
find_library(AFACE_WHEEL_C10 c10 PATHS ${AFACE_TORCH_WHEEL}/lib NO_DEFAULT_PATH REQUIRED)
add_library(torch INTERFACE IMPORTED GLOBAL)
# The wheel comes with an OpenMP of its own; the folder's run path finds it, and then there is one for all. It also has a
# oneDNN inside, whose weak symbols (those of std::call_once) stand in for our oneDNN's where they come first: then our
# products are "unimplemented". So ours is named first, in one word that nothing can reorder.
find_library(AFACE_DNNL_LIBRARY dnnl REQUIRED)
target_link_libraries(torch INTERFACE
  "-Wl,--no-as-needed,${AFACE_DNNL_LIBRARY},${AFACE_WHEEL_TORCH_CPU},--as-needed" ${AFACE_WHEEL_C10})
target_link_options(torch INTERFACE -Wl,-rpath,${AFACE_TORCH_WHEEL}/lib)
# Beside its own headers lie those of fmt, oneDNN and others, of other versions than ours.
set(wheel_include ${CMAKE_BINARY_DIR}/torch_wheel_include)
foreach(folder ATen c10 torch)
  file(MAKE_DIRECTORY ${wheel_include})
  file(CREATE_LINK ${AFACE_TORCH_WHEEL}/include/${folder} ${wheel_include}/${folder} SYMBOLIC)
endforeach()
target_include_directories(torch SYSTEM INTERFACE ${wheel_include} ${wheel_include}/torch/csrc/api/include)
# Its headers refuse an older language.
file(STRINGS ${AFACE_TORCH_WHEEL}/include/ATen/ATen.h asks_for_cxx20 REGEX "C\\+\\+20 or later")
if(asks_for_cxx20)
  target_compile_features(torch INTERFACE cxx_std_20)
endif()
set(TORCH_LIBRARIES torch)
# Gloo is in the wheel's library, its headers are not in the wheel.
set(AFACE_TORCH_HAS_GLOO OFF)
