#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "aface/core/file.h"
#include "aface/io/record_set.h"
#include "fuzz/fuzz.h"

namespace {

// A .rec and its .idx must lie side by side, so these are files of a folder of their own.
const std::string& folder() {
  static const std::string path = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "aface-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    return pattern;
  }();
  return path;
}

}  // namespace

// First byte: how many of the next bytes, times 8, are the index; the rest is the .rec.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  if (size == 0) return 0;
  const std::size_t index = std::min<std::size_t>(size - 1, data[0] * std::size_t{8});
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  write_file_atomically(
      folder() + "/x.idx", [&](int file) { write_all(file, text.data(), index, "x.idx"); },
      Durability::kRenamed);
  write_file_atomically(
      folder() + "/x.rec",
      [&](int file) { write_all(file, text.data() + index, text.size() - index, "x.rec"); },
      Durability::kRenamed);
  fuzz::expect_error_or_nothing([&] {
    const RecordSet set(folder() + "/x.rec", 1);
    std::vector<unsigned char> joined;
    for (std::int64_t i = 0; i < set.num_images(); ++i) {
      if (set.label(i) < 0) std::abort();
      fuzz::touch(set.image(i, joined));
    }
    for (const std::string& remark : set.remarks()) {
      if (remark.find('\n') != std::string::npos) std::abort();
    }
  });
  return 0;
}
