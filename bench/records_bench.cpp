// A packed set: how fast it opens, with its index and without, and how fast pictures are found in it, beside
// the same pictures as files. 20,000 pictures of 6 KB, in memory after the first round.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <filesystem>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/io/record_set.h"
#include "aface/io/record_set_writer.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

constexpr std::int64_t kImages = 20'000;
constexpr std::size_t kImageBytes = 6'000;

std::vector<unsigned char> picture(std::int64_t number) {
  Random random(1, static_cast<std::uint64_t>(number));
  std::vector<unsigned char> bytes(kImageBytes);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.next());
  return bytes;
}

struct Sets {
  Sets() {
    RecordSetWriter writer(dir.file("a.rec"), RecordLayout::kInsightface);
    for (std::int64_t i = 0; i < kImages; ++i) writer.add(i / 40, picture(i));
    writer.finish(112, 112, {});
    std::filesystem::copy_file(dir.file("a.rec"), dir.file("no_index.rec"));
    for (std::int64_t i = 0; i < kImages; ++i) {
      const std::vector<unsigned char> bytes = picture(i);
      dir.write(file(i), {bytes.begin(), bytes.end()});
    }
  }
  static std::string file(std::int64_t i) { return fmt::format("files/{}/{}.jpg", i / 40, i); }
  test::TempDir dir;
};

const Sets& sets() {
  static const Sets made;
  return made;
}

void open_set(benchmark::State& state, const std::string& name) {
  const std::string path = sets().dir.file(name);  // before the clock starts
  for (auto _ : state) benchmark::DoNotOptimize(RecordSet(path, 1).num_images());
  state.SetItemsProcessed(state.iterations() * kImages);
}
BENCHMARK_CAPTURE(open_set, by_index, "a.rec")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(open_set, by_scan, "no_index.rec")->Unit(benchmark::kMillisecond);

// Every byte is looked at, as a decoder does.
std::uint64_t sum(Span<const unsigned char> bytes) {
  std::uint64_t total = 0;
  for (const unsigned char byte : bytes) total += byte;
  return total;
}

void read_pictures_of_a_record_file(benchmark::State& state) {
  const RecordSet set(sets().dir.file("a.rec"), 1);
  Random random(2);
  std::vector<unsigned char> joined;
  for (auto _ : state) benchmark::DoNotOptimize(sum(set.image(random.below(kImages), joined)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_pictures_of_a_record_file);

void read_pictures_of_a_folder(benchmark::State& state) {
  Random random(2);
  std::vector<unsigned char> bytes;
  for (auto _ : state) {
    bytes = read_binary_file(sets().dir.file(Sets::file(random.below(kImages))), std::move(bytes));
    benchmark::DoNotOptimize(sum(bytes));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_pictures_of_a_folder);

}  // namespace
}  // namespace aface
