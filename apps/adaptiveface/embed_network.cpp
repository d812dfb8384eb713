#include "apps/adaptiveface/embed_network.h"

#include <c10/core/InferenceMode.h>
#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aface/core/error.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/model/model_file.h"
#include "aface/nn/backbone.h"
#include "aface/nn/device.h"
#include "aface/nn/model_file.h"
#include "aface/recognise/recogniser.h"

namespace aface {
namespace {

// Weights without a card are taken as our own training made them.
Model weights_alone(const EmbedFlags& flags) {
  Model model;
  model.network = read_network(flags.model);
  model.card = card_for(network_options(model.network, flags.model));
  return model;
}

EmbedPixels on_gpu(const EmbedFlags& flags, const ModelCard& card, c10::Device device) {
  const ModelCard ours = card_for(card.network);
  if (card.colour != ours.colour || card.mean != ours.mean || card.scale != ours.scale) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{}: the network takes {} with another scale than ours, which --device cuda cannot; take "
                    "--device cpu",
                    flags.model, colour_name(card.colour)));
  }
  const auto backbone = load_model(flags.model);
  backbone->to(device);
  backbone->eval();
  return [=](Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
    const c10::InferenceMode no_gradients;
    const at::Tensor chips = pixels_to_tensor(pixels, count, card.input_size(), device);
    at::Tensor embeddings = backbone->forward(chips);
    if (card.flip == FlipRule::kSum) embeddings = embeddings + backbone->forward(chips.flip({3}));
    embeddings = embeddings.to(at::kCPU, torch::kFloat32).contiguous();
    std::copy_n(embeddings.data_ptr<float>(), count * card.dim(), rows);
  };
}

EmbedNetwork open_checked(const EmbedFlags& flags, c10::Device device) {
  const bool is_whole = missing_parts(flags.model).empty();
  Model model = is_whole ? read_model(flags.model) : weights_alone(flags);
  const RecogniserOptions options{flags.threads};
  auto recogniser = std::make_shared<const Recogniser>(model, options);
  if (is_whole) check_reference(*recogniser, model);
  if (flags.single_view && model.card.flip != FlipRule::kNone) {
    model.card.flip = FlipRule::kNone;
    recogniser = std::make_shared<const Recogniser>(model, options);
  }
  return {model.card, model.embedding_digest,
          device.is_cpu() ? embedding_by(std::move(recogniser)) : on_gpu(flags, model.card, device)};
}

}  // namespace

EmbedNetwork open_network(const EmbedFlags& flags) {
  const c10::Device device = usable_device(flags.device, "--device");
  try {
    return open_checked(flags, device);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.compare(0, flags.model.size(), flags.model) == 0) throw;  // names the file already
    throw Error(error.kind(), fmt::format("{}: {}", flags.model, message));
  }
}

}  // namespace aface
