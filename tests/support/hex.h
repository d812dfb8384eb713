#pragma once

#include <string>

namespace aface::test {

// "0a 23 d7" -> three bytes.
inline std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 3)
    bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  return bytes;
}

}  // namespace aface::test
