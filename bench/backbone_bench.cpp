// Forward and backward of the networks in training mode, channels last: our fused steps (aface/nn/norm_act.h)
// against the same network in LibTorch's operations, turn by turn on the same weights and chips. Usage:
// backbone_bench [--net NAME ...] [--batch N] [--size PX] [--width N] [--rounds N] [--threads N] [--bf16]
//                       [--only fused|plain] [--as-it-comes]
// Defaults: mobilefacenet, iresnet50, small_resnet and tiny_cnn, batch 64, 112 px, 5 rounds after one to warm
// up.
// --as-it-comes keeps glibc's malloc as it is: each step then maps and unmaps its large tensors. By default
// it keeps large blocks, as the program adaptiveface does. --only runs one side, for a profiler.
#include <fmt/core.h>
#include <torch/utils.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/stopwatch.h"
#include "aface/nn/backbone.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/laps.h"

namespace aface::bench {
namespace {

struct Options {
  std::vector<std::string> nets = {"mobilefacenet", "iresnet50", "small_resnet", "tiny_cnn"};
  std::int64_t batch = 64, size = 112, width = BackboneOptions().width, rounds = 5, threads = 0;
  bool bf16 = false, as_it_comes = false;
  std::string only;
};

class Contest {
 public:
  Contest(const std::string& net, const Options& options) : options_(options), net_(make_net(net, options)) {
    chips_ = (torch::rand({options.batch, 3, options.size, options.size}) * 2 - 1)
                 .contiguous(at::MemoryFormat::ChannelsLast);
    direction_ = torch::randn({options.batch, net_->options().embedding_dim});
  }

  Laps step(bool plain) {
    std::optional<PlainOperationsGuard> plain_operations;
    if (plain) plain_operations.emplace();
    net_->zero_grad();
    Laps laps;
    Stopwatch watch;
    torch::Tensor embeddings;
    {
      const AutocastGuard autocast(at::kCPU, options_.bf16);
      embeddings = net_->forward(chips_);
    }
    laps["forward"] = watch.lap_ms();
    embeddings.backward(direction_);
    laps["backward"] = watch.lap_ms();
    return laps;
  }

 private:
  static std::shared_ptr<Backbone> make_net(const std::string& kind, const Options& bench) {
    BackboneOptions options;
    options.kind = kind;
    options.input_size = bench.size;
    options.width = bench.width;
    auto net = make_backbone(options);
    to_channels_last(*net);
    return net;
  }

  const Options& options_;
  std::shared_ptr<Backbone> net_;
  torch::Tensor chips_, direction_;
};

void print_rate(const std::string& name, const std::vector<Laps>& rounds, std::int64_t batch) {
  print_laps(name, rounds);
  std::vector<double> rates;
  for (const Laps& laps : rounds) rates.push_back(static_cast<double>(batch) / total(laps) * 1e3);
  fmt::print("  {:.1f} images/s\n", median(rates));
}

void run(const std::string& net, const Options& options) {
  Contest contest(net, options);
  std::vector<Laps> fused, plain;
  for (std::int64_t round = -1; round < options.rounds; ++round) {
    for (auto* side : {&fused, &plain}) {
      const bool is_plain = side == &plain;
      if (!options.only.empty() && (options.only == "plain") != is_plain) continue;
      const Laps laps = contest.step(is_plain);
      if (round >= 0) side->push_back(laps);
    }
  }
  fmt::print("{}, batch {}, {} px, {} threads, {}\n", net, options.batch, options.size, options.threads,
             options.bf16 ? "bf16" : "fp32");
  if (!fused.empty()) print_rate("  fused", fused, options.batch);
  if (!plain.empty()) print_rate("  plain", plain, options.batch);
  if (!fused.empty() && !plain.empty()) print_ratio("  plain / fused", plain, fused);
  std::fflush(stdout);
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::bench::Options options;
  CLI::App app("Forward and backward of the networks, fused and in LibTorch's operations");
  app.add_option("--net", options.nets);
  app.add_option("--batch", options.batch);
  app.add_option("--size", options.size);
  app.add_option("--width", options.width);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads);
  app.add_option("--only", options.only)->check(CLI::IsMember({"fused", "plain"}));
  app.add_flag("--bf16", options.bf16);
  app.add_flag("--as-it-comes", options.as_it_comes);
  CLI11_PARSE(app, argc, argv);

  if (!options.as_it_comes) aface::set_up_process();
  if (options.threads == 0) options.threads = aface::hardware_threads();
  aface::set_torch_threads(static_cast<int>(options.threads));
  for (const std::string& net : options.nets) aface::bench::run(net, options);
  return 0;
}
