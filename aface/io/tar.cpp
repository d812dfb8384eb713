#include "aface/io/tar.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kRecordOfTape = 10240;
constexpr std::uint64_t kLongestName = 1 << 16;  // far beyond what a file system takes

// Fields of a header block: where they begin and how long they are.
struct Field {
  std::size_t begin, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kOwner{108, 8}, kGroup{116, 8}, kSize{124, 12}, kTime{136, 12},
    kChecksum{148, 8}, kType{156, 1}, kMagic{257, 8}, kPrefix{345, 155};

constexpr std::uint64_t padded(std::uint64_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

std::string_view text_of(const unsigned char* block, Field field) {
  const std::string_view text(reinterpret_cast<const char*>(block) + field.begin, field.size);
  return text.substr(0, text.find('\0'));
}

// Octal digits with blanks around them, or (GNU) big-endian binary behind a first byte of 0x80.
std::optional<std::uint64_t> number_of(const unsigned char* block, Field field) {
  const unsigned char* bytes = block + field.begin;
  std::uint64_t number = 0;
  if (bytes[0] & 0x80) {
    if (bytes[0] != 0x80) return std::nullopt;  // negative, or more than 64 bits
    for (std::size_t i = 1; i < field.size; ++i) {
      if (number >> 56 != 0) return std::nullopt;
      number = number << 8 | bytes[i];
    }
    return number;
  }
  std::string_view text = text_of(block, field);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  if (text.empty()) return 0;
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// The sum of all bytes, those of the checksum itself taken as blanks.
std::uint64_t checksum_of(const unsigned char* block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    sum += i >= kChecksum.begin && i < kChecksum.begin + kChecksum.size ? ' ' : block[i];
  }
  return sum;
}

bool is_zero(const unsigned char* block) {
  return std::all_of(block, block + kBlock, [](unsigned char byte) { return byte == 0; });
}

class Lister {
 public:
  Lister(Span<const unsigned char> archive, const std::string& path) : archive_(archive), path_(path) {}

  std::vector<TarMember> list() {
    bool has_end = false;
    while (at_ < archive_.size()) {
      if (archive_.size() - at_ < kBlock)
        fail("a block of 512 bytes begins here, {} are left", archive_.size() - at_);
      has_end = is_zero(block());
      if (has_end) {
        at_ += kBlock;
      } else {
        take_member();
      }
    }
    if (!has_end) fail("the blocks of zeros at the end are missing");
    if (next_name_ || next_size_) fail("the file that a long name is for is missing");
    return std::move(members_);
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> what, Args&&... args) const {
    throw Error(ErrorKind::kFormat, fmt::format("{}@{}: {}; the file is cut short, damaged or no tar archive",
                                                path_, at_, fmt::format(what, std::forward<Args>(args)...)));
  }

  const unsigned char* block() const { return archive_.data() + at_; }

  void take_member() {
    const std::optional<std::uint64_t> checksum = number_of(block(), kChecksum);
    if (!checksum || *checksum != checksum_of(block())) fail("no header of a file (its checksum is wrong)");
    std::optional<std::uint64_t> size = number_of(block(), kSize);
    const char type = static_cast<char>(block()[kType.begin]);
    const bool is_about_next = type == 'L' || type == 'K' || type == 'x' || type == 'g';
    if (!is_about_next && next_size_) size = next_size_;
    const std::uint64_t left = archive_.size() - at_ - kBlock;
    if (!size || *size > left || padded(*size) > left)
      fail("the file says {} bytes, {} are left", size.value_or(0), left);
    const std::string_view content(reinterpret_cast<const char*>(block()) + kBlock,
                                   static_cast<std::size_t>(*size));
    if (is_about_next) {
      if (*size > kLongestName) fail("a name of {} bytes", *size);
      if (type == 'L') next_name_ = std::string(content.substr(0, content.find('\0')));
      if (type == 'x') take_pax(content);
    } else {
      if (type == 'S') fail("a sparse file, which is not read");
      if (type == '0' || type == '\0' || type == '7') members_.push_back({name(), at_ + kBlock, *size});
      next_name_.reset();
      next_size_.reset();
    }
    at_ += kBlock + padded(*size);
  }

  std::string name() const {
    if (next_name_) return *next_name_;
    const std::string_view magic(reinterpret_cast<const char*>(block()) + kMagic.begin, 6);
    const std::string_view prefix = text_of(block(), kPrefix);
    const std::string_view name = text_of(block(), kName);
    constexpr std::string_view kUstar("ustar\0", 6);  // GNU's magic ends in a blank, and it has no prefix
    return magic == kUstar && !prefix.empty() ? fmt::format("{}/{}", prefix, name) : std::string(name);
  }

  // Lines "length key=value\n", the length that of the whole line.
  void take_pax(std::string_view text) {
    while (!text.empty()) {
      std::size_t length = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto digits = static_cast<std::size_t>(parsed.ptr - text.data());
      if (parsed.ec != std::errc() || length > text.size() || length < digits + 2 || text[digits] != ' ' ||
          text[length - 1] != '\n') {
        fail("a pax header whose lines have a wrong length");
      }
      const std::string_view line = text.substr(digits + 1, length - digits - 2);
      const std::size_t equals = line.find('=');
      if (equals == std::string_view::npos) fail("a pax header with a line without '='");
      const std::string_view key = line.substr(0, equals), value = line.substr(equals + 1);
      if (key == "path") next_name_ = std::string(value);
      if (key == "size") {
        std::uint64_t size = 0;
        const auto number = std::from_chars(value.data(), value.data() + value.size(), size);
        if (number.ec != std::errc() || number.ptr != value.data() + value.size())
          fail("a pax header with a wrong size");
        next_size_ = size;
      }
      if (key.substr(0, 10) == "GNU.sparse") fail("a sparse file, which is not read");
      text.remove_prefix(length);
    }
  }

  const Span<const unsigned char> archive_;
  const std::string& path_;
  std::uint64_t at_ = 0;
  std::vector<TarMember> members_;
  std::optional<std::string> next_name_;
  std::optional<std::uint64_t> next_size_;
};

void put(std::array<char, kBlock>& block, Field field, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), field.size),
              block.begin() + static_cast<std::ptrdiff_t>(field.begin));
}

void write_file(FileWriter& archive, char type, std::string_view name, Span<const unsigned char> content) {
  std::array<char, kBlock> block{};
  put(block, kName, name);
  put(block, kMode, "0000644");
  put(block, kOwner, "0000000");
  put(block, kGroup, "0000000");
  put(block, kSize, fmt::format("{:011o}", content.size()));
  put(block, kTime, "00000000000");  // the same content gives the same archive
  put(block, kType, {&type, 1});
  put(block, kMagic, "ustar  ");  // of GNU, whose long names we write
  put(block, kChecksum, "        ");
  const auto sum = checksum_of(reinterpret_cast<const unsigned char*>(block.data()));
  put(block, kChecksum, std::string_view(fmt::format("{:06o}", sum) + '\0').substr(0, 7));
  archive.write(block.data(), block.size());
  archive.write(content.data(), content.size());
  constexpr std::array<char, kBlock> kZeros{};
  archive.write(kZeros.data(), static_cast<std::size_t>(padded(content.size()) - content.size()));
}

}  // namespace

std::vector<TarMember> list_tar(Span<const unsigned char> archive, const std::string& path) {
  return Lister(archive, path).list();
}

std::uint64_t tar_member_bytes(std::uint64_t content_size) { return kBlock + padded(content_size); }

std::uint64_t tar_archive_bytes(std::uint64_t offset) {
  return (offset + 2 * kBlock + kRecordOfTape - 1) / kRecordOfTape * kRecordOfTape;
}

void write_tar_member(FileWriter& archive, const std::string& name, Span<const unsigned char> content) {
  AFACE_CHECK(content.size() < std::uint64_t{1} << 33, "{} bytes, more than eleven octal digits say",
              content.size());
  if (name.size() > kName.size) {  // its content is the name with its end
    write_file(archive, 'L', "././@LongLink",
               {reinterpret_cast<const unsigned char*>(name.c_str()), name.size() + 1});
  }
  write_file(archive, '0', name, content);
}

void write_tar_end(FileWriter& archive) {
  const std::uint64_t zeros = tar_archive_bytes(archive.offset()) - archive.offset();
  archive.write(std::string(static_cast<std::size_t>(zeros), '\0'));
}

}  // namespace aface
