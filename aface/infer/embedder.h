#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/nn/backbone_options.h"

namespace aface {

class Backbone;

struct EmbedOptions {
  std::int64_t batch_size = 64;
  bool add_flipped = true;  // embedding = f(x) + f(mirrored x)
  int workers = 1;          // decoding threads
};

// Row-major [paths.size(), dim] float32, not normalised.
struct EmbeddingMatrix {
  std::int64_t dim = 0;
  std::vector<float> values;
};

// Embeds aligned chips (JPEG or PNG under `root`) in order; chips of another size are resized to the network's input.
// The backbone is put into evaluation mode and back. Throws Error{kIo|kFormat} naming an unreadable image.
EmbeddingMatrix embed_files(Backbone& backbone, const std::string& root, const std::vector<std::string>& paths,
                            const EmbedOptions& options);

}  // namespace aface
