#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aface/image/image_file.h"

namespace aface::test {

enum class ByteOrder { kLittle, kBig };

inline void append(std::string& text, std::uint32_t value, int size, ByteOrder order) {
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (order == ByteOrder::kBig ? size - 1 - i : i);
    text += static_cast<char>(value >> shift & 0xff);
  }
}

// A TIFF block whose first directory holds another tag and, as `type`, the orientation.
inline std::string tiff_with(int orientation, ByteOrder order, std::uint32_t type = 3) {
  std::string tiff = order == ByteOrder::kBig ? "MM" : "II";
  append(tiff, 42, 2, order);
  append(tiff, 10, 4, order);  // where the directory begins, not at once
  tiff += "..";
  append(tiff, 2, 2, order);
  for (const std::uint32_t tag : {0x010Fu, 0x0112u}) {
    append(tiff, tag, 2, order);
    append(tiff, tag == 0x0112u ? type : 2, 2, order);
    append(tiff, 1, 4, order);
    append(tiff, static_cast<std::uint32_t>(orientation), 2, order);
    append(tiff, 0, 2, order);
  }
  append(tiff, 0, 4, order);
  return tiff;
}

// Behind the first segment (JFIF) of a JPEG, another APP1 before it.
inline std::vector<unsigned char> jpeg_with(const std::string& tiff, const Image& picture) {
  std::vector<unsigned char> jpeg = encode_jpeg(picture, 100);
  std::string segments;
  for (const std::string& body :
       {std::string("http://ns.adobe.com/xap/1.0/"), std::string("Exif\0\0", 6) + tiff}) {
    segments += "\xFF\xE1";
    append(segments, static_cast<std::uint32_t>(body.size() + 2), 2, ByteOrder::kBig);
    segments += body;
  }
  const std::size_t jfif_end = 4 + (jpeg[4] << 8 | jpeg[5]);
  jpeg.insert(jpeg.begin() + static_cast<std::ptrdiff_t>(jfif_end), segments.begin(), segments.end());
  return jpeg;
}

// Behind the header of a PNG.
inline std::vector<unsigned char> png_with(const std::string& tiff, const Image& picture) {
  std::vector<unsigned char> png = encode_png(picture);
  std::string chunk;
  append(chunk, static_cast<std::uint32_t>(tiff.size()), 4, ByteOrder::kBig);
  const std::string body = "eXIf" + tiff;
  chunk += body;
  append(chunk,
         static_cast<std::uint32_t>(
             crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))),
         4, ByteOrder::kBig);
  png.insert(png.begin() + 33, chunk.begin(), chunk.end());
  return png;
}

}  // namespace aface::test
