#pragma once

#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/image/image.h"

namespace aface {

// Largest picture that is decoded; a header that claims more is taken for damage before anything is
// allocated.
constexpr long kMaxImagePixels = 100'000'000;

// Decodes a JPEG or PNG from memory to 8-bit RGB; the first bytes decide which, never a name. Grey becomes
// three equal channels; of a PNG, alpha is dropped, palettes are resolved and 16 bits are cut to 8; inks
// (CMYK, YCCK) of a JPEG are multiplied, without a colour profile. Orientation tags are not applied: pixels
// stay as stored, which is what given landmarks refer to. `place` opens the message of an error, the storage
// of `reuse` is used again. Any number of threads. Error{kFormat}: neither format, empty, damaged or cut
// short (everything libjpeg warns about counts as damage, as the pixels after it are guesses), or a header
// that claims more than `max_pixels` (<= kMaxImagePixels), which is seen before anything is allocated.
Result<Image> decode_image(Span<const unsigned char> bytes, const std::string& place, Image reuse = {},
                           long max_pixels = kMaxImagePixels);

// The same, turned as it was seen (image/orientation.h): for photos whose faces are to be found.
Result<Image> decode_photo(Span<const unsigned char> bytes, const std::string& place,
                           long max_pixels = kMaxImagePixels);

// The same for a file; Error{kIo} when it cannot be read.
Result<Image> read_image(const std::string& path);

// `quality` is 1..100; colour is stored at half resolution (4:2:0), as most face sets do. Throws
// Error{kUsage} when the quality is out of range or the image is empty.
std::vector<unsigned char> encode_jpeg(const Image& image, int quality);

// Lossless. Throws Error{kUsage} when the image is empty.
std::vector<unsigned char> encode_png(const Image& image);

}  // namespace aface
