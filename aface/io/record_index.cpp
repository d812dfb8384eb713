#include "aface/io/record_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "aface/core/error.h"
#include "aface/core/mapped_file.h"

namespace aface {
namespace {

[[noreturn]] void fail(const std::string& path, std::size_t offset, const std::string& what) {
  throw Error(ErrorKind::kFormat,
              fmt::format("{}@{}: {}; remove the file to have it made up from the .rec", path, offset, what));
}

void check_keys_differ(const std::vector<RecordPlace>& places, const std::string& path) {
  std::vector<std::uint64_t> keys;
  keys.reserve(places.size());
  for (const RecordPlace& place : places) keys.push_back(place.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) fail(path, 0, fmt::format("key {} comes twice", *twice));
}

}  // namespace

std::string record_index_path(const std::string& rec_path) {
  return std::filesystem::path(rec_path).replace_extension(".idx").string();
}

std::vector<RecordPlace> read_record_index(const std::string& path) {
  const MappedFile file(path);
  return parse_record_index({reinterpret_cast<const char*>(file.data()), file.size()}, path);
}

std::vector<RecordPlace> parse_record_index(std::string_view text, const std::string& path) {
  std::vector<RecordPlace> places;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const auto here = static_cast<std::size_t>(at - text.data());
    RecordPlace place;
    const auto key = std::from_chars(at, end, place.key);
    if (key.ec != std::errc() || key.ptr == end || *key.ptr != '\t')
      fail(path, here, "expected a line key<TAB>offset");
    const auto offset = std::from_chars(key.ptr + 1, end, place.offset);
    at = offset.ptr;
    if (at != end && *at == '\r') ++at;
    if (offset.ec != std::errc() || (at != end && *at != '\n'))
      fail(path, here, "expected a line key<TAB>offset");
    if (at == end) fail(path, here, "the last line has no end, so the list may be cut short");
    ++at;
    places.push_back(place);
  }
  check_keys_differ(places, path);
  return places;
}

}  // namespace aface
