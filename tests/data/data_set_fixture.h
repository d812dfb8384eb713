#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "aface/data/data_options.h"
#include "aface/image/image.h"
#include "aface/image/image_file.h"
#include "tests/support/temp_dir.h"

namespace aface::test {

inline std::string as_text(const std::vector<unsigned char>& bytes) { return {bytes.begin(), bytes.end()}; }

// A one-colour PNG, so that a pixel tells which file it came from.
inline std::string plain_png(std::uint8_t value, int size_px = 12) {
  Image image(size_px, size_px);
  std::fill(image.pixels.begin(), image.pixels.end(), value);
  return as_text(encode_png(image));
}

inline DataOptions folder_options(const std::string& root) {
  DataOptions options;
  options.root = root;
  return options;
}

inline DataOptions list_options(const std::string& root, const std::string& list) {
  DataOptions options;
  options.source = "list";
  options.root = root;
  options.list = list;
  return options;
}

}  // namespace aface::test
