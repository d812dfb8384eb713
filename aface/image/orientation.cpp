#include "aface/image/orientation.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <opencv2/core.hpp>

#include "aface/core/check.h"
#include "aface/image/jpeg_header.h"

namespace aface {
namespace {

using Bytes = Span<const unsigned char>;

constexpr int kAsStored = 1;

Bytes part(Bytes bytes, std::size_t from, std::size_t size) { return {bytes.data() + from, size}; }

bool begins_with(Bytes bytes, const char* text, std::size_t size) {
  return bytes.size() >= size && std::memcmp(bytes.data(), text, size) == 0;
}

std::uint32_t big_endian(const unsigned char* bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

// A TIFF directory, whose numbers are in either order.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes), is_big_endian_(begins_with(bytes, "MM", 2)) {}

  bool is_sound() const {
    return (is_big_endian_ || begins_with(bytes_, "II", 2)) && bytes_.size() >= 8 && number(2, 2) == 42;
  }
  // The tag's value where it is one 16-bit number, in the first directory; 0 otherwise.
  std::uint32_t short_value(std::uint32_t tag) const {
    constexpr std::size_t kEntryBytes = 12;
    constexpr std::uint32_t kShort = 3;
    const std::size_t directory = number(4, 4);
    if (!holds(directory, 2)) return 0;
    const std::size_t entries = number(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::size_t entry = directory + 2 + i * kEntryBytes;
      if (!holds(entry, kEntryBytes)) return 0;
      if (number(entry, 2) != tag) continue;
      return number(entry + 2, 2) == kShort && number(entry + 4, 4) == 1 ? number(entry + 8, 2) : 0;
    }
    return 0;
  }

 private:
  bool holds(std::size_t from, std::size_t size) const {
    return from <= bytes_.size() && size <= bytes_.size() - from;
  }
  std::uint32_t number(std::size_t from, std::size_t size) const {
    if (is_big_endian_) return big_endian(bytes_.data() + from, size);
    std::uint32_t value = 0;
    for (std::size_t i = size; i > 0; --i) value = value << 8 | bytes_[from + i - 1];
    return value;
  }

  Bytes bytes_;
  bool is_big_endian_;
};

int orientation_in(Bytes exif) {
  constexpr std::uint32_t kOrientation = 0x0112;
  const Tiff tiff(exif);
  if (!tiff.is_sound()) return kAsStored;
  const std::uint32_t value = tiff.short_value(kOrientation);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : kAsStored;
}

int orientation_of_jpeg(Bytes jpeg) {
  constexpr unsigned char kExifSegment = 0xE1;
  constexpr std::size_t kNameBytes = 6;  // "Exif" and two zeros
  int orientation = kAsStored;
  for_each_jpeg_segment(jpeg, [&](unsigned char marker, Bytes body) {
    const bool is_exif = marker == kExifSegment && begins_with(body, "Exif\0\0", kNameBytes);
    if (is_exif) orientation = orientation_in(part(body, kNameBytes, body.size() - kNameBytes));
    return !is_exif;
  });
  return orientation;
}

int orientation_of_png(Bytes png) {
  constexpr std::size_t kSignature = 8, kHead = 8, kChecksum = 4;
  for (std::size_t at = kSignature; png.size() - at >= kHead;) {
    const std::size_t length = big_endian(png.data() + at, 4);
    if (length > png.size() - at - kHead) return kAsStored;
    const Bytes body = part(png, at + kHead, length);
    if (std::memcmp(png.data() + at + 4, "eXIf", 4) == 0) return orientation_in(body);
    if (kChecksum > png.size() - at - kHead - length) return kAsStored;
    at += kHead + length + kChecksum;
  }
  return kAsStored;
}

}  // namespace

int orientation_of(Span<const unsigned char> picture) {
  if (begins_with(picture, "\xFF\xD8", 2)) return orientation_of_jpeg(picture);
  if (begins_with(picture, "\x89PNG\r\n\x1A\n", 8)) return orientation_of_png(picture);
  return kAsStored;
}

Image turned_upright(Image stored, int orientation) {
  AFACE_CHECK(orientation >= 1 && orientation <= 8, "orientation {}", orientation);
  if (orientation == kAsStored) return stored;
  const bool is_transposed = orientation >= 5;
  const bool is_mirrored = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool is_upside_down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const cv::Mat source(stored.height, stored.width, CV_8UC3, stored.pixels.data());
  Image upright = is_transposed ? Image(stored.height, stored.width) : Image(stored.width, stored.height);
  cv::Mat result(upright.height, upright.width, CV_8UC3, upright.pixels.data());
  if (is_transposed) {
    cv::transpose(source, result);
  } else {
    source.copyTo(result);
  }
  constexpr int kBoth = -1, kTopToBottom = 0, kLeftToRight = 1;
  if (is_mirrored && is_upside_down) {
    cv::flip(result, result, kBoth);
  } else if (is_mirrored) {
    cv::flip(result, result, kLeftToRight);
  } else if (is_upside_down) {
    cv::flip(result, result, kTopToBottom);
  }
  return upright;
}

}  // namespace aface
