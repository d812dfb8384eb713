#include "aface/io/npy.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"

namespace aface {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kAlignment = 64;
constexpr std::uint32_t kLargestHeader = 1u << 20;  // NumPy's own headers are below 200 bytes
constexpr std::size_t kBufferValues = 1u << 16;

// The few Python literals that a header holds, read from left to right.
class DictionaryReader {
 public:
  DictionaryReader(const std::string& text, const std::string& place) : text_(text), place_(place) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(
        ErrorKind::kFormat,
        fmt::format("{}: broken .npy header, {} at character {}; write the file again with numpy.save",
                    place_, what, at_));
  }
  bool take(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void need(char wanted) {
    if (!take(wanted)) fail(fmt::format("expected '{}'", wanted));
  }
  std::string quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') need('"');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string::npos) fail("a text without its closing quote");
    std::string value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    for (const bool value : {true, false}) {
      const std::string word = value ? "True" : "False";
      skip_space();
      if (text_.compare(at_, word.size(), word) == 0) {
        at_ += word.size();
        return value;
      }
    }
    fail("expected True or False");
  }
  std::int64_t size() {
    skip_space();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (code != std::errc() || value < 0) fail("expected a size");
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  const std::string& text_;
  const std::string& place_;
  std::size_t at_ = 0;
};

DataType type_from_descr(const std::string& descr, const std::string& place) {
  if (descr == "<f4") return DataType::kFloat32;
  if (descr == "<f8") return DataType::kFloat64;
  if (descr == "<f2") return DataType::kFloat16;
  if (!descr.empty() && descr[0] == '>') {
    throw Error(
        ErrorKind::kFormat,
        fmt::format(
            "{}: element type '{}' is big-endian (expected '<f2', '<f4' or '<f8'); store the embeddings "
            "little-endian with numpy.save(path, x.astype('<f4'))",
            place, one_line(descr)));
  }
  throw Error(
      ErrorKind::kFormat,
      fmt::format("{}: element type '{}' (expected '<f2', '<f4' or '<f8'); store the embeddings as float32 "
                  "with numpy.save(path, x.astype('<f4'))",
                  place, one_line(descr)));
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Exact in float32.
float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;  // 112 = 127 - 15
  const std::uint32_t bits = sign | (wide << 23) | (fraction << 13);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void read_exactly(std::ifstream& file, void* into, std::size_t bytes, const std::string& path) {
  if (!file.read(static_cast<char*>(into), static_cast<std::streamsize>(bytes))) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot read (expected {} more bytes, got {}); is it being written?", path,
                            bytes, file.gcount()));
  }
}

template <class Stored, class Convert>
void read_converted(std::ifstream& file, float* into, std::size_t count, const std::string& path,
                    Convert convert) {
  std::vector<Stored> buffer(std::min(kBufferValues, count));
  for (std::size_t done = 0; done < count;) {
    const std::size_t part = std::min(buffer.size(), count - done);
    read_exactly(file, buffer.data(), part * sizeof(Stored), path);
    std::transform(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(part), into + done, convert);
    done += part;
  }
}

void read_floats(std::ifstream& file, DataType type, float* into, std::size_t count,
                 const std::string& path) {
  if (type == DataType::kFloat32) {
    read_exactly(file, into, count * sizeof(float), path);
  } else if (type == DataType::kFloat64) {
    read_converted<double>(file, into, count, path, [](double value) { return static_cast<float>(value); });
  } else {
    read_converted<std::uint16_t>(file, into, count, path, half_to_float);
  }
}

// Takes columns in blocks, so that each row is written a cache line at a time.
void read_column_by_column(std::ifstream& file, DataType type, NpyMatrix& matrix, const std::string& path) {
  constexpr std::size_t kColumns = 16;
  const auto rows = static_cast<std::size_t>(matrix.rows), dim = static_cast<std::size_t>(matrix.dim);
  std::vector<float> block(rows * std::min(kColumns, dim));
  for (std::size_t first = 0; first < dim; first += kColumns) {
    const std::size_t columns = std::min(kColumns, dim - first);
    read_floats(file, type, block.data(), rows * columns, path);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t k = 0; k < columns; ++k) matrix.values[row * dim + first + k] = block[k * rows + row];
    }
  }
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

std::ifstream open_file(const std::string& path, std::uint64_t& bytes) {
  std::error_code code;
  bytes = std::filesystem::file_size(path, code);
  if (code)
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot read ({}); check the path", path, code.message()));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kIo, fmt::format("{}: cannot open ({})", path, std::strerror(errno)));
  return file;
}

// Reads the fixed part and the dictionary; leaves `file` at the first value and lowers `left` to the bytes
// from there.
NpyHeader read_header(std::ifstream& file, std::uint64_t& left, const std::string& path) {
  const auto truncated = [&](std::uint64_t needed) {
    return Error(ErrorKind::kFormat,
                 fmt::format("{}: the header ends too early (expected {} more bytes, got {}); "
                             "the file looks truncated, write it again",
                             path, needed, left));
  };
  unsigned char start[kMagicSize + 2];
  if (left < sizeof start) throw truncated(sizeof start);
  read_exactly(file, start, sizeof start, path);
  left -= sizeof start;
  if (std::memcmp(start, kMagic, kMagicSize) != 0) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: not a .npy file (no NUMPY signature); write it with numpy.save", path));
  }
  const int version = start[kMagicSize];
  if (version < 1 || version > 3) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: .npy format {} (expected 1 to 3); write it with numpy.save", path, version));
  }
  unsigned char length[4] = {0, 0, 0, 0};  // little-endian: two bytes in format 1, four from 2 on
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (left < length_bytes) throw truncated(length_bytes);
  read_exactly(file, length, length_bytes, path);
  left -= length_bytes;
  const std::uint32_t header_bytes =
      length[0] | length[1] << 8 | length[2] << 16 | std::uint32_t{length[3]} << 24;
  if (header_bytes > kLargestHeader || header_bytes > left) throw truncated(header_bytes);
  std::string dictionary(header_bytes, '\0');
  read_exactly(file, dictionary.data(), header_bytes, path);
  left -= header_bytes;
  NpyHeader header = parse_npy_header(dictionary, path);
  header.data_offset = sizeof start + length_bytes + header_bytes;
  return header;
}

// The same for a matrix whose values fill the rest of the file.
NpyHeader read_matrix_header(std::ifstream& file, std::uint64_t file_bytes, const std::string& path) {
  std::uint64_t left = file_bytes;
  const NpyHeader header = read_header(file, left, path);
  if (header.shape.size() != 2) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: an array of shape {} (expected a matrix [images, dim]); reshape it", path,
                            shape_text(header.shape)));
  }
  const auto rows = static_cast<std::uint64_t>(header.shape[0]),
             dim = static_cast<std::uint64_t>(header.shape[1]);
  const std::uint64_t item_bytes = byte_size(header.type);
  const std::uint64_t limit =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / item_bytes;
  const bool overflows = dim != 0 && rows > limit / dim;
  if (overflows || rows * dim * item_bytes != left) {
    throw Error(
        ErrorKind::kFormat,
        fmt::format("{}: the header promises {} values of {} bytes but {} bytes follow it; the file looks "
                    "truncated or damaged, write it again",
                    path, shape_text(header.shape), item_bytes, left));
  }
  return header;
}

}  // namespace

NpyHeader parse_npy_header(const std::string& dictionary, const std::string& place) {
  NpyHeader header;
  bool has_type = false, has_order = false, has_shape = false;
  DictionaryReader reader(dictionary, place);
  reader.need('{');
  while (!reader.take('}')) {
    const std::string key = reader.quoted();
    reader.need(':');
    if (key == "descr") {
      if (reader.take('[')) reader.fail("a structured element type");
      header.type = type_from_descr(reader.quoted(), place);
      has_type = true;
    } else if (key == "fortran_order") {
      header.fortran_order = reader.boolean();
      has_order = true;
    } else if (key == "shape") {
      header.shape.clear();
      reader.need('(');
      while (!reader.take(')')) {
        header.shape.push_back(reader.size());
        if (!reader.take(',')) {
          reader.need(')');
          break;
        }
      }
      has_shape = true;
    } else {
      reader.fail(fmt::format("unknown entry '{}'", one_line(key)));
    }
    if (!reader.take(',')) {
      reader.need('}');
      break;
    }
  }
  if (!reader.at_end()) reader.fail("text after the dictionary");
  if (!has_type || !has_order || !has_shape) reader.fail("one of descr, fortran_order and shape is missing");
  return header;
}

NpyHeader read_npy_matrix_header(const std::string& path) {
  std::uint64_t bytes = 0;
  std::ifstream file = open_file(path, bytes);
  return read_matrix_header(file, bytes, path);
}

NpyMatrix read_npy_matrix(const std::string& path) {
  std::uint64_t bytes = 0;
  std::ifstream file = open_file(path, bytes);
  const NpyHeader header = read_matrix_header(file, bytes, path);
  NpyMatrix matrix;
  matrix.rows = header.shape[0];
  matrix.dim = header.shape[1];
  matrix.values.resize(static_cast<std::size_t>(matrix.rows * matrix.dim));
  if (header.fortran_order) {
    read_column_by_column(file, header.type, matrix, path);
  } else {
    read_floats(file, header.type, matrix.values.data(), matrix.values.size(), path);
  }
  return matrix;
}

void write_npy_matrix(const std::string& path, RowMatrix matrix) {
  std::string dictionary =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", matrix.rows, matrix.dim);
  const std::size_t fixed = kMagicSize + 4;  // signature, version, length
  const std::size_t unpadded = fixed + dictionary.size() + 1;
  dictionary.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  dictionary += '\n';

  std::string start(kMagic, kMagicSize);
  start += '\x01';
  start += '\x00';
  start += static_cast<char>(dictionary.size() & 0xff);
  start += static_cast<char>(dictionary.size() >> 8);
  start += dictionary;
  write_file_atomically(path, [&](int descriptor) {
    write_all(descriptor, start.data(), start.size(), path);
    write_all(descriptor, matrix.data, matrix.rows * matrix.dim * sizeof(float), path);
  });
}

}  // namespace aface
