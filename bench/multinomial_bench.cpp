// Adaptive sampling against a draw that looks at every weight, torch.multinomial, turn by turn. A step of
// each draws 512 samples without replacement and then changes the weights of these.
//   multinomial_bench [samples [rounds [keep_shares]]]     (10000000 7 1)
// Prints milliseconds a step, their ratio, and what the sampler adds to the memory that is resident, its
// making included; identities, fifty samples each, are the caller's. multinomial refuses more than 2^24
// samples.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/stopwatch.h"
#include "aface/sampling/adaptive_sampler.h"
#include "bench/laps.h"

namespace aface::bench {
namespace {

constexpr std::int64_t kBatch = 512;
constexpr std::int64_t kSamplesEach = 50;  // of an identity
constexpr int kStepsARound = 100;          // of ours; one of multinomial's takes longer

// "VmRSS" or "VmHWM", in megabytes.
double memory_mb(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == name + ":" && file >> kib) return kib * 1024 / 1e6;
  }
  return 0;
}

double our_step_ms(AdaptiveSampler& sampler, Random& random, std::int64_t step) {
  Stopwatch watch;
  const std::vector<std::int64_t> ids = sampler.draw(kBatch);
  std::vector<SampleFeedback> feedback(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    feedback[i].sample_id = ids[i];
    feedback[i].own_cosine = static_cast<float>(random.uniform());
    feedback[i].correct = feedback[i].own_cosine > 0.4F;
  }
  sampler.take_feedback(feedback, step);
  return watch.lap_ms();
}

double multinomial_step_ms(at::Tensor& weights, Random& random) {
  Stopwatch watch;
  const at::Tensor ids = at::multinomial(weights, kBatch, /*replacement=*/false);
  const auto* drawn = ids.data_ptr<std::int64_t>();
  auto* values = weights.data_ptr<float>();
  for (std::int64_t i = 0; i < kBatch; ++i) {
    float& weight = values[drawn[i]];
    weight = std::clamp(weight * (random.uniform() > 0.4 ? 0.9F : 1.25F), 0.05F, 4.0F);
  }
  return watch.lap_ms();
}

std::vector<Laps> as_laps(const std::vector<double>& times) {
  std::vector<Laps> laps;
  for (const double ms : times) laps.push_back({{"step", ms}});
  return laps;
}

void print_times(const std::string& name, const std::vector<double>& times) {
  fmt::print("{:<18} {:9.3f} ms a step [{:.3f} .. {:.3f}]\n", name, median(times),
             *std::min_element(times.begin(), times.end()), *std::max_element(times.begin(), times.end()));
}

void run(std::int64_t samples, int rounds, bool keep_shares) {
  at::set_num_threads(hardware_threads());
  std::vector<std::int64_t> identities(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < identities.size(); ++i)
    identities[i] = static_cast<std::int64_t>(i) / kSamplesEach;
  SamplerOptions options;
  options.kind = "adaptive";
  options.noise_start_step = 0;
  options.keep_shares = keep_shares;
  const double before_mb = memory_mb("VmRSS");
  Stopwatch watch;
  AdaptiveSampler sampler(options, identities, identities.back() + 1, 1);
  fmt::print("{} samples, batch {}, {} threads for multinomial; made in {:.0f} ms\n", samples, kBatch,
             at::get_num_threads(), watch.lap_ms());

  Random random(2);
  std::int64_t step = 0;
  for (; step < kStepsARound; ++step) (void)our_step_ms(sampler, random, step);
  fmt::print("memory: {:.0f} MB at most, {:.2f} bytes a sample\n", memory_mb("VmHWM") - before_mb,
             (memory_mb("VmHWM") - before_mb) * 1e6 / static_cast<double>(samples));

  at::Tensor weights = at::ones({samples});
  std::vector<double> ours, theirs;
  std::string refusal;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> steps;
    for (int i = 0; i < kStepsARound; ++i) steps.push_back(our_step_ms(sampler, random, step++));
    ours.push_back(median(steps));
    if (!refusal.empty()) continue;
    try {
      theirs.push_back(multinomial_step_ms(weights, random));
    } catch (const std::exception& error) {
      refusal = error.what();
    }
  }
  print_times("adaptive sampler", ours);
  if (!refusal.empty()) {
    fmt::print("multinomial refuses: {}\n", refusal.substr(0, refusal.find('\n')));
    return;
  }
  print_times("multinomial", theirs);
  print_ratio("multinomial / adaptive sampler", as_laps(theirs), as_laps(ours));
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  const std::int64_t samples = argc > 1 ? std::atoll(argv[1]) : 10000000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  const bool keep_shares = argc <= 3 || std::atoi(argv[3]) != 0;
  aface::bench::run(samples, rounds, keep_shares);
}
