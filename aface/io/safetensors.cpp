#include "aface/io/safetensors.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/checksum.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

namespace aface {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::uint64_t kSizeBytes = 8;
constexpr std::uint64_t kStaysInFile = 16 << 20;  // bytes; smaller arrays are read at once
constexpr std::uint64_t kVerifiedAtOnce = 4 << 20;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kChecksumKey = "checksum";
constexpr std::size_t kChecksumDigits = 16;

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
    throw Error(ErrorKind::kFormat, fmt::format("{}: not a valid safetensors file: {}", path_, one_line(what, what.size())));
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

// A file that stays readable, even under another name, as long as an array refers to it.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path) {
    if (!file_exists(path)) throw Error(ErrorKind::kIo, fmt::format("{}: no such file; check the path", path));
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      throw Error(ErrorKind::kIo, fmt::format("{}: cannot open ({}); check the permissions", path, std::strerror(errno)));
    }
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const std::string& path() const { return path_; }

  std::uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail(0, 0);
    return static_cast<std::uint64_t>(status.st_size);
  }

  void read(std::uint64_t offset, std::uint64_t count, void* target) const {
    char* out = static_cast<char*>(target);
    while (count > 0) {
      const ssize_t got = ::pread(descriptor_, out, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(offset, got == 0 ? ENODATA : errno);
      out += got;
      offset += static_cast<std::uint64_t>(got);
      count -= static_cast<std::uint64_t>(got);
    }
  }

 private:
  [[noreturn]] void fail(std::uint64_t offset, int reason) const {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot read on at byte {} ({}); check the disk or copy the file again", path_,
                                            offset, std::strerror(reason != 0 ? reason : errno)));
  }

  std::string path_;
  int descriptor_ = -1;
};

// The JSON text of the header; sizes are checked.
std::string read_header_text(const OpenFile& file) {
  const HeaderParser parser(file.path());
  const std::uint64_t file_size = file.size();
  if (file_size < kSizeBytes) parser.fail(fmt::format("it has only {} bytes", file_size));
  std::uint64_t header_size = 0;
  file.read(0, kSizeBytes, &header_size);
  if (header_size > kMaxHeaderBytes || header_size > file_size - kSizeBytes) {
    parser.fail(fmt::format("it announces a header of {} bytes (the file has {}, the limit is {})", header_size,
                            file_size, kMaxHeaderBytes));
  }
  std::string text(header_size, '\0');
  file.read(kSizeBytes, header_size, text.data());
  return text;
}

Header read_header(const OpenFile& file) {
  const std::string text = read_header_text(file);
  return HeaderParser(file.path()).parse(text, file.size() - kSizeBytes - text.size());
}

std::string checksum_text(std::uint64_t value) { return fmt::format("{:0{}x}", value, kChecksumDigits); }

// Where the digits of the checksum begin in a header, or npos. Quotes within a text are escaped, so only the metadata
// themselves can read like this.
std::size_t find_checksum(const std::string& header) {
  const std::string start = fmt::format("\"{}\":\"", kChecksumKey);
  const std::size_t place = header.find(start);
  if (place == std::string::npos || header.size() - place < start.size() + kChecksumDigits) return std::string::npos;
  return place + start.size();
}

std::string make_header(const NamedArrays& state, const std::vector<const std::string*>& order, FileChecksum checksum) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  std::map<std::string, std::string> metadata = state.metadata;
  metadata.erase(kChecksumKey);  // of the file that the state came from
  if (checksum == FileChecksum::kWritten) metadata[kChecksumKey] = checksum_text(0);
  if (!metadata.empty()) root[kMetadataKey] = metadata;
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

void write_safetensors(const std::string& path, const NamedArrays& arrays, FileChecksum checksum) {
  std::vector<const std::string*> order;
  for (const auto& item : arrays.arrays) order.push_back(&item.first);
  std::stable_sort(order.begin(), order.end(), [&](const std::string* a, const std::string* b) {
    return byte_size(arrays.arrays.at(*a).type) > byte_size(arrays.arrays.at(*b).type);
  });
  std::string header;
  try {
    header = make_header(arrays, order, checksum);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: names and metadata must be UTF-8 ({})", path, error.what()));
  }
  if (header.size() > kMaxHeaderBytes) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: names and metadata take {} bytes, the format allows {}", path,
                                               header.size(), kMaxHeaderBytes));
  }
  write_file_atomically(path, [&](int descriptor) {
    Checksum sum;
    const auto write = [&](const void* data, std::size_t size) {
      if (checksum == FileChecksum::kWritten) sum.add(data, size);
      write_all(descriptor, data, size, path);
    };
    const std::uint64_t header_size = header.size();
    write(&header_size, kSizeBytes);
    write(header.data(), header.size());
    for (const std::string* name : order) arrays.arrays.at(*name).bytes.for_each_piece(write);
    if (checksum == FileChecksum::kNone) return;
    const std::string digits = checksum_text(sum.value());
    const auto place = static_cast<off_t>(kSizeBytes + find_checksum(header));
    if (::pwrite(descriptor, digits.data(), digits.size(), place) != static_cast<ssize_t>(digits.size())) {
      throw Error(ErrorKind::kIo, fmt::format("{}: cannot write the checksum ({})", path, std::strerror(errno)));
    }
  });
}

void verify_safetensors(const std::string& path) {
  const OpenFile file(path);
  std::string header = read_header_text(file);
  const std::size_t place = find_checksum(header);
  if (place == std::string::npos) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: has no checksum; the file is damaged or of another program", path));
  }
  const std::string expected = header.substr(place, kChecksumDigits);
  header.replace(place, kChecksumDigits, checksum_text(0));
  Checksum sum;
  const std::uint64_t header_size = header.size(), file_size = file.size();
  sum.add(&header_size, kSizeBytes);
  sum.add(header.data(), header.size());
  std::vector<unsigned char> piece(std::min<std::uint64_t>(kVerifiedAtOnce, file_size));
  for (std::uint64_t offset = kSizeBytes + header_size; offset < file_size; offset += piece.size()) {
    const std::uint64_t count = std::min<std::uint64_t>(piece.size(), file_size - offset);
    file.read(offset, count, piece.data());
    sum.add(piece.data(), count);
  }
  if (const std::string found = checksum_text(sum.value()); found != expected) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: the file is damaged (checksum {}, expected {}); use another copy",
                                                path, found, expected));
  }
}

NamedArrays read_safetensors(const std::string& path) {
  const auto file = std::make_shared<const OpenFile>(path);
  Header header = read_header(*file);
  NamedArrays state;
  state.metadata = std::move(header.metadata);
  for (Entry& entry : header.entries) {  // in file order, so the reads follow each other
    NamedArray& array = state.arrays[entry.name];
    array.type = entry.type;
    array.shape = std::move(entry.shape);
    const std::uint64_t size = entry.end - entry.begin, start = header.data_start + entry.begin;
    if (size >= kStaysInFile) {
      array.bytes = ArrayBytes::stored(size, [file, start](std::size_t offset, std::size_t count, unsigned char* out) {
        file->read(start + offset, count, out);
      });
    } else {
      std::vector<unsigned char> bytes(size);
      file->read(start, size, bytes.data());
      array.bytes = std::move(bytes);
    }
  }
  return state;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  return read_header(OpenFile(path)).metadata;
}

}  // namespace aface
