// What the sentinel of a training adds to a step (docs/divergence.md): the length of the network's gradient, in which a value
// that is not finite shows, beside whole steps of the program's own trainer on drawn faces, turn by turn. The loss it looks at
// as well is one number, and rows without direction are found by the lengths that the layer needs anyway.
// Usage: sentinel_bench [NET [THREADS [STEPS]]]
#include <ATen/ops/randn_like.h>
#include <fmt/core.h>

#include <exception>
#include <string>
#include <vector>

#include "aface/config/config_reader.h"
#include "aface/core/stopwatch.h"
#include "aface/nn/torch_compat.h"
#include "aface/train/backbone_sgd.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/laps.h"

namespace aface::bench {
namespace {

void run(const std::string& net, int threads, int steps) {
  set_torch_threads(threads);
  RunConfig config = load_config({}, {"data.source=drawn", "synth.size=112", "synth.identities=2000", "synth.images=8000",
                                      "synth.min_images=1", "synth.heldout_identities=0", "backbone.kind=" + net,
                                      "train.batch_size=64", "mining.kind=all"});
  config.train.threads = threads;
  const TrainingData data = open_training_data(config, ".", threads);
  Trainer trainer(config, data.dataset);
  BackboneSgd sentinel(trainer.backbone(), config.optimizer, threads);
  std::vector<double> step_ms, norm_ms;
  for (int step = -2; step < steps; ++step) {
    Stopwatch watch;
    trainer.step();
    const double of_step = watch.lap_ms();
    for (const at::Tensor& parameter : trainer.backbone().parameters()) {
      if (parameter.requires_grad()) parameter.mutable_grad() = at::randn_like(parameter.detach());
    }
    watch.lap();
    const double norm = sentinel.gradient_norm();
    const double of_norm = watch.lap_ms();
    if (step < 0 || norm == 0) continue;
    step_ms.push_back(of_step);
    norm_ms.push_back(of_norm);
  }
  fmt::print("{}, {} threads: step {:.1f} ms, length of the gradient {:.3f} ms: {:.3f} %\n", net, threads, median(step_ms),
             median(norm_ms), 100 * median(norm_ms) / median(step_ms));
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::set_up_process();
  try {
    aface::bench::run(argc > 1 ? argv[1] : "mobilefacenet", argc > 2 ? std::stoi(argv[2]) : 1,
                      argc > 3 ? std::stoi(argv[3]) : 9);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
