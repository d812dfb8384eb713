# Everything we borrow, found once. Debian's package names stand in tools/setup.sh.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
include(AfaceTorch)
# Without imgcodecs, which would load a hundred libraries and prints to stderr by itself.
find_package(OpenCV REQUIRED COMPONENTS core dnn imgproc)
find_package(PNG REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
# Found by hand: Debian's dnnl-config.cmake wants OpenCL headers that a CPU build does not need.
find_path(AFACE_DNNL_INCLUDE dnnl.hpp REQUIRED)
find_library(AFACE_DNNL_LIBRARY dnnl REQUIRED)

# The ONNX messages in protobuf form, and the library that LibTorch writes them with too.
find_package(Protobuf REQUIRED)
find_path(AFACE_ONNX_INCLUDE onnx/onnx_pb.h REQUIRED)
find_library(AFACE_ONNX_LIBRARY onnx_proto REQUIRED)

find_path(AFACE_TOMLPP_INCLUDE toml++/toml.h REQUIRED)
find_path(AFACE_HNSWLIB_INCLUDE hnswlib/hnswlib.h REQUIRED)
