#include "aface/recognise/recogniser.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/engine/engine.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"

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

bool scale_to_length_one(float* row, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += static_cast<double>(row[i]) * row[i];
  const double length = std::sqrt(sum);
  if (!(length > 0) || !std::isfinite(length)) return false;
  for (std::int64_t i = 0; i < dim; ++i) row[i] = static_cast<float>(row[i] / length);
  return true;
}

int threads_of(const RecogniserOptions& options) { return options.threads > 0 ? options.threads : hardware_threads(); }

}  // namespace

struct Recogniser::Parts {
  ModelCard card;
  std::string digest;
  PixelScale scale;
  Engine engine;
  int threads;

  Parts(const Model& model, const RecogniserOptions& options)
      : card(model.card), digest(model.embedding_digest), scale(model.card),
        engine(make_graph(model.card.network, model.network), threads_of(options)), threads(threads_of(options)) {}
};

Recogniser::Recogniser(const Model& model, const RecogniserOptions& options)
    : parts_(std::make_unique<const Parts>(model, options)) {}
Recogniser::Recogniser(Recogniser&&) noexcept = default;
Recogniser::~Recogniser() = default;

Recogniser Recogniser::open(const std::string& model_path, const RecogniserOptions& options) {
  const Model model = read_model(model_path);
  try {
    Recogniser recogniser(model, options);
    check_reference(recogniser, model);
    return recogniser;
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", model_path, error.what()));
  }
}

const ModelCard& Recogniser::card() const { return parts_->card; }
const std::string& Recogniser::digest() const { return parts_->digest; }
int Recogniser::dim() const { return parts_->card.dim(); }

void Recogniser::embed_pixels(const std::uint8_t* pixels, std::int64_t count, float* rows) const {
  const std::int64_t size = parts_->card.input_size(), values = 3 * size * size;
  const std::int64_t views = parts_->card.flip == FlipRule::kSum ? 2 : 1;
  std::vector<float> inputs, outputs;
  for (std::int64_t first = 0; first < count; first += kChipsPerBlock) {
    const std::int64_t block = std::min(kChipsPerBlock, count - first);
    inputs.resize(static_cast<std::size_t>(block * views * values));
    outputs.resize(static_cast<std::size_t>(block * views * dim()));
    const auto prepare = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        parts_->scale.apply(pixels + (first + i / views) * values, size, i % views == 1, inputs.data() + i * values);
      }
    };
    // A thread costs as much as some chips.
    block < 8 ? prepare(0, block * views) : parallel_for(block * views, 8, parts_->threads, prepare);
    parts_->engine.run(inputs.data(), block * views, outputs.data());
    for (std::int64_t i = 0; i < block; ++i) {
      float* row = rows + (first + i) * dim();
      const float* view = outputs.data() + i * views * dim();
      for (std::int64_t k = 0; k < dim(); ++k) row[k] = views == 2 ? view[k] + view[dim() + k] : view[k];
    }
  }
}

void Recogniser::embed(Span<const Image> chips, float* rows) const {
  const int size = parts_->card.input_size();
  const std::size_t bytes = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  for (std::size_t i = 0; i < chips.size(); ++i) {
    if (chips[i].width == size && chips[i].height == size && chips[i].pixels.size() == bytes) continue;
    throw Error(ErrorKind::kData, fmt::format("chip {} is {} x {} pixels (expected {} x {}, what the model takes)", i,
                                              chips[i].width, chips[i].height, size, size));
  }
  std::vector<std::uint8_t> pixels;
  for (std::size_t first = 0; first < chips.size(); first += kChipsPerBlock) {
    const std::size_t end = std::min<std::size_t>(chips.size(), first + kChipsPerBlock);
    pixels.clear();
    for (std::size_t i = first; i < end; ++i) pixels.insert(pixels.end(), chips[i].pixels.begin(), chips[i].pixels.end());
    float* block = rows + static_cast<std::int64_t>(first) * dim();
    embed_pixels(pixels.data(), static_cast<std::int64_t>(end - first), block);
    for (std::size_t i = first; i < end; ++i) {
      if (scale_to_length_one(rows + static_cast<std::int64_t>(i) * dim(), dim())) continue;
      throw Error(ErrorKind::kData, fmt::format("the embedding of chip {} is zero or not finite; the network's weights look "
                                                "damaged or diverged, take an earlier model", i));
    }
  }
}

double check_reference(const Recogniser& recogniser, const Model& model) {
  std::vector<float> here(static_cast<std::size_t>(recogniser.dim()));
  recogniser.embed(Span<const Image>(&model.reference_chip, 1), here.data());
  AFACE_CHECK(here.size() == model.reference_embedding.size(), "reference of {} numbers", model.reference_embedding.size());
  double sum = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const double difference = static_cast<double>(here[i]) - model.reference_embedding[i];
    sum += difference * difference;
  }
  const double distance = std::sqrt(sum);
  if (distance <= kReferenceTolerance) return distance;  // false for NaN too
  throw Error(ErrorKind::kFormat,
              fmt::format("the network does not give the reference embedding (distance {:.3g}, allowed {:g}): the file was put "
                          "together wrongly or is of another version; use the model as it was written",
                          distance, kReferenceTolerance));
}

}  // namespace aface
