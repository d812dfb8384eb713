#include "aface/image/image_file.h"

#include <fmt/core.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "aface/core/check.h"
#include "aface/core/file.h"
#include "aface/image/chroma_420.h"
#include "aface/image/jpeg_header.h"
#include "aface/image/orientation.h"
#include "aface/image/png.h"

namespace aface {
namespace {

constexpr std::array<unsigned char, 3> kJpegMagic = {0xFF, 0xD8, 0xFF};
constexpr std::array<unsigned char, 8> kPngMagic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <std::size_t N>
bool begins_with(Span<const unsigned char> bytes, const std::array<unsigned char, N>& magic) {
  return bytes.size() >= N && std::equal(magic.begin(), magic.end(), bytes.begin());
}

Error bad_image(const std::string& place, const std::string& what) {
  return Error(ErrorKind::kFormat, place + ": " + what);
}

// One codec per thread, as setting one up is not free.
struct TurboJpegDeleter {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using TurboJpeg = std::unique_ptr<void, TurboJpegDeleter>;

// With the memory that it works in.
struct JpegDecoder {
  TurboJpeg handle;
  std::vector<unsigned char> planes;
  std::vector<std::int16_t> sums;
};

JpegDecoder& jpeg_decoder() {
  thread_local JpegDecoder decoder;
  if (decoder.handle == nullptr) decoder.handle.reset(tjInitDecompress());
  AFACE_CHECK(decoder.handle != nullptr, "no JPEG decoder: {}", tjGetErrorStr());
  return decoder;
}

// After an error a decoder goes on where it stopped and would refuse the next, sound image: throw it away.
Error jpeg_error(JpegDecoder& decoder, const std::string& place, const char* what) {
  const Error error = bad_image(place, fmt::format("{} ({})", what, tjGetErrorStr2(decoder.handle.get())));
  decoder.handle.reset();
  return error;
}

tjhandle jpeg_encoder() {
  thread_local const TurboJpeg encoder(tjInitCompress());
  AFACE_CHECK(encoder != nullptr, "no JPEG encoder: {}", tjGetErrorStr());
  return encoder.get();
}

// Nothing when the size is fine.
std::string complaint_about_size(long width, long height, long max_pixels) {
  if (width > 0 && height > 0 && width <= max_pixels / height) return "";
  return fmt::format("the header claims {} x {} pixels (expected 1 to {} in all); {}", width, height,
                     max_pixels,
                     max_pixels == kMaxImagePixels ? "the file looks damaged" : "send a smaller picture");
}

// Larger pictures are not worth the planes that a thread would keep.
constexpr int kLargestInPlanes = 1 << 20;

// In rows of less than 5 pixels libjpeg does not interpolate.
bool is_for_planes(const JpegSize& size) {
  return !join_kernels().empty() && size.width >= 5 && size.width <= kLargestInPlanes / size.height;
}

// A picture of 4:2:0. Pixels as of tjDecompress2, but a fifth faster, since putting the colours together is
// left to us. False: an error.
bool decode_by_planes(JpegDecoder& decoder, Span<const unsigned char> bytes, Image& image) {
  Planes420 planes;
  planes.width = image.width;
  planes.height = image.height;
  planes.luma_stride = tjPlaneWidth(0, image.width, TJSAMP_420);
  planes.chroma_stride = tjPlaneWidth(1, image.width, TJSAMP_420);
  const auto luma = static_cast<std::size_t>(planes.luma_stride) * tjPlaneHeight(0, image.height, TJSAMP_420);
  const auto chroma =
      static_cast<std::size_t>(planes.chroma_stride) * tjPlaneHeight(1, image.height, TJSAMP_420);
  decoder.planes.resize(luma + 2 * chroma + kPlaneOverread);
  std::array<unsigned char*, 3> at = {decoder.planes.data(), decoder.planes.data() + luma,
                                      decoder.planes.data() + luma + chroma};
  std::array<int, 3> strides = {static_cast<int>(planes.luma_stride), static_cast<int>(planes.chroma_stride),
                                static_cast<int>(planes.chroma_stride)};
  if (tjDecompressToYUVPlanes(decoder.handle.get(), bytes.data(), bytes.size(), at.data(), image.width,
                              strides.data(), image.height, TJFLAG_STOPONWARNING) != 0) {
    decoder.handle.reset(tjInitDecompress());
    return false;
  }
  planes.luma = at[0];
  planes.blue = at[1];
  planes.red = at[2];
  join_kernels()[0].join(planes, decoder.sums, image.pixels.data());
  return true;
}

bool has_adobe_marker(Span<const unsigned char> bytes) {
  constexpr unsigned char kAdobeSegment = 0xEE;
  constexpr std::array<unsigned char, 5> kAdobe = {'A', 'd', 'o', 'b', 'e'};
  bool is_found = false;
  for_each_jpeg_segment(bytes, [&](unsigned char marker, Span<const unsigned char> body) {
    is_found = marker == kAdobeSegment && begins_with(body, kAdobe);
    return !is_found;
  });
  return is_found;
}

// Inks to light: what a printer would show on white paper, of inks that do not mix with each other. Adobe's
// programs, which make nearly all such files and mark them (APP14), store how much of an ink is left out.
void inks_to_rgb(const std::vector<unsigned char>& inks, bool is_inverted, Image& image) {
  const unsigned char flip = is_inverted ? 0 : 255;
  for (std::size_t i = 0, ink = 0; i < image.pixels.size(); i += 3, ink += 4) {
    const int white = inks[ink + 3] ^ flip;
    for (std::size_t c = 0; c < 3; ++c) {
      image.pixels[i + c] = static_cast<std::uint8_t>(((inks[ink + c] ^ flip) * white + 127) / 255);
    }
  }
}

Result<Image> decode_inks(JpegDecoder& decoder, Span<const unsigned char> bytes, const std::string& place,
                          Image image) {
  constexpr std::size_t kInks = 4;
  std::vector<unsigned char> inks(static_cast<std::size_t>(image.width) * image.height * kInks);
  if (tjDecompress2(decoder.handle.get(), bytes.data(), bytes.size(), inks.data(), image.width, 0,
                    image.height, TJPF_CMYK, TJFLAG_STOPONWARNING) != 0) {
    return jpeg_error(decoder, place, "damaged or cut short JPEG");
  }
  inks_to_rgb(inks, has_adobe_marker(bytes), image);
  return image;
}

Result<Image> decode_jpeg(Span<const unsigned char> bytes, const std::string& place, Image image,
                          long max_pixels) {
  JpegDecoder& decoder = jpeg_decoder();
  const std::optional<JpegSize> size = size_of_common_jpeg(bytes);
  if (size && is_for_planes(*size) && complaint_about_size(size->width, size->height, max_pixels).empty()) {
    image.width = size->width;
    image.height = size->height;
    image.pixels.resize(static_cast<std::size_t>(image.width) * image.height * 3);
    if (decode_by_planes(decoder, bytes, image)) return image;
    // What is wrong, the long way says.
  }
  int subsampling = 0;
  int colour_space = 0;
  if (tjDecompressHeader3(decoder.handle.get(), bytes.data(), bytes.size(), &image.width, &image.height,
                          &subsampling, &colour_space) != 0) {
    return jpeg_error(decoder, place, "broken JPEG header");
  }
  const std::string complaint = complaint_about_size(image.width, image.height, max_pixels);
  if (!complaint.empty()) return bad_image(place, complaint);
  image.pixels.resize(static_cast<std::size_t>(image.width) * image.height * 3);
  if (colour_space == TJCS_CMYK || colour_space == TJCS_YCCK) {
    return decode_inks(decoder, bytes, place, std::move(image));
  }
  if (tjDecompress2(decoder.handle.get(), bytes.data(), bytes.size(), image.pixels.data(), image.width, 0,
                    image.height, TJPF_RGB, TJFLAG_STOPONWARNING) != 0) {
    return jpeg_error(decoder, place, "damaged or cut short JPEG");
  }
  return image;
}

void check_can_encode(const Image& image) {
  if (image.width <= 0 || image.height <= 0)
    throw Error(ErrorKind::kUsage, "an empty image cannot be encoded");
  AFACE_CHECK(image.pixels.size() == static_cast<std::size_t>(image.width) * image.height * 3,
              "{} x {} image holds {} bytes", image.width, image.height, image.pixels.size());
}

}  // namespace

Result<Image> decode_image(Span<const unsigned char> bytes, const std::string& place, Image reuse,
                           long max_pixels) {
  AFACE_CHECK(max_pixels >= 1 && max_pixels <= kMaxImagePixels, "{} pixels at most", max_pixels);
  if (bytes.empty()) return bad_image(place, "the file is empty");
  if (begins_with(bytes, kJpegMagic)) return decode_jpeg(bytes, place, std::move(reuse), max_pixels);
  if (begins_with(bytes, kPngMagic)) {
    const PngSize size = png_size(bytes);
    const std::string complaint = complaint_about_size(size.width, size.height, max_pixels);
    if (!complaint.empty()) return bad_image(place, complaint);
    return decode_png(bytes, place, std::move(reuse));
  }
  return bad_image(place, "neither JPEG nor PNG by its first bytes, whatever its name says");
}

Result<Image> decode_photo(Span<const unsigned char> bytes, const std::string& place, long max_pixels) {
  Result<Image> stored = decode_image(bytes, place, {}, max_pixels);
  if (!stored.ok()) return stored;
  return turned_upright(std::move(stored).value(), orientation_of(bytes));
}

Result<Image> read_image(const std::string& path) {
  try {
    return decode_image(read_binary_file(path), path);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    return error;
  }
}

std::vector<unsigned char> encode_jpeg(const Image& image, int quality) {
  check_can_encode(image);
  if (quality < 1 || quality > 100) {
    throw Error(ErrorKind::kUsage,
                fmt::format("JPEG quality {} is out of range (expected 1 to 100)", quality));
  }
  std::vector<unsigned char> bytes(tjBufSize(image.width, image.height, TJSAMP_420));
  unsigned char* destination = bytes.data();
  unsigned long size = bytes.size();
  const tjhandle encoder = jpeg_encoder();
  const int status =
      tjCompress2(encoder, image.pixels.data(), image.width, 0, image.height, TJPF_RGB, &destination, &size,
                  TJSAMP_420, quality, TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT);
  AFACE_CHECK(status == 0, "JPEG encoder: {}", tjGetErrorStr2(encoder));
  bytes.resize(size);
  return bytes;
}

std::vector<unsigned char> encode_png(const Image& image) {
  check_can_encode(image);
  return encode_png_pixels(image);
}

}  // namespace aface
