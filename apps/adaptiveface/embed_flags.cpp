#include "apps/adaptiveface/embed_flags.h"

#include <fmt/core.h>

#include <chrono>

#include "aface/core/log.h"
#include "aface/model/model_file.h"
#include "aface/nn/device.h"
#include "aface/nn/model_file.h"
#include "aface/recognise/recogniser.h"

namespace aface {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Every few seconds: how far, how fast.
class Progress {
 public:
  explicit Progress(std::size_t total) : total_(total) {}
  void operator()(std::int64_t done) {
    constexpr double kSecondsBetweenLines = 5;
    if (seconds_since(last_line_) < kSecondsBetweenLines) return;
    last_line_ = Clock::now();
    log_info("embed", "{} of {} images, {:.0f} img/s", done, total_,
             static_cast<double>(done) / seconds_since(start_));
  }

 private:
  const std::size_t total_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_line_ = start_;
};

// Chips that are aligned already need less than photos do: weights without a card are taken as our own training made them.
std::shared_ptr<const Recogniser> open_for_chips(const EmbedFlags& flags) {
  const RecogniserOptions options{flags.threads};
  const bool is_whole = missing_parts(flags.model).empty();
  if (is_whole && !flags.single_view) return std::make_shared<const Recogniser>(Recogniser::open(flags.model, options));
  Model model = is_whole ? read_model(flags.model) : Model{};
  if (is_whole) {
    check_reference(Recogniser(model, options), model);
  } else {
    model.network = read_network(flags.model);
    model.card = card_for(network_options(model.network, flags.model));
  }
  if (flags.single_view) model.card.flip = FlipRule::kNone;
  try {
    return std::make_shared<const Recogniser>(model, options);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", flags.model, error.what()));
  }
}

ChipNetwork chip_network(std::shared_ptr<const Recogniser> recogniser) {
  ChipNetwork network;
  network.size_px = recogniser->card().input_size();
  network.dim = recogniser->dim();
  network.embed = [recogniser](Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
    recogniser->embed_pixels(pixels.data(), count, rows);
  };
  return network;
}

}  // namespace

std::shared_ptr<EmbedFlags> add_embed_flags(CLI::App& app) {
  auto flags = std::make_shared<EmbedFlags>();
  app.add_option("--model", flags->model, "model file (.safetensors) of the network");
  app.add_option("--batch-size", flags->batch_size,
                 "images the network takes at once; changes speed and memory only")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--threads", flags->threads, "threads of the network; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--workers", flags->workers, "threads that decode images, beside those of the network")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--device", flags->device, "where the network runs")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app.add_flag("--no-flip", flags->single_view,
               "embedding = f(image), whatever the model's flip rule; f(image) + f(mirrored image) costs twice the time");
  return flags;
}

std::function<void(std::int64_t images_done)> embed_progress(std::int64_t images) {
  const auto progress = std::make_shared<Progress>(static_cast<std::size_t>(images));
  return [progress](std::int64_t done) { (*progress)(done); };
}

EmbeddingMatrix embed_with_model(const EmbedFlags& flags, const std::string& root,
                                 const std::vector<std::string>& paths, OnBadImage on_bad_image) {
  return embed_with_model(flags, chips_in_folder(root, paths), on_bad_image);
}

EmbeddingMatrix embed_with_model(const EmbedFlags& flags, const ChipSource& chips, OnBadImage on_bad_image) {
  const c10::Device device = usable_device(flags.device, "--device");
  EmbedOptions options;
  options.add_flipped = !flags.single_view;
  options.on_bad_image = on_bad_image;
  options.batch_size = flags.batch_size;
  options.workers = flags.workers;
  options.on_progress = Progress(chips.names.size());
  if (device.is_cpu()) return embed_chips(chip_network(open_for_chips(flags)), chips, options);
  const auto backbone = load_model(flags.model);
  backbone->to(device);
  return embed_chips(*backbone, chips, options);
}

}  // namespace aface
