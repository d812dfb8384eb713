#include "aface/recognise/recogniser.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/engine/engine.h"
#include "aface/graph/graph.h"
#include "aface/model/model_file.h"
#include "aface/recognise/views.h"

namespace aface {
namespace {

constexpr std::size_t kChipsPerBlock = 64;  // that are copied at a time

bool scale_to_length_one(float* row, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += static_cast<double>(row[i]) * row[i];
  const double length = std::sqrt(sum);
  if (!(length > 0) || !std::isfinite(length)) return false;
  for (std::int64_t i = 0; i < dim; ++i) row[i] = static_cast<float>(row[i] / length);
  return true;
}

int threads_of(const RecogniserOptions& options) {
  return options.threads > 0 ? options.threads : hardware_threads();
}

}  // namespace

struct Recogniser::Parts {
  ModelCard card;
  std::string digest;
  Engine engine;
  int threads;

  Parts(const Model& model, const RecogniserOptions& options)
      : card(model.card),
        digest(model.embedding_digest),
        engine(make_graph(model.card.network, model.network), threads_of(options)),
        threads(threads_of(options)) {}
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
  embed_views(parts_->card, pixels, count, parts_->threads, rows,
              [&](const float* inputs, std::int64_t views, float* outputs) {
                parts_->engine.run(inputs, views, outputs);
              });
}

void Recogniser::embed(Span<const Image> chips, float* rows) const {
  const int size = parts_->card.input_size();
  const std::size_t bytes = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  for (std::size_t i = 0; i < chips.size(); ++i) {
    if (chips[i].width == size && chips[i].height == size && chips[i].pixels.size() == bytes) continue;
    throw Error(ErrorKind::kData,
                fmt::format("chip {} is {} x {} pixels (expected {} x {}, what the model takes)", i,
                            chips[i].width, chips[i].height, size, size));
  }
  std::vector<std::uint8_t> pixels;
  for (std::size_t first = 0; first < chips.size(); first += kChipsPerBlock) {
    const std::size_t end = std::min<std::size_t>(chips.size(), first + kChipsPerBlock);
    pixels.clear();
    for (std::size_t i = first; i < end; ++i)
      pixels.insert(pixels.end(), chips[i].pixels.begin(), chips[i].pixels.end());
    float* block = rows + static_cast<std::int64_t>(first) * dim();
    embed_pixels(pixels.data(), static_cast<std::int64_t>(end - first), block);
    for (std::size_t i = first; i < end; ++i) {
      if (scale_to_length_one(rows + static_cast<std::int64_t>(i) * dim(), dim())) continue;
      throw Error(ErrorKind::kData,
                  fmt::format("the embedding of chip {} is zero or not finite; the network's weights look "
                              "damaged or diverged, take an earlier model",
                              i));
    }
  }
}

double check_reference(const Recogniser& recogniser, const Model& model) {
  std::vector<float> here(static_cast<std::size_t>(recogniser.dim()));
  recogniser.embed(Span<const Image>(&model.reference_chip, 1), here.data());
  AFACE_CHECK(here.size() == model.reference_embedding.size(), "reference of {} numbers",
              model.reference_embedding.size());
  double sum = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const double difference = static_cast<double>(here[i]) - model.reference_embedding[i];
    sum += difference * difference;
  }
  const double distance = std::sqrt(sum);
  if (distance <= kReferenceTolerance) return distance;  // false for NaN too
  throw Error(ErrorKind::kFormat,
              fmt::format("the network does not give the reference embedding (distance {:.3g}, allowed "
                          "{:g}): the file was put "
                          "together wrongly or is of another version; use the model as it was written",
                          distance, kReferenceTolerance));
}

}  // namespace aface
