#include "aface/data/photo_source.h"

namespace aface {

Result<Span<const unsigned char>> PhotoSource::encoded(std::int64_t sample_id, PhotoBuffers&) const {
  return Error(ErrorKind::kData,
               photo_place(sample_id) + ": the photo is drawn when it is needed and stored nowhere");
}

}  // namespace aface
