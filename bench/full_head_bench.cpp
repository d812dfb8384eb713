// A training step of the whole adaptive-margin softmax (forward, backward, SGD with momentum over all prototypes): ours in
// both precisions against the same mathematics operation by operation in LibTorch, turn by turn on the same batches, and
// both against what the machine's products allow.
// Usage: full_head_bench [--identities N] [--batch N] [--dim N] [--rounds N] [--threads N] [--as-it-comes]
//                        [--only exact|fast|plain] [--filter P] [--tolerance SHARE] [--recompute]
// The sizes that the documentation speaks of are the defaults: 250,000 identities, batch 256, dim 512.
// --as-it-comes keeps glibc's malloc as it is: large tensors are then mapped afresh in every step, which is what a
// LibTorch program gets that does not know better. By default it keeps large blocks, as the program adaptiveface does.
// --recompute: cosines are not kept from the forward pass for the gradients but made again.
// --only runs one side and prints the largest resident memory, for looking for the most identities that fit.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/core/stopwatch.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/kernel/inner_products.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/fused_head_step.h"
#include "bench/laps.h"
#include "bench/plain_head_step.h"

namespace aface::bench {
namespace {

struct Options {
  std::int64_t identities = 250000, batch = 256, dim = 512, rounds = 7, threads = 0;
  bool as_it_comes = false, recompute = false;
  std::string only;
  double filter = HeadOptions().gradient_filter, tolerance = HeadOptions().filter_tolerance;
};

constexpr double kMargin = 0.35, kScale = 64, kRate = 0.1;

// Families of twenty similar people, as prototypes lie halfway through a training; they have nothing in common in the order
// of identities.
void fill_families(float* rows, std::int64_t identities, std::int64_t dim) {
  constexpr std::int64_t kFamily = 20;
  const std::int64_t families = (identities + kFamily - 1) / kFamily;
  parallel_for(families, 16, 0, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> centre(static_cast<std::size_t>(dim));
    for (std::int64_t family = begin; family < end; ++family) {
      Random random(1, 2, static_cast<std::uint64_t>(family));
      for (double& value : centre) value = random.normal();
      for (std::int64_t row = family; row < identities; row += families) {
        for (std::int64_t d = 0; d < dim; ++d) {
          rows[row * dim + d] = static_cast<float>((centre[static_cast<std::size_t>(d)] + 1.2 * random.normal()) / std::sqrt(static_cast<double>(dim)));
        }
      }
    }
  });
}

struct Draw {
  at::Tensor embeddings, identities;
};

// Embeddings with a cosine of 0.6 to 0.85 to their own prototype.
Draw draw_batch(const at::Tensor& prototypes, const Options& options, Random& random) {
  Draw draw;
  draw.identities = at::empty({options.batch}, at::kLong);
  for (std::int64_t i = 0; i < options.batch; ++i) draw.identities.data_ptr<std::int64_t>()[i] = random.below(options.identities);
  draw.embeddings = prototypes.index_select(0, draw.identities);
  for (std::int64_t i = 0; i < options.batch; ++i) {
    const double cosine = random.uniform(0.6, 0.85);
    const double noise = draw.embeddings[i].norm().item<double>() * std::sqrt((1 / (cosine * cosine) - 1) / static_cast<double>(options.dim));
    float* row = draw.embeddings.data_ptr<float>() + i * options.dim;
    for (std::int64_t d = 0; d < options.dim; ++d) row[d] += static_cast<float>(noise * random.normal());
  }
  return draw;
}

// Billions of operations a second that all threads together reach in the products of a block.
struct Limits {
  double float32 = 0, eight_bit = 0;
};

template <class Product>
double rate_of(const Options& options, double operations, Product&& product) {
  constexpr int kRepeats = 24;
  Stopwatch watch;
  parallel_for(options.threads * kRepeats, 1, static_cast<int>(options.threads), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) product();
  });
  return static_cast<double>(options.threads * kRepeats) * operations / watch.lap_ms() / 1e6;
}

Limits measure_limits(const Options& options) {
  constexpr std::size_t kRows = 1024;
  const auto batch = static_cast<std::size_t>(options.batch), dim = static_cast<std::size_t>(options.dim);
  const std::vector<float> left(batch * dim, 0.5F), right(kRows * dim, 0.25F);
  const std::size_t stride = (dim + kEightBitPadding - 1) / kEightBitPadding * kEightBitPadding;
  const std::vector<std::uint8_t> probes(batch * stride, 3);
  const std::vector<std::int8_t> gallery(kRows * stride, 5);
  const EightBitKernel kernel = eight_bit_kernel();
  const double operations = 2.0 * static_cast<double>(batch * dim * kRows);
  Limits limits;
  for (int repeat = 0; repeat < 3; ++repeat) {
    limits.float32 = std::max(limits.float32, rate_of(options, operations, [&] {
      thread_local std::vector<float> out;
      out.resize(batch * kRows);
      inner_products({left.data(), batch, dim}, {right.data(), kRows, dim}, out.data(), kRows);
    }));
    limits.eight_bit = std::max(limits.eight_bit, rate_of(options, operations, [&] {
      thread_local std::vector<std::int32_t> out;
      out.resize(batch * kernel.columns);
      for (std::size_t at = 0; at < kRows; at += kernel.columns) {
        kernel.products(probes.data(), batch, gallery.data() + at * stride, kernel.columns, stride, out.data());
      }
    }));
  }
  return limits;
}

double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return (found - expected).norm().item<double>() / expected.norm().item<double>();
}

double resident_gib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field, 0) == 0) return std::stod(line.substr(field.size() + 1)) / (1 << 20);
  }
  return 0;
}

HeadOptions head_options(const std::string& precision, const Options& bench) {
  HeadOptions options;
  options.logit_scale = kScale;
  options.margin_init = kMargin;
  options.margin_learning_rate = 0;  // the peer's margins stay too
  options.precision = precision;
  options.gradient_filter = bench.filter;
  options.filter_tolerance = bench.tolerance;
  options.keep_cosines = !bench.recompute;
  return options;
}

// One step in double, LibTorch operations in chunks: what all sides should come to.
struct Reference {
  double loss = 0;
  at::Tensor embedding_gradient, prototypes;  // float64; prototypes after the step
};

Reference reference_step(const at::Tensor& prototypes, const Draw& draw, const Options& options) {
  HeadInput input;
  input.embeddings = draw.embeddings.to(at::kDouble).requires_grad_(true);
  input.prototypes = prototypes.to(at::kDouble).requires_grad_(true);
  input.active_ids = at::arange(options.identities, at::kLong);
  input.targets = draw.identities;
  const auto head = make_head(head_options("exact", options), options.identities, at::kCPU);
  const HeadOutput output = head->forward(input);
  output.loss.backward();
  Reference reference;
  reference.loss = output.loss.item<double>();
  reference.embedding_gradient = input.embeddings.grad();
  const at::Tensor start = input.prototypes.detach();
  reference.prototypes = start - (input.prototypes.grad() + start * PrototypeOptions().weight_decay) * kRate;
  return reference;
}

// One contestant: what it is called and how it takes a step.
struct Side {
  std::string name;
  std::unique_ptr<FusedHeadStep> fused;
  std::unique_ptr<PlainHeadStep> plain;
  std::vector<Laps> laps;

  Laps step(const Draw& draw) {
    return fused ? fused->step(draw.embeddings, draw.identities, kRate) : plain->step(draw.embeddings, draw.identities, kRate);
  }
  at::Tensor prototypes() const { return fused ? fused->prototypes() : plain->prototypes().detach(); }
  double loss() const { return fused ? fused->loss() : plain->loss(); }
  at::Tensor embedding_gradient() const { return fused ? fused->embedding_gradient() : plain->embedding_gradient(); }
};

Side make_side(const std::string& name, const Options& options) {
  Side side;
  side.name = name;
  if (name == "plain") {
    side.plain = std::make_unique<PlainHeadStep>(options.identities, options.dim, kMargin, kScale);
  } else {
    side.fused = std::make_unique<FusedHeadStep>(options.identities, options.dim, head_options(name, options));
  }
  fill_families(side.prototypes().data_ptr<float>(), options.identities, options.dim);
  return side;
}

void print_side(const Side& side, double limit_ms) {
  print_laps(fmt::format("{:<6}", side.name), side.laps);
  std::vector<double> all;
  for (const Laps& laps : side.laps) all.push_back(total(laps));
  if (limit_ms > 0) fmt::print("; limit {:.0f} ms, {:.0f} % of it reached", limit_ms, 100 * limit_ms / median(all));
  fmt::print("\n");
}

void run_one(const Options& options) {
  Side side = make_side(options.only, options);
  Random random(3);
  for (std::int64_t round = 0; round < options.rounds; ++round) side.laps.push_back(side.step(draw_batch(side.prototypes(), options, random)));
  print_side(side, 0);
  fmt::print("{} identities: {:.2f} GiB resident at most\n", options.identities, resident_gib("VmHWM:"));
}

void run_contest(const Options& options) {
  const Limits limits = measure_limits(options);
  const double product = static_cast<double>(options.batch * options.identities * options.dim);
  fmt::print("products of all threads: float32 {:.0f} GFLOP/s, eight-bit {:.0f} GOP/s\n", limits.float32, limits.eight_bit);
  std::vector<Side> sides;
  for (const char* name : {"exact", "fast", "plain"}) sides.push_back(make_side(name, options));
  Random random(3);
  constexpr std::int64_t kWarmUps = 2;
  for (std::int64_t round = -kWarmUps; round < options.rounds; ++round) {
    const Draw draw = draw_batch(sides[0].prototypes(), options, random);
    at::Tensor start;
    Reference reference;
    if (round == -kWarmUps) {
      start = sides[0].prototypes().to(at::kDouble, false, /*copy=*/true);
      reference = reference_step(start, draw, options);
    }
    for (Side& side : sides) {
      const Laps laps = side.step(draw);
      if (round >= 0) side.laps.push_back(laps);
    }
    if (round > -kWarmUps) continue;
    // Before anything is timed: the first step from the same start must come out as it does in double.
    for (const Side& side : sides) {
      fmt::print("{:<6} loss {:.7f}; relative error of loss {:.1e}, embedding gradient {:.1e}, step of the prototypes {:.1e}\n",
                 side.name, side.loss(), std::fabs(side.loss() / reference.loss - 1),
                 relative_error(side.embedding_gradient(), reference.embedding_gradient),
                 relative_error(side.prototypes() - start, reference.prototypes - start));
    }
  }
  print_side(sides[0], 6 * product / limits.float32 / 1e6);
  print_side(sides[1], options.filter > 0 ? 2 * product / limits.eight_bit / 1e6 : 0);
  print_side(sides[2], 6 * product / limits.float32 / 1e6);
  const FilterReport& filter = sides[1].fused->filter();
  if (options.filter > 0) {
    fmt::print("fast: {:.2f} % of the wrong classes' probability got no gradient; {} of {} samples computed in full\n",
               100 * filter.skipped / filter.wrong, filter.computed_in_full, options.batch);
  }
  for (const std::size_t ours : {0, 1}) print_ratio("plain / " + sides[ours].name, sides[2].laps, sides[ours].laps);
}

void run(Options options) {
  if (options.threads <= 0) options.threads = hardware_threads();
  if (!options.as_it_comes) set_up_process();
  at::set_num_threads(static_cast<int>(options.threads));
  fmt::print("{} identities, batch {}, dim {}, {} threads, {} rounds, malloc {}\n", options.identities, options.batch,
             options.dim, options.threads, options.rounds, options.as_it_comes ? "as it comes" : "keeps large blocks");
  options.only.empty() ? run_contest(options) : run_one(options);
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::bench::Options options;
  CLI::App app("a step of the whole adaptive-margin softmax: ours against LibTorch operations");
  app.add_option("--identities", options.identities);
  app.add_option("--batch", options.batch);
  app.add_option("--dim", options.dim);
  app.add_option("--rounds", options.rounds);
  app.add_option("--threads", options.threads);
  app.add_option("--only", options.only)->check(CLI::IsMember({"exact", "fast", "plain"}));
  app.add_option("--filter", options.filter);
  app.add_option("--tolerance", options.tolerance);
  app.add_flag("--as-it-comes", options.as_it_comes);
  app.add_flag("--recompute", options.recompute);
  CLI11_PARSE(app, argc, argv);
  try {
    aface::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
