#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/sha256.h"
#include "aface/core/span.h"
#include "aface/data/photo_input.h"
#include "aface/detect/face_chips.h"

namespace aface {

class Recogniser;

// A network as far as this matters: from `count` chips, RGB [count, size, size, 3] of the cutter's size, to
// rows [count, dim].
using EmbedPixels = std::function<void(Span<const std::uint8_t> pixels, std::int64_t count, float* rows)>;

// Recogniser::embed_pixels().
EmbedPixels embedding_by(std::shared_ptr<const Recogniser> recogniser);

// What became of one photo. Views last as long as the call.
struct PhotoRows {
  std::int64_t photo = 0;
  std::vector<std::optional<Face>> faces;  // [rows], as FaceChip has them
  RowMatrix rows;                          // as the network gave them, all finite
  Sha256::Value digest{};                  // of the photo's bytes, where it was asked for
  const Error* error = nullptr;            // why there are no rows
};

struct EmbedPhotosOptions {
  std::int64_t batch_size = 64;  // photos whose faces the network takes at once; changes speed and memory only
  int workers = 1;               // threads that decode and find faces, beside those of the network
  bool digests = false;  // of the photos are wanted
};

// Embeds the faces of photos and gives `take` each photo once, in order, in the calling thread; reading and
// finding go on meanwhile, a few batches ahead. Throws Error{kUsage} for options out of range, Error{kData}
// naming a photo with an embedding that is not finite, what `embed` and `take` throw; Stopped between
// batches.
void embed_photos(const PhotoInput& input, const FaceCutter& cutter, std::int64_t dim,
                  const EmbedPixels& embed, const EmbedPhotosOptions& options,
                  const std::function<void(const PhotoRows&)>& take);

}  // namespace aface
