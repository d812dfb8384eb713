#include "aface/recognise/model_writer.h"

#include "aface/model/model_file.h"
#include "aface/recognise/recogniser.h"
#include "aface/synth/draw_photo.h"

namespace aface {
namespace {

// A face that nobody has.
Image reference_chip(int size_px) {
  SynthOptions options;
  options.size = size_px;
  options.hardness = 0;
  return synth::draw_photo(options, /*identity=*/0, /*photo=*/0);
}

}  // namespace

void write_whole_model(const std::string& path, const NamedArrays& network, const ModelCard& card) {
  Model model;
  model.card = card;
  model.network.arrays = network.arrays;
  model.reference_chip = reference_chip(card.input_size());
  model.reference_embedding.resize(static_cast<std::size_t>(card.dim()));
  Recogniser(model).embed(Span<const Image>(&model.reference_chip, 1), model.reference_embedding.data());
  write_model(path, model);
}

}  // namespace aface
