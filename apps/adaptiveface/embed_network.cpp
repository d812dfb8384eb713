#include "apps/adaptiveface/embed_network.h"

#include <c10/core/InferenceMode.h>
#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>

#include "aface/core/error.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/model/model_file.h"
#include "aface/nn/backbone.h"
#include "aface/nn/device.h"
#include "aface/nn/model_file.h"
#include "aface/recognise/recogniser.h"

namespace aface {
namespace {

Model model_of(const EmbedFlags& flags) {
  Model model;
  if (missing_parts(flags.model).empty()) {
    model = read_model(flags.model);
    check_reference(Recogniser(model, {flags.threads}), model);
  } else {
    model.network = read_network(flags.model);
    model.card = card_for(network_options(model.network, flags.model));
  }
  if (flags.single_view) model.card.flip = FlipRule::kNone;
  return model;
}

EmbedPixels on_cpu(const EmbedFlags& flags, const Model& model) {
  const auto recogniser = std::make_shared<const Recogniser>(model, RecogniserOptions{flags.threads});
  return [recogniser](Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
    recogniser->embed_pixels(pixels.data(), count, rows);
  };
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

}  // namespace

EmbedNetwork open_network(const EmbedFlags& flags) {
  const c10::Device device = usable_device(flags.device, "--device");
  const Model model = model_of(flags);
  try {
    return {model.card, model.embedding_digest,
            device.is_cpu() ? on_cpu(flags, model) : on_gpu(flags, model.card, device)};
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.compare(0, flags.model.size(), flags.model) == 0) throw;
    throw Error(error.kind(), fmt::format("{}: {}", flags.model, message));
  }
}

}  // namespace aface
