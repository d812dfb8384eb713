// What a large gallery costs: gallery_bench FILE [--rows N] [--dim D] [--keep] [--hnsw] [--ivf] [--go FILE]
//
// Enrols N random unit rows (1,000 a transaction, one photo a person), opens the gallery as a program that
// identifies does, and searches exactly for one probe and for batches. --hnsw and --ivf build the approximate
// indexes too and set time against recall. Half of the probes are noisy looks at enrolled rows (cosine 0.6 to
// their row), half strangers. --go waits, before searches are timed, until that file is there, so that a
// build of many minutes need not have the machine to itself.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "aface/core/available_memory.h"
#include "aface/core/random.h"
#include "aface/core/stopwatch.h"
#include "aface/gallery/gallery.h"
#include "aface/gallery/gallery_index.h"
#include "apps/adaptiveface/start_up.h"

namespace aface::bench {
namespace {

struct Options {
  std::string path, go;
  std::size_t rows = 100000, dim = 512;
  bool keep = false, hnsw = false, ivf = false;
};

void fill_unit(Random& random, float* row, std::size_t dim) {
  double squares = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    row[i] = static_cast<float>(random.normal());
    squares += double(row[i]) * double(row[i]);
  }
  for (std::size_t i = 0; i < dim; ++i) row[i] = static_cast<float>(row[i] / std::sqrt(squares));
}

void row_of(std::uint64_t number, float* row, std::size_t dim) {
  Random random(1, number);
  fill_unit(random, row, dim);
}

void enrol(const Options& options) {
  constexpr std::size_t kBatch = 1000;
  Gallery gallery = Gallery::open_or_create(options.path, {"bench", options.dim});
  std::vector<float> rows(kBatch * options.dim);
  double seconds = 0;
  for (std::size_t first = 0; first < options.rows; first += kBatch) {
    std::vector<Enrolment> batch;
    for (std::size_t i = first; i < std::min(options.rows, first + kBatch); ++i) {
      float* row = rows.data() + (i - first) * options.dim;
      row_of(i, row, options.dim);
      batch.push_back({fmt::format("person {}", i),
                       fmt::format("photos/{}.jpg", i),
                       sha256(row, options.dim * sizeof(float)),
                       {row, options.dim}});
    }
    Stopwatch watch;
    gallery.enrol(batch);
    seconds += watch.lap();
  }
  Stopwatch watch;
  for (int i = 0; i < 20; ++i) {
    row_of(options.rows + static_cast<std::size_t>(i), rows.data(), options.dim);
    const Enrolment one{fmt::format("late {}", i),
                        "",
                        sha256(rows.data(), options.dim * sizeof(float)),
                        {rows.data(), options.dim}};
    gallery.enrol({&one, 1});
  }
  const double late = watch.lap();
  for (int i = 0; i < 20; ++i) gallery.remove(fmt::format("late {}", i));
  const double removed = watch.lap();
  fmt::print(
      "enrol: {:.0f} photos/s in transactions of {}; one photo {:.1f} ms, a removal {:.1f} ms; file {}\n",
      static_cast<double>(options.rows) / seconds, kBatch, 1e3 * late / 20, 1e3 * removed / 20,
      bytes_text(static_cast<double>(std::filesystem::file_size(options.path))));
}

// Even probes are looks at enrolled rows, odd ones strangers.
std::vector<float> make_probes(const Options& options, std::size_t count) {
  Random random(9);
  std::vector<float> probes(count * options.dim), noise(options.dim);
  for (std::size_t q = 0; q < count; ++q) {
    float* probe = probes.data() + q * options.dim;
    fill_unit(random, probe, options.dim);
    if (q % 2 == 1) continue;
    fill_unit(random, noise.data(), options.dim);
    row_of(static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(options.rows))), probe,
           options.dim);
    double squares = 0;
    for (std::size_t i = 0; i < options.dim; ++i) {
      probe[i] = 0.6F * probe[i] + 0.8F * noise[i];
      squares += double(probe[i]) * double(probe[i]);
    }
    for (std::size_t i = 0; i < options.dim; ++i)
      probe[i] = static_cast<float>(probe[i] / std::sqrt(squares));
  }
  return probes;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void wait_for(const std::string& file) {
  while (!file.empty() && !std::filesystem::exists(file)) ::usleep(200000);
}

void time_searches(const GalleryIndex& index, const Options& options, SearchMethod method,
                   const std::string& name) {
  constexpr std::size_t kSingle = 21, kBatch = 256;
  const std::vector<float> probes = make_probes(options, kBatch);
  const RowMatrix all{probes.data(), kBatch, options.dim};
  std::vector<double> single;
  for (std::size_t q = 0; q < kSingle; ++q) {
    Stopwatch watch;
    index.search({all.row(q), 1, options.dim}, 5, method);
    single.push_back(watch.lap_ms());
  }
  Stopwatch watch;
  const auto answers = index.search(all, 5, method);
  const double batch = watch.lap_ms();
  fmt::print("{}: one probe {:.2f} ms (median of {}), 256 at once {:.2f} ms a probe", name, median(single),
             kSingle, batch / kBatch);
  if (method != SearchMethod::kExact) {
    const auto exact = index.search(all, 5, SearchMethod::kExact);
    std::vector<std::vector<IdentityMatch>> near_a, near_e;
    for (std::size_t q = 0; q < kBatch; q += 2) {
      near_a.push_back(answers[q]);
      near_e.push_back(exact[q]);
    }
    const SearchRecall recall = recall_of(answers, exact), mates = recall_of(near_a, near_e);
    fmt::print("; recall: mate first {:.3f}, five best {:.3f} (all probes)", mates.first, recall.all);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

void approximate(const Options& options, const std::string& kind) {
  GallerySearchOptions search;
  search.approximate_above = 1;
  search.index.kind = kind == "hnsw" ? "graph" : "inverted";
  GalleryIndex index(options.path, search);
  Stopwatch watch;
  index.prepare();
  fmt::print("{}: built in {:.0f} s; memory at most {}\n", kind, watch.lap(),
             bytes_text(static_cast<double>(peak_memory())));
  std::fflush(stdout);
  wait_for(options.go);
  time_searches(index, options, SearchMethod::kAuto, kind);
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (word == "--rows")
      options.rows = static_cast<std::size_t>(std::atoll(next()));
    else if (word == "--dim")
      options.dim = static_cast<std::size_t>(std::atoll(next()));
    else if (word == "--go")
      options.go = next();
    else if (word == "--keep")
      options.keep = true;
    else if (word == "--hnsw")
      options.hnsw = true;
    else if (word == "--ivf")
      options.ivf = true;
    else
      options.path = word;
  }
  if (options.path.empty()) {
    fmt::print(stderr,
               "usage: gallery_bench FILE [--rows N] [--dim D] [--keep] [--hnsw] [--ivf] [--go FILE]\n");
    return 2;
  }
  if (!std::filesystem::exists(options.path)) enrol(options);
  {
    Stopwatch watch;
    const GalleryIndex index(options.path, {});
    fmt::print("open: {} photos in {:.1f} s; memory {}\n", index.counts().photos, watch.lap(),
               bytes_text(static_cast<double>(peak_memory())));
    time_searches(index, options, SearchMethod::kExact, "exact");
  }
  if (options.ivf) approximate(options, "ivf");
  if (options.hnsw) approximate(options, "hnsw");
  if (!options.keep) std::filesystem::remove(options.path);
  return 0;
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::set_up_process();
  return aface::bench::run(argc, argv);
}
