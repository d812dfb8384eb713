#include "aface/image/jpeg_header.h"

#include <cstddef>
#include <cstring>

namespace aface {
namespace {

constexpr unsigned char kStartOfImage = 0xD8, kHuffmanTables = 0xC4, kQuantisation = 0xDB, kRestart = 0xDD,
                        kScan = 0xDA, kEndOfImage = 0xD9, kComment = 0xFE, kFirstApplication = 0xE0,
                        kLastApplication = 0xEF;
constexpr std::size_t kFrameBytes = 17;  // of a frame header of three components, its length included

std::size_t big_endian(const unsigned char* bytes) {
  return static_cast<std::size_t>(bytes[0] << 8 | bytes[1]);
}

bool is_frame(unsigned char marker) {
  return marker >= 0xC0 && marker <= 0xC2;
}  // baseline, extended, progressive

bool is_passed_over(unsigned char marker) {
  return marker == kHuffmanTables || marker == kQuantisation || marker == kRestart || marker == kComment ||
         (marker >= kFirstApplication && marker <= kLastApplication);
}

std::optional<JpegSize> size_in_frame(const unsigned char* segment, std::size_t length) {
  if (length != kFrameBytes || segment[2] != 8 || segment[7] != 3) return std::nullopt;
  const bool is_420 = segment[9] == 0x22 && segment[12] == 0x11 && segment[15] == 0x11;
  const JpegSize size{static_cast<int>(big_endian(segment + 5)), static_cast<int>(big_endian(segment + 3))};
  if (!is_420 || size.width == 0 || size.height == 0) return std::nullopt;
  return size;
}

}  // namespace

std::optional<JpegSize> size_of_common_jpeg(Span<const unsigned char> bytes) {
  if (bytes.size() < 2 || bytes[0] != 0xFF || bytes[1] != kStartOfImage) return std::nullopt;
  bool is_jfif = false;  // and so YCbCr, whatever else it says
  for (std::size_t at = 2; bytes.size() - at >= 4;) {
    const unsigned char marker = bytes[at + 1];
    const unsigned char* segment = bytes.data() + at + 2;
    const std::size_t length = big_endian(segment);
    if (bytes[at] != 0xFF || length < 2 || length > bytes.size() - at - 2) return std::nullopt;
    if (is_frame(marker)) return is_jfif ? size_in_frame(segment, length) : std::nullopt;
    if (!is_passed_over(marker)) return std::nullopt;
    if (marker == kFirstApplication && length >= 16 && std::memcmp(segment + 2, "JFIF", 5) == 0)
      is_jfif = true;
    at += 2 + length;
  }
  return std::nullopt;
}

void for_each_jpeg_segment(
    Span<const unsigned char> bytes,
    const std::function<bool(unsigned char marker, Span<const unsigned char> body)>& visit) {
  if (bytes.size() < 2 || bytes[0] != 0xFF || bytes[1] != kStartOfImage) return;
  for (std::size_t at = 2; bytes.size() - at >= 4 && bytes[at] == 0xFF;) {
    const unsigned char marker = bytes[at + 1];
    if (marker == 0xFF) {  // filling
      ++at;
      continue;
    }
    const std::size_t length = big_endian(&bytes[at + 2]);
    if (marker == kScan || marker == kEndOfImage || length < 2 || length > bytes.size() - at - 2) return;
    if (!visit(marker, {&bytes[at + 4], length - 2})) return;
    at += 2 + length;
  }
}

}  // namespace aface
