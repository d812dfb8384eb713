// Whole training steps of the program's own trainer: loader, network, AdaM-Softmax over all identities,
// clipped gradients, SGD over network and prototypes. bench/peers/train_contest_torch.py does the same in
// PyTorch. Usage: train_contest FILE.rec [--net NAME] [--fp32] [--steps N] [--warm-up N] [--set OPTION=VALUE
// ...] [--export FOLDER] Batch 64, 112 px, bfloat16, exact head, mirroring, unless --set says otherwise.
// --export writes what the peer needs to follow step by step, FOLDER/start.safetensors, batches.tsv and
// losses.tsv, and does not mirror.
#include <fmt/core.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <exception>
#include <string>
#include <vector>

#include "aface/config/config_reader.h"
#include "aface/config/validate.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/core/stopwatch.h"
#include "aface/data/face_dataset.h"
#include "aface/io/safetensors.h"
#include "aface/nn/torch_compat.h"
#include "aface/sampling/sampler.h"
#include "aface/train/trainer.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/laps.h"

namespace aface::bench {
namespace {

struct Options {
  std::string file, net = "mobilefacenet", folder;
  std::int64_t steps = 5, warm_up = 2;
  bool fp32 = false;
  std::vector<std::string> set;
};

RunConfig config_of(const Options& options) {
  std::vector<std::string> all = {
      "data.source=rec",     "data.root=" + options.file,   "backbone.kind=" + options.net,
      "train.batch_size=64", "optimizer.schedule=constant", fmt::format("train.bf16={}", !options.fp32)};
  if (!options.folder.empty()) all.emplace_back("augment.flip=0");
  all.insert(all.end(), options.set.begin(), options.set.end());
  RunConfig config = load_config({}, all);
  validate(config);
  return config;
}

// The batches that the trainer is going to draw, a line each.
void write_batches(const RunConfig& config, const FaceDataset& dataset, std::int64_t steps,
                   const std::string& path) {
  const auto sampler = make_sampler(config.sampler, dataset.identities, dataset.num_identities(),
                                    static_cast<std::uint64_t>(config.train.seed));
  std::string text;
  for (std::int64_t step = 0; step < steps; ++step) {
    text += fmt::format("{}\n", fmt::join(sampler->draw(config.train.batch_size), "\t"));
  }
  write_file_atomically(path, text);
}

void print_times(const RunConfig& config, const std::vector<Laps>& steps) {
  fmt::print("ms");
  for (const Laps& laps : steps) fmt::print(" {:.1f}", total(laps));
  print_laps(fmt::format("\n{} {} head {}", config.backbone.kind, config.train.bf16 ? "bf16" : "fp32",
                         config.head.precision),
             steps);
  fmt::print("\n");
}

void run(const Options& options) {
  const RunConfig config = config_of(options);
  set_torch_threads(config.train.threads > 0 ? static_cast<int>(config.train.threads) : hardware_threads());
  const FaceDataset dataset = load_dataset(config.data);
  Trainer trainer(config, dataset);
  const bool exports = !options.folder.empty();
  if (exports) {
    make_folder(options.folder);
    write_safetensors(options.folder + "/start.safetensors", trainer.save());
    write_batches(config, dataset, options.steps, options.folder + "/batches.tsv");
  }
  std::vector<Laps> steps;
  std::string losses;
  for (std::int64_t step = exports ? 0 : -options.warm_up; step < options.steps; ++step) {
    Stopwatch watch;
    const StepResult result = trainer.step();
    const double ms = watch.lap_ms();
    losses += fmt::format("{:.7f}\t{:.1f}\n", result.loss, ms);
    if (step < 0) continue;
    const StepSeconds& s = result.seconds;
    steps.push_back({{"1 data", 1e3 * s.data},
                     {"2 forward", 1e3 * s.forward},
                     {"3 head", 1e3 * s.head},
                     {"4 backward", 1e3 * s.backward},
                     {"5 optimizer", 1e3 * s.optimizer}});
  }
  if (exports) write_file_atomically(options.folder + "/losses.tsv", losses);
  print_times(config, steps);
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::bench::Options options;
  CLI::App app("Whole training steps");
  app.add_option("file", options.file)->required();
  app.add_option("--net", options.net);
  app.add_option("--steps", options.steps)->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up);
  app.add_option("--export", options.folder);
  app.add_option("--set", options.set);
  app.add_flag("--fp32", options.fp32);
  CLI11_PARSE(app, argc, argv);

  aface::set_up_process();
  try {
    aface::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_contest: {}\n", error.what());
    return 1;
  }
  return 0;
}
