#include "aface/io/relative_path.h"

#include <filesystem>

namespace aface {

std::string normal_relative_path(std::string_view path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  if (normal.empty() || normal.is_absolute() || *normal.begin() == ".." || *normal.begin() == ".") return "";
  return normal.string();
}

}  // namespace aface
