#pragma once

#include <string>
#include <string_view>

namespace aface {

// The shortest spelling of a path below some root ("./a//b.jpg" is "a/b.jpg"), or "" when the path is empty,
// absolute, or leaves the root by "..". Lexical: the file system is not asked.
std::string normal_relative_path(std::string_view path);

}  // namespace aface
