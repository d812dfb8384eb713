#include "aface/io/recordio.h"

#include <fmt/core.h>

#include <cstring>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr std::size_t kMagicBytes = sizeof kRecordMagic;
constexpr std::size_t kPartHeaderBytes = 8;
constexpr std::uint32_t kLengthMask = (std::uint32_t{1} << 29) - 1;

enum PartFlag : std::uint32_t { kWhole = 0, kFirst = 1, kMiddle = 2, kLast = 3 };

constexpr std::uint64_t padded(std::uint64_t size) { return (size + 3) / 4 * 4; }

std::uint32_t word_at(const unsigned char* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

[[noreturn]] void fail(const std::string& path, std::uint64_t offset, const std::string& what) {
  throw Error(ErrorKind::kFormat, fmt::format("{}@{}: {}; the file is cut short, damaged or no RecordIO file",
                                              path, offset, what));
}

struct Part {
  std::uint32_t flag = 0;
  Span<const unsigned char> payload;
  std::uint64_t end = 0;
};

Part read_part(Span<const unsigned char> file, std::uint64_t offset, const std::string& path) {
  const std::uint64_t left = offset < file.size() ? file.size() - offset : 0;
  if (left < kPartHeaderBytes)
    fail(path, offset, fmt::format("a record needs {} bytes, {} are left", kPartHeaderBytes, left));
  const unsigned char* header = file.data() + offset;
  if (word_at(header) != kRecordMagic) {
    fail(path, offset,
         fmt::format("no record begins here (expected 0x{:08x}, got 0x{:08x})", kRecordMagic,
                     word_at(header)));
  }
  const std::uint32_t flag_and_length = word_at(header + kMagicBytes);
  const std::uint64_t length = flag_and_length & kLengthMask;
  if (padded(length) > left - kPartHeaderBytes) {
    fail(path, offset,
         fmt::format("the record says {} bytes, {} are left", padded(length), left - kPartHeaderBytes));
  }
  Part part;
  part.flag = flag_and_length >> 29;
  part.payload = {header + kPartHeaderBytes, static_cast<std::size_t>(length)};
  part.end = offset + kPartHeaderBytes + padded(length);
  return part;
}

void append(std::vector<unsigned char>& bytes, Span<const unsigned char> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void write_part(FileWriter& file, std::uint32_t flag, const unsigned char* payload, std::size_t size) {
  constexpr unsigned char kZeros[4] = {};
  const std::uint32_t header[2] = {kRecordMagic, flag << 29 | static_cast<std::uint32_t>(size)};
  file.write(header, sizeof header);
  file.write(payload, size);
  file.write(kZeros, static_cast<std::size_t>(padded(size)) - size);
}

}  // namespace

RecordView read_record(Span<const unsigned char> file, std::uint64_t offset,
                       std::vector<unsigned char>& joined, const std::string& path) {
  Part part = read_part(file, offset, path);
  if (part.flag == kWhole) return {part.payload, part.end};
  if (part.flag != kFirst) {
    fail(path, offset, fmt::format("a part of a record (flag {}) where one should begin", part.flag));
  }
  joined.clear();
  append(joined, part.payload);
  while (part.flag != kLast) {
    const std::uint64_t at = part.end;
    part = read_part(file, at, path);
    if (part.flag != kMiddle && part.flag != kLast) {
      fail(path, at,
           fmt::format("flag {} inside the split record that begins at {} (expected 2 or 3)", part.flag,
                       offset));
    }
    const auto* magic = reinterpret_cast<const unsigned char*>(&kRecordMagic);
    append(joined, {magic, kMagicBytes});
    append(joined, part.payload);
  }
  return {joined, part.end};
}

void write_record(FileWriter& file, Span<const unsigned char> payload) {
  if (payload.size() > kMaxRecordBytes) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: a record of {} bytes (at most {} can be stored); leave the image out "
                            "or make it smaller",
                            file.path(), payload.size(), kMaxRecordBytes));
  }
  std::size_t begin = 0;
  bool is_split = false;
  for (std::size_t at = 0; at + kMagicBytes <= payload.size(); at += kMagicBytes) {
    if (word_at(payload.data() + at) != kRecordMagic) continue;
    write_part(file, is_split ? kMiddle : kFirst, payload.data() + begin, at - begin);
    begin = at + kMagicBytes;
    is_split = true;
  }
  write_part(file, is_split ? kLast : kWhole, payload.data() + begin, payload.size() - begin);
}

}  // namespace aface
