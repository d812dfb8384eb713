#include "aface/infer/embedder.h"

#include <c10/core/InferenceMode.h>
#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/stop_request.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/infer/chip_reader.h"
#include "aface/nn/backbone.h"

namespace aface {
namespace {

// Puts a network into evaluation mode while it lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(Backbone& backbone) : backbone_(backbone), was_training_(backbone.is_training()) {
    backbone_.eval();
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;
  ~EvaluationMode() { backbone_.train(was_training_); }

 private:
  Backbone& backbone_;
  const bool was_training_;
};

at::Device device_of(const Backbone& backbone) {
  const auto parameters = backbone.parameters();
  return parameters.empty() ? at::Device(at::kCPU) : parameters.front().device();
}

// Float32 [count, dim] on the CPU.
at::Tensor embed_batch(Backbone& backbone, const at::Tensor& chips, bool add_flipped) {
  at::Tensor embeddings = backbone.forward(chips);
  if (add_flipped)
    embeddings = embeddings + backbone.forward(chips.flip({3}));  // [batch, 3, h, w]: x is last
  return embeddings.to(at::kCPU, torch::kFloat32).contiguous();
}

// Moves the good chips of a block to its front, notes which they are, and returns their number.
std::int64_t keep_good_chips(ChipBlock& block, OnBadImage on_bad_image, EmbeddingMatrix& matrix) {
  const std::size_t chip_bytes = block.pixels.size() / block.errors.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < block.errors.size(); ++i) {
    if (block.errors[i]) {
      if (on_bad_image == OnBadImage::kFail) throw *block.errors[i];
      matrix.bad_images.push_back(*block.errors[i]);
      continue;
    }
    if (kept != i) std::copy_n(&block.pixels[i * chip_bytes], chip_bytes, &block.pixels[kept * chip_bytes]);
    matrix.path_ids.push_back(block.first + static_cast<std::int64_t>(i));
    ++kept;
  }
  block.pixels.resize(kept * chip_bytes);
  return static_cast<std::int64_t>(kept);
}

void require_finite(const float* row, std::int64_t dim, const std::string& path) {
  if (std::all_of(row, row + dim, [](float value) { return std::isfinite(value); })) return;
  throw Error(ErrorKind::kData,
              fmt::format("embedding of '{}' is not finite; the network's weights look damaged or "
                          "diverged, take an earlier model",
                          path));
}

}  // namespace

EmbeddingMatrix embed_files(Backbone& backbone, const std::string& root,
                            const std::vector<std::string>& paths, const EmbedOptions& options) {
  return embed_chips(backbone, chips_in_folder(root, paths), options);
}

EmbeddingMatrix embed_chips(Backbone& backbone, const ChipSource& chips, const EmbedOptions& options) {
  const EvaluationMode evaluation(backbone);
  const c10::InferenceMode no_gradients;
  const at::Device device = device_of(backbone);
  ChipNetwork network;
  network.size_px = backbone.options().input_size;
  network.dim = backbone.options().embedding_dim;
  network.embed = [&](Span<const std::uint8_t> pixels, std::int64_t count, float* out) {
    const at::Tensor batch = pixels_to_tensor(pixels, count, network.size_px, device);
    const at::Tensor rows = embed_batch(backbone, batch, options.add_flipped);
    AFACE_CHECK(rows.dim() == 2 && rows.size(0) == count && rows.size(1) == network.dim,
                "embeddings [{}, {}] (expected [{}, {}])", rows.size(0), rows.size(-1), count, network.dim);
    std::copy_n(rows.data_ptr<float>(), count * network.dim, out);
  };
  return embed_chips(network, chips, options);
}

EmbeddingMatrix embed_chips(const ChipNetwork& network, const ChipSource& chips, const EmbedOptions& options) {
  if (options.batch_size < 1 || options.workers < 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("embedding: batch size {} and {} workers (expected at least 1 of each)",
                            options.batch_size, options.workers));
  }
  EmbeddingMatrix matrix;
  matrix.dim = network.dim;
  matrix.values.reserve(chips.names.size() * static_cast<std::size_t>(matrix.dim));
  ChipReader reader(chips, static_cast<int>(network.size_px), options.batch_size, options.workers);
  while (std::optional<ChipBlock> block = reader.next()) {
    throw_if_stopped();
    const auto block_size = static_cast<std::int64_t>(block->errors.size());
    const std::int64_t count = keep_good_chips(*block, options.on_bad_image, matrix);
    if (count > 0) {
      const std::size_t before = matrix.values.size();
      matrix.values.resize(before + static_cast<std::size_t>(count * matrix.dim));
      float* values = matrix.values.data() + before;
      network.embed(block->pixels, count, values);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t path_id = *(matrix.path_ids.end() - count + i);
        require_finite(values + i * matrix.dim, matrix.dim, chips.names[static_cast<std::size_t>(path_id)]);
      }
    }
    if (options.on_progress) options.on_progress(block->first + block_size);
  }
  if (matrix.path_ids.empty() && !matrix.bad_images.empty()) {
    throw Error(ErrorKind::kData, fmt::format("none of {} images can be read; the first: {}",
                                              chips.names.size(), matrix.bad_images.front().what()));
  }
  return matrix;
}

}  // namespace aface
