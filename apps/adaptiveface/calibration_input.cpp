#include "apps/adaptiveface/calibration_input.h"

#include <algorithm>
#include <vector>

#include "aface/data/photo_input.h"
#include "aface/infer/embedder.h"
#include "aface/recognise/views.h"

namespace aface {

void add_calibration_flags(CLI::App& app, CalibrationFlags& flags) {
  app.add_option(
      "--calibration", flags.faces,
      "aligned face chips, like those the network will see, from which --int8 learns the range of every "
      "value: a folder, a .rec, a .tar, or a verification set (.bin)");
  app.add_option("--calibration-list", flags.list,
                 "file with one path a line, relative to --calibration (text after a tab is ignored)");
  app.add_option("--calibration-chips", flags.chips, "how many of them, chosen evenly over their order")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
}

std::int64_t measure_activations(const CalibrationFlags& flags, const ModelCard& card,
                                 Activations& activations) {
  const PhotoInput input = open_photos(flags.faces, flags.list);
  const std::int64_t count = std::min(flags.chips, input.count);
  const auto photo = [&](std::int64_t chip) { return chip * input.count / count; };
  ChipSource source;
  for (std::int64_t chip = 0; chip < count; ++chip)
    source.names.push_back(input.photos->photo_place(photo(chip)));
  source.read = [&](std::int64_t chip) {
    PhotoBuffers buffers;
    return input.photos->read(photo(chip), buffers);
  };
  ChipNetwork network;
  network.size_px = card.input_size();
  network.dim = card.dim();
  network.embed = [&](Span<const std::uint8_t> pixels, std::int64_t chips, float* rows) {
    embed_views(card, pixels.data(), chips, /*threads=*/1, rows,
                [&](const float* inputs, std::int64_t views, float* outputs) {
                  activations.add(inputs, views, outputs);
                });
  };
  embed_chips(network, source, {});
  return input.count;
}

}  // namespace aface
