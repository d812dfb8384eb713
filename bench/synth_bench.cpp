// Photos drawn in a second on one core, by side in pixels.
#include <benchmark/benchmark.h>

#include "aface/synth/draw_photo.h"

namespace aface {
namespace {

void draw_photo(benchmark::State& state) {
  SynthOptions options;
  options.size = state.range(0);
  std::int64_t identity = 0;
  for (auto _ : state) benchmark::DoNotOptimize(synth::draw_photo(options, identity++ % 1000, 1));
  state.counters["photos/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(draw_photo)->Arg(48)->Arg(64)->Arg(112)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace aface
