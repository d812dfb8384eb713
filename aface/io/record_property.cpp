#include <fmt/core.h>

#include <charconv>
#include <filesystem>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/io/record_set.h"

namespace aface {

std::string record_property_path(const std::string& rec_path) {
  const std::filesystem::path path(rec_path);
  if (path.stem() == "train") return (path.parent_path() / "property").string();
  return std::filesystem::path(path).replace_extension(".property").string();
}

std::string record_identities_path(const std::string& rec_path) {
  return std::filesystem::path(rec_path).replace_extension(".identities").string();
}

RecordProperty read_record_property(const std::string& path) {
  return parse_record_property(read_text_file(path), path);
}

RecordProperty parse_record_property(const std::string& text, const std::string& path) {
  std::int64_t numbers[3] = {};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int i = 0; i < 3; ++i) {
    if (i > 0 && (at == end || *at++ != ',')) at = nullptr;
    const auto parsed = at == nullptr ? std::from_chars_result{end, std::errc::invalid_argument}
                                      : std::from_chars(at, end, numbers[i]);
    if (parsed.ec != std::errc() || numbers[i] <= 0) {
      throw Error(
          ErrorKind::kFormat,
          fmt::format("{}: expected a first line num_classes,height,width such as 85742,112,112", path));
    }
    at = parsed.ptr;
  }
  return {numbers[0], numbers[1], numbers[2]};
}

}  // namespace aface
