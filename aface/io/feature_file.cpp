#include "aface/io/feature_file.h"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

constexpr std::int32_t kFloat32 = 5;  // OpenCV's CV_32FC1

}  // namespace

std::vector<float> read_feature_file(const std::string& path) {
  const std::vector<unsigned char> bytes = read_binary_file(path);
  const auto fail = [&](const std::string& what) {
    return Error(ErrorKind::kFormat, fmt::format("{}: {}", path, what));
  };
  std::array<std::int32_t, 4> header{};
  if (bytes.size() < sizeof header) {
    throw fail(fmt::format("{} bytes are no feature file (expected a header of {}); write it again",
                           bytes.size(), sizeof header));
  }
  std::memcpy(header.data(), bytes.data(), sizeof header);
  const auto [rows, columns, stride, type] = header;
  if (type != kFloat32) {
    throw fail(
        fmt::format("element type {} of an OpenCV matrix (expected {}, float32); is it a feature file of "
                    "MegaFace's form?",
                    type, kFloat32));
  }
  if (rows < 1 || columns < 1 || (rows != 1 && columns != 1)) {
    throw fail(fmt::format("a matrix of {} x {} (expected one embedding, N x 1); write one file an image",
                           rows, columns));
  }
  if (stride != static_cast<std::int64_t>(columns) * static_cast<std::int64_t>(sizeof(float))) {
    throw fail(fmt::format("{} bytes from row to row (expected {}); write the matrix without gaps", stride,
                           static_cast<std::int64_t>(columns) * static_cast<std::int64_t>(sizeof(float))));
  }
  const std::uint64_t count = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns);
  if (count * sizeof(float) != bytes.size() - sizeof header) {
    throw fail(fmt::format(
        "the header promises {} float32 but {} bytes follow it; the file looks truncated or damaged, "
        "write it again",
        count, bytes.size() - sizeof header));
  }
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data() + sizeof header, count * sizeof(float));
  return values;
}

}  // namespace aface
