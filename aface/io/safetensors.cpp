#include "aface/io/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/file.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

namespace aface {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::uint64_t kSizeBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

// Name and place of an array; offsets count from the end of the header.
struct Entry {
  std::string name;
  DataType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

struct Header {
  std::vector<Entry> entries;  // by offset
  std::map<std::string, std::string> metadata;
  std::uint64_t data_start = 0;  // in the file
};

// Carries the path, so that every check reads as one line.
class HeaderParser {
 public:
  explicit HeaderParser(const std::string& path) : path_(path) {}

  Header parse(const std::string& text, std::uint64_t data_size) const {
    const json root = parse_json(text);
    if (!root.is_object()) fail("the header is no JSON object");
    Header header;
    header.data_start = kSizeBytes + text.size();
    for (const auto& [name, value] : root.items()) {
      if (name == kMetadataKey) {
        header.metadata = parse_metadata(value);
      } else {
        header.entries.push_back(parse_entry(name, value, data_size));
      }
    }
    std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    check_cover(header.entries, data_size);
    return header;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kFormat, fmt::format("{}: not a valid safetensors file: {}", path_, what));
  }

 private:
  // A JSON library keeps the last of two equal keys and any depth; both are refused as they are met.
  json parse_json(const std::string& text) const {
    constexpr int kDeepest = 3;
    std::set<std::string> names[kDeepest];
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
      if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
        if (depth >= kDeepest) fail("the header is nested too deeply");
        names[depth].clear();
      } else if (event == json::parse_event_t::key && !names[depth - 1].insert(value.get<std::string>()).second) {
        fail(fmt::format("'{}' appears twice in the header", value.get<std::string>()));
      }
      return true;
    };
    try {
      return json::parse(text, watch);
    } catch (const json::exception& error) {
      fail(fmt::format("the header is not JSON ({})", error.what()));
    }
  }

  std::map<std::string, std::string> parse_metadata(const json& value) const {
    if (!value.is_object()) fail("the metadata are no JSON object");
    std::map<std::string, std::string> metadata;
    for (const auto& [name, text] : value.items()) {
      if (!text.is_string()) fail(fmt::format("metadata '{}' is no text", name));
      metadata[name] = text.get<std::string>();
    }
    return metadata;
  }

  Entry parse_entry(const std::string& name, const json& value, std::uint64_t data_size) const {
    const auto bad = [&](const std::string& what) { fail(fmt::format("array '{}' {}", name, what)); };
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets") || !value["dtype"].is_string()) {
      bad("needs exactly dtype, shape and data_offsets");
    }
    Entry entry;
    entry.name = name;
    try {
      entry.type = type_from_name(value["dtype"].get<std::string>());
    } catch (const Error& error) {
      bad(fmt::format("has an {}", error.what()));
    }
    std::uint64_t size = byte_size(entry.type);
    for (const std::uint64_t extent : numbers(name, value["shape"], "shape")) {
      if (extent > INT64_MAX || __builtin_mul_overflow(size, extent, &size)) bad("has an impossible shape");
      entry.shape.push_back(static_cast<std::int64_t>(extent));
    }
    const std::vector<std::uint64_t> offsets = numbers(name, value["data_offsets"], "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1]) bad("has impossible data_offsets");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    if (entry.end > data_size) {
      bad(fmt::format("ends at byte {} of {} bytes of data; the file looks truncated", entry.end, data_size));
    }
    if (entry.end - entry.begin != size) {
      bad(fmt::format("takes {} bytes where its shape needs {}", entry.end - entry.begin, size));
    }
    return entry;
  }

  std::vector<std::uint64_t> numbers(const std::string& name, const json& value, const char* what) const {
    std::vector<std::uint64_t> result;
    bool good = value.is_array();
    for (std::size_t i = 0; good && i < value.size(); ++i) {
      good = value[i].is_number_unsigned();
      if (good) result.push_back(value[i].get<std::uint64_t>());
    }
    if (!good) fail(fmt::format("{} of array '{}' must be a list of numbers from 0 up", what, name));
    return result;
  }

  // The format wants every byte to belong to one array: no overlap, no gap, nothing behind the last.
  void check_cover(const std::vector<Entry>& entries, std::uint64_t data_size) const {
    std::uint64_t covered = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != covered) {
        fail(fmt::format("array '{}' starts at byte {} of the data (expected {}): {}", entry.name, entry.begin,
                         covered, entry.begin < covered ? "arrays overlap" : "there is a gap"));
      }
      covered = entry.end;
    }
    if (covered != data_size) {
      fail(fmt::format("the arrays take {} of {} bytes of data", covered, data_size));
    }
  }

  const std::string& path_;
};

void read_exactly(std::ifstream& file, void* target, std::uint64_t size, const std::string& path) {
  file.read(static_cast<char*>(target), static_cast<std::streamsize>(size));
  if (!file) throw Error(ErrorKind::kIo, fmt::format("{}: cannot read {} more bytes", path, size));
}

std::ifstream open_file(const std::string& path) {
  if (!file_exists(path)) throw Error(ErrorKind::kIo, fmt::format("{}: no such file; check the path", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot open ({}); check the permissions", path, std::strerror(errno)));
  }
  return file;
}

Header read_header(std::ifstream& file, const std::string& path) {
  const HeaderParser parser(path);
  const std::uint64_t file_size = std::filesystem::file_size(path);
  if (file_size < kSizeBytes) parser.fail(fmt::format("it has only {} bytes", file_size));
  std::uint64_t header_size = 0;
  read_exactly(file, &header_size, kSizeBytes, path);
  if (header_size > kMaxHeaderBytes || header_size > file_size - kSizeBytes) {
    parser.fail(fmt::format("it announces a header of {} bytes (the file has {}, the limit is {})", header_size,
                            file_size, kMaxHeaderBytes));
  }
  std::string text(header_size, '\0');
  read_exactly(file, text.data(), header_size, path);
  return parser.parse(text, file_size - kSizeBytes - header_size);
}

std::string make_header(const NamedArrays& state, const std::vector<const std::string*>& order) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!state.metadata.empty()) root[kMetadataKey] = state.metadata;
  std::uint64_t offset = 0;
  for (const std::string* name : order) {
    const NamedArray& array = state.arrays.at(*name);
    std::uint64_t size = byte_size(array.type);
    for (const std::int64_t extent : array.shape) size *= static_cast<std::uint64_t>(extent);
    AFACE_CHECK(size == array.bytes.size() && *name != kMetadataKey, "array '{}' of {} bytes, its shape needs {}",
                *name, array.bytes.size(), size);
    root[*name] = {{"dtype", type_name(array.type)},
                   {"shape", array.shape},
                   {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = root.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // kSizeBytes is 8, so the data are aligned
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const NamedArrays& arrays) {
  std::vector<const std::string*> order;
  for (const auto& item : arrays.arrays) order.push_back(&item.first);
  std::stable_sort(order.begin(), order.end(), [&](const std::string* a, const std::string* b) {
    return byte_size(arrays.arrays.at(*a).type) > byte_size(arrays.arrays.at(*b).type);
  });
  std::string header;
  try {
    header = make_header(arrays, order);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: names and metadata must be UTF-8 ({})", path, error.what()));
  }
  if (header.size() > kMaxHeaderBytes) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: names and metadata take {} bytes, the format allows {}", path,
                                               header.size(), kMaxHeaderBytes));
  }
  write_file_atomically(path, [&](int descriptor) {
    const std::uint64_t header_size = header.size();
    write_all(descriptor, &header_size, kSizeBytes, path);
    write_all(descriptor, header.data(), header.size(), path);
    for (const std::string* name : order) {
      const NamedArray& array = arrays.arrays.at(*name);
      write_all(descriptor, array.bytes.data(), array.bytes.size(), path);
    }
  });
}

NamedArrays read_safetensors(const std::string& path) {
  std::ifstream file = open_file(path);
  Header header = read_header(file, path);
  NamedArrays state;
  state.metadata = std::move(header.metadata);
  for (Entry& entry : header.entries) {  // in file order, so the reads follow each other
    NamedArray& array = state.arrays[entry.name];
    array.type = entry.type;
    array.shape = std::move(entry.shape);
    array.bytes.resize(entry.end - entry.begin);
    read_exactly(file, array.bytes.data(), array.bytes.size(), path);
  }
  return state;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  std::ifstream file = open_file(path);
  return read_header(file, path).metadata;
}

}  // namespace aface
