#pragma once

#include <string>
#include <string_view>

namespace aface {

// Text out of a file as a message may show it: control characters, line ends among them, become '?', and what
// is longer than `most` bytes is cut.
inline std::string one_line(std::string_view text, std::size_t most = 60) {
  std::string line(text.substr(0, most));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text.size() > most ? line + "..." : line;
}

}  // namespace aface
