#include "apps/adaptiveface/embed_flags.h"

#include <chrono>

#include "aface/core/log.h"
#include "apps/adaptiveface/embed_network.h"

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

ModelEmbeddings embed_with_model(const EmbedFlags& flags, const std::string& root,
                                 const std::vector<std::string>& paths, OnBadImage on_bad_image) {
  return embed_with_model(flags, chips_in_folder(root, paths), on_bad_image);
}

ModelEmbeddings embed_with_model(const EmbedFlags& flags, const ChipSource& chips, OnBadImage on_bad_image) {
  EmbedOptions options;
  options.on_bad_image = on_bad_image;
  options.batch_size = flags.batch_size;
  options.workers = flags.workers;
  options.on_progress = Progress(chips.names.size());
  if (flags.network) return {embed_chips(*flags.network, chips, options), std::nullopt};
  const EmbedNetwork network = open_network(flags);
  const ChipNetwork embedder{network.card.input_size(), network.card.dim(), network.embed};
  return {embed_chips(embedder, chips, options), network.card.flip};
}

}  // namespace aface
