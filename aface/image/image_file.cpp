#include "aface/image/image_file.h"

#include <fmt/core.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <memory>

#include "aface/core/check.h"
#include "aface/core/file.h"
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

TurboJpeg& jpeg_decoder() {
  thread_local TurboJpeg decoder;
  if (decoder == nullptr) decoder.reset(tjInitDecompress());
  AFACE_CHECK(decoder != nullptr, "no JPEG decoder: {}", tjGetErrorStr());
  return decoder;
}

// After an error a decoder goes on where it stopped and would refuse the next, sound image: throw it away.
Error jpeg_error(TurboJpeg& decoder, const std::string& place, const char* what) {
  const Error error = bad_image(place, fmt::format("{} ({})", what, tjGetErrorStr2(decoder.get())));
  decoder.reset();
  return error;
}

tjhandle jpeg_encoder() {
  thread_local const TurboJpeg encoder(tjInitCompress());
  AFACE_CHECK(encoder != nullptr, "no JPEG encoder: {}", tjGetErrorStr());
  return encoder.get();
}

// Nothing when the size is fine.
std::string complaint_about_size(long width, long height) {
  if (width > 0 && height > 0 && width <= kMaxImagePixels / height) return "";
  return fmt::format("the header claims {} x {} pixels (expected 1 to {} in all); the file looks damaged",
                     width, height, kMaxImagePixels);
}

Result<Image> decode_jpeg(Span<const unsigned char> bytes, const std::string& place, Image image) {
  TurboJpeg& decoder = jpeg_decoder();
  int subsampling = 0;
  int colour_space = 0;
  if (tjDecompressHeader3(decoder.get(), bytes.data(), bytes.size(), &image.width, &image.height,
                          &subsampling, &colour_space) != 0) {
    return jpeg_error(decoder, place, "broken JPEG header");
  }
  if (colour_space == TJCS_CMYK || colour_space == TJCS_YCCK) {
    return bad_image(place, "CMYK JPEG is not read (expected grey, YCbCr or RGB); convert the image to RGB");
  }
  const std::string complaint = complaint_about_size(image.width, image.height);
  if (!complaint.empty()) return bad_image(place, complaint);
  image.pixels.resize(static_cast<std::size_t>(image.width) * image.height * 3);
  if (tjDecompress2(decoder.get(), bytes.data(), bytes.size(), image.pixels.data(), image.width, 0,
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

Result<Image> decode_image(Span<const unsigned char> bytes, const std::string& place, Image reuse) {
  if (bytes.empty()) return bad_image(place, "the file is empty");
  if (begins_with(bytes, kJpegMagic)) return decode_jpeg(bytes, place, std::move(reuse));
  if (begins_with(bytes, kPngMagic)) {
    const PngSize size = png_size(bytes);
    const std::string complaint = complaint_about_size(size.width, size.height);
    if (!complaint.empty()) return bad_image(place, complaint);
    return decode_png(bytes, place, std::move(reuse));
  }
  return bad_image(place, "neither JPEG nor PNG by its first bytes, whatever its name says");
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
