#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/image/image.h"

namespace aface {

// Memory that one thread keeps between photos. A photo that was read may be moved into `image` and back.
struct PhotoBuffers {
  std::vector<unsigned char> bytes;
  Image image;
};

// Where the photos of a data set come from and what they and their people are called: files, or whatever can
// make a picture from its number. Names may be made when they are asked for, so that a source of millions
// need not hold them. Every function may be called by many threads at a time.
class PhotoSource {
 public:
  virtual ~PhotoSource() = default;

  virtual std::int64_t num_identities() const = 0;
  virtual std::string identity_name(std::int64_t identity) const = 0;

  // What the photo is called in lists of results; different for every photo.
  virtual std::string photo_name(std::int64_t sample_id) const = 0;
  // The same for messages, so that a person finds the photo: with the folder, for files.
  virtual std::string photo_place(std::int64_t sample_id) const { return photo_name(sample_id); }

  // The photo as it is stored, JPEG or PNG: in the source's own memory or in `buffers.bytes`.
  // Error{kIo|kFormat} of a photo that cannot be had, Error{kData} of a source that draws its photos.
  virtual Result<Span<const unsigned char>> encoded(std::int64_t sample_id, PhotoBuffers& buffers) const;

  // Error{kIo|kFormat} of a photo that cannot be had. The storage of `buffers.image` may be used for the
  // result.
  virtual Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const = 0;

  // A number that two sources share only if they hold the same photos of the same people, as far as names
  // tell.
  virtual std::uint64_t digest() const = 0;
};

}  // namespace aface
