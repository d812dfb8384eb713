#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/span.h"
#include "aface/infer/chip_reader.h"
#include "aface/nn/backbone_options.h"

namespace aface {

class Backbone;

enum class OnBadImage { kFail, kSkip };

struct EmbedOptions {
  // --- affects results
  bool add_flipped = true;  // embedding = f(x) + f(mirrored x)
  OnBadImage on_bad_image = OnBadImage::kFail;
  // --- affects speed
  std::int64_t batch_size = 64;
  int workers = 1;  // decoding threads, beside those of the network
  // Called after each batch with the number of images done; may be empty.
  std::function<void(std::int64_t images_done)> on_progress;
};

struct EmbeddingMatrix {
  std::int64_t dim = 0;
  std::vector<float> values;           // row-major [rows, dim] float32, not normalised
  std::vector<std::int64_t> path_ids;  // [rows], rising: which path each row is of; all of them under kFail
  std::vector<Error> bad_images;       // under kSkip: why the others were left out

  std::int64_t rows() const { return static_cast<std::int64_t>(path_ids.size()); }
  RowMatrix view() const { return {values.data(), path_ids.size(), static_cast<std::size_t>(dim)}; }
};

// A network as the loop over chips sees it.
struct ChipNetwork {
  std::int64_t size_px = 0;  // side of a chip
  std::int64_t dim = 0;      // of an embedding
  // From pixels [count, size_px, size_px, 3] to rows [count, dim], in any scale; views are its own affair.
  std::function<void(Span<const std::uint8_t> pixels, std::int64_t count, float* rows)> embed;
};

// Embeds aligned chips in order; chips of another size are resized to the network's input. Images are decoded
// on workers while the network computes. Throws Error{kIo|kFormat} naming an unreadable image (kFail), Error{kData} naming an image whose
// embedding is not finite, or when no image can be read; Stopped between batches. Of the options, add_flipped
// is for the functions below.
EmbeddingMatrix embed_chips(const ChipNetwork& network, const ChipSource& chips, const EmbedOptions& options);

// By a network in LibTorch, on the device where its weights are. The backbone computes in evaluation mode, so that an
// embedding does not depend on its batch, and is put back into the mode it was in.
EmbeddingMatrix embed_chips(Backbone& backbone, const ChipSource& chips, const EmbedOptions& options);

// The same for JPEG and PNG files under `root`, which may be empty.
EmbeddingMatrix embed_files(Backbone& backbone, const std::string& root,
                            const std::vector<std::string>& paths, const EmbedOptions& options);

}  // namespace aface
