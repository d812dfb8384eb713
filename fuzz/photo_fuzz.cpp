#include <optional>

#include "aface/image/image_file.h"
#include "aface/image/jpeg_header.h"
#include "aface/image/orientation.h"
#include "fuzz/fuzz.h"

// A photo from a stranger: its EXIF orientation, the short cut to a JPEG's size, and the decoders.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  constexpr long kMaxPixels = 1 << 14;
  const Span<const unsigned char> bytes(data, size);
  const int orientation = orientation_of(bytes);
  if (orientation < 1 || orientation > 8) std::abort();
  const std::optional<JpegSize> header = size_of_common_jpeg(bytes);
  const Result<Image> stored = decode_image(bytes, "p", {}, kMaxPixels),
                      upright = decode_photo(bytes, "p", kMaxPixels);
  if (stored.ok() != upright.ok()) std::abort();
  if (!stored.ok()) {
    if (stored.error().kind() != ErrorKind::kFormat) std::abort();
    return 0;
  }
  const Image &image = stored.value(), &turned = upright.value();
  if (static_cast<long>(image.width) * image.height > kMaxPixels) std::abort();
  if (image.pixels.size() !=
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3)
    std::abort();
  if (header && (header->width != image.width || header->height != image.height)) std::abort();
  const bool is_quarter_turn = orientation >= 5;
  if (turned.width != (is_quarter_turn ? image.height : image.width) ||
      turned.pixels.size() != image.pixels.size())
    std::abort();
  fuzz::touch(image.pixels);
  fuzz::touch(turned.pixels);
  return 0;
}
