#include "aface/recognise/views.h"

#include <algorithm>
#include <array>
#include <vector>

#include "aface/core/parallel.h"

namespace aface {
namespace {

constexpr std::int64_t kChipsPerBlock = 64;  // whose numbers are in memory at a time

// What the network is fed for each channel of the chosen order and each value.
class PixelScale {
 public:
  explicit PixelScale(const ModelCard& card) {
    for (std::size_t c = 0; c < 3; ++c) {
      from_[c] = card.colour == ColourOrder::kRgb ? c : 2 - c;
      for (std::size_t value = 0; value < 256; ++value) {
        table_[c][value] = static_cast<float>((static_cast<double>(value) - card.mean[c]) / card.scale[c]);
      }
    }
  }

  // pixels [size, size, 3] to out [3, size, size].
  void apply(const std::uint8_t* pixels, std::int64_t size, bool mirrored, float* out) const {
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::int64_t y = 0; y < size; ++y) {
        const std::uint8_t* row = pixels + y * size * 3 + from_[c];
        for (std::int64_t x = 0; x < size; ++x) *out++ = table_[c][row[3 * (mirrored ? size - 1 - x : x)]];
      }
    }
  }

 private:
  std::array<std::size_t, 3> from_{};
  std::array<std::array<float, 256>, 3> table_{};
};

}  // namespace

void embed_views(const ModelCard& card, const std::uint8_t* pixels, std::int64_t count, int threads,
                 float* rows, const RunNetwork& run) {
  const PixelScale scale(card);
  const std::int64_t size = card.input_size(), values = 3 * size * size, dim = card.dim();
  const std::int64_t views = card.flip == FlipRule::kSum ? 2 : 1;
  std::vector<float> inputs, outputs;
  for (std::int64_t first = 0; first < count; first += kChipsPerBlock) {
    const std::int64_t block = std::min(kChipsPerBlock, count - first);
    inputs.resize(static_cast<std::size_t>(block * views * values));
    outputs.resize(static_cast<std::size_t>(block * views * dim));
    const auto prepare = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        scale.apply(pixels + (first + i / views) * values, size, i % views == 1, inputs.data() + i * values);
      }
    };
    // To start a thread takes as long as some chips.
    block < 8 ? prepare(0, block * views) : parallel_for(block * views, 8, threads, prepare);
    run(inputs.data(), block * views, outputs.data());
    for (std::int64_t i = 0; i < block; ++i) {
      float* row = rows + (first + i) * dim;
      const float* view = outputs.data() + i * views * dim;
      for (std::int64_t k = 0; k < dim; ++k) row[k] = views == 2 ? view[k] + view[dim + k] : view[k];
    }
  }
}

}  // namespace aface
