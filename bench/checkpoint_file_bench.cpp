// Writing and reading a checkpoint of 1 GiB, most of it one table as the prototypes are; the folder is that
// of TMPDIR.
#include <benchmark/benchmark.h>

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "aface/core/checksum.h"
#include "aface/core/random.h"
#include "aface/io/safetensors.h"

namespace aface {
namespace {

constexpr std::size_t kValues = std::size_t{1} << 28;
constexpr auto kBytes = static_cast<std::int64_t>(kValues * sizeof(float));

const std::vector<float>& table() {
  static const std::vector<float> values = [] {
    std::vector<float> made(kValues);
    Random random(1);
    for (std::size_t i = 0; i < kValues; ++i) made[i] = static_cast<float>(random.uniform());
    return made;
  }();
  return values;
}

NamedArrays state() {
  NamedArrays state;
  NamedArray array;
  array.shape = {static_cast<std::int64_t>(kValues / 512), 512};
  array.bytes = ArrayBytes::view(table().data(), kValues * sizeof(float));
  state.arrays["table"] = array;
  return state;
}

std::string path() {
  return (std::filesystem::temp_directory_path() / ("aface_checkpoint_bench_" + std::to_string(::getpid())))
      .string();
}

void write(benchmark::State& bench, FileChecksum checksum) {
  const NamedArrays arrays = state();
  for (auto _ : bench) write_safetensors(path(), arrays, checksum);
  bench.SetBytesProcessed(bench.iterations() * kBytes);
  std::filesystem::remove(path());
}
void write_plain(benchmark::State& bench) { write(bench, FileChecksum::kNone); }
void write_with_checksum(benchmark::State& bench) { write(bench, FileChecksum::kWritten); }

// From the system's cache, as right after it was written.
void verify(benchmark::State& bench) {
  write_safetensors(path(), state(), FileChecksum::kWritten);
  for (auto _ : bench) verify_safetensors(path());
  bench.SetBytesProcessed(bench.iterations() * kBytes);
  std::filesystem::remove(path());
}

void checksum_in_memory(benchmark::State& bench) {
  for (auto _ : bench) {
    Checksum sum;
    sum.add(table().data(), kValues * sizeof(float));
    benchmark::DoNotOptimize(sum.value());
  }
  bench.SetBytesProcessed(bench.iterations() * kBytes);
}

BENCHMARK(checksum_in_memory)->Unit(benchmark::kMillisecond);
BENCHMARK(write_plain)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();
BENCHMARK(write_with_checksum)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();
BENCHMARK(verify)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace aface
