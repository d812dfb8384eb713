// What a large gallery costs: gallery_bench FILE [--rows N] [--dim D] [--photos K] [--genuine C] [--decay A]
//                                          [--threads T] [--keep] [--no-exact] [--hnsw] [--ivf] [--links M]
//                                          [--build-effort E] [--efforts E,E,...] [--go FILE]
//
// Enrols N unit rows (1,000 a transaction), opens the gallery as a program that identifies does, and searches
// exactly for one probe and for batches. --hnsw and --ivf build the approximate indexes too and set time
// against recall, at the effort that they choose themselves or at each of --efforts.
//
// Rows are K photos each of people whose directions are random, two photos of one person with cosine C (0.6).
// --decay A shrinks the i-th coordinate by i^-A before rows get length 1: embeddings of a network fill their
// space unevenly. Half of the probes are new photos of enrolled people, half strangers. --go waits, before
// searches are timed, until that file is there, so that a build of many minutes need not have the machine to
// itself.
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
  std::size_t rows = 100000, dim = 512, photos = 1;
  double genuine = 0.6, decay = 0;
  int threads = 0;
  bool keep = false, exact = true, hnsw = false, ivf = false;
  IndexOptions index = GallerySearchOptions().index;
  std::vector<std::int64_t> efforts;
};

enum class Stream : std::uint64_t { kPerson = 1, kPhoto = 2, kProbe = 3 };

// [dim] normal values, those of later coordinates smaller by the decay, of expected length 1.
std::vector<double> draw(const Options& options, Stream stream, std::uint64_t number) {
  Random random(static_cast<std::uint64_t>(stream), number);
  std::vector<double> values(options.dim);
  double expected = 0;
  for (std::size_t i = 0; i < options.dim; ++i) {
    const double scale = std::pow(static_cast<double>(i + 1), -options.decay);
    values[i] = scale * random.normal();
    expected += scale * scale;
  }
  for (double& value : values) value /= std::sqrt(expected);
  return values;
}

// A photo of the person: its own part of each, so that two photos have cosine `genuine`.
void look(const Options& options, std::uint64_t person, const std::vector<double>& own, float* row) {
  const std::vector<double> direction = draw(options, Stream::kPerson, person);
  std::vector<double> sum(options.dim);
  double squares = 0;
  for (std::size_t i = 0; i < options.dim; ++i) {
    sum[i] = std::sqrt(options.genuine) * direction[i] + std::sqrt(1 - options.genuine) * own[i];
    squares += sum[i] * sum[i];
  }
  for (std::size_t i = 0; i < options.dim; ++i) row[i] = static_cast<float>(sum[i] / std::sqrt(squares));
}

void row_of(const Options& options, std::uint64_t number, float* row) {
  look(options, number / options.photos, draw(options, Stream::kPhoto, number), row);
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
      row_of(options, i, row);
      batch.push_back({fmt::format("person {}", i / options.photos),
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
    row_of(options, options.rows + options.photos * static_cast<std::size_t>(i + 1), rows.data());
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

// Even probes are new photos of enrolled people, odd ones strangers.
std::vector<float> make_probes(const Options& options, std::size_t count) {
  Random random(9);
  const auto people = static_cast<std::int64_t>(options.rows / options.photos);
  std::vector<float> probes(count * options.dim);
  for (std::size_t q = 0; q < count; ++q) {
    const bool is_stranger = q % 2 == 1;
    const std::int64_t person =
        is_stranger ? 2 * people + static_cast<std::int64_t>(q) : random.below(people);
    look(options, static_cast<std::uint64_t>(person), draw(options, Stream::kProbe, q),
         probes.data() + q * options.dim);
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

std::vector<std::vector<IdentityMatch>> every_second(const std::vector<std::vector<IdentityMatch>>& all) {
  std::vector<std::vector<IdentityMatch>> some;
  for (std::size_t q = 0; q < all.size(); q += 2) some.push_back(all[q]);
  return some;
}

void time_searches(const GalleryIndex& index, const Options& options, SearchMethod method,
                   const std::string& name) {
  constexpr std::size_t kSingle = 101, kBatch = 1024;
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
  fmt::print("{}: one probe {:.2f} ms (median of {}), {} at once {:.2f} ms a probe", name, median(single),
             kSingle, kBatch, batch / kBatch);
  if (method != SearchMethod::kExact) {
    const auto exact = index.search(all, 5, SearchMethod::kExact);
    const SearchRecall recall = recall_of(answers, exact),
                       mates = recall_of(every_second(answers), every_second(exact));
    fmt::print("; enrolled people: first found {:.3f}, five best {:.3f}; all probes: {:.3f}, {:.3f}",
               mates.first, mates.all, recall.first, recall.all);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

GallerySearchOptions search_options(const Options& options) {
  GallerySearchOptions search;
  search.index = options.index;
  search.threads = options.threads;
  return search;
}

void approximate(const Options& options, const std::string& kind) {
  GallerySearchOptions search = search_options(options);
  search.approximate_above = 1;
  search.index.kind = kind == "hnsw" ? "graph" : "inverted";
  GalleryIndex index(options.path, search);
  Stopwatch watch;
  index.prepare();
  const double seconds = watch.lap();
  fmt::print("{}: {}; ready in {:.0f} s; memory at most {}\n", kind, describe(index.approximation().value()),
             seconds, bytes_text(static_cast<double>(peak_memory())));
  std::fflush(stdout);
  wait_for(options.go);
  if (options.efforts.empty()) time_searches(index, options, SearchMethod::kAuto, kind);
  for (const std::int64_t effort : options.efforts) {
    index.set_effort(effort);
    time_searches(index, options, SearchMethod::kAuto, fmt::format("{}, effort {}", kind, effort));
  }
}

std::vector<std::int64_t> numbers_of(const std::string& text) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at < text.size(); at = std::min(text.size(), text.find(',', at)) + 1)
    numbers.push_back(std::atoll(text.c_str() + at));
  return numbers;
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
    else if (word == "--photos")
      options.photos = static_cast<std::size_t>(std::max(1LL, std::atoll(next())));
    else if (word == "--genuine")
      options.genuine = std::atof(next());
    else if (word == "--decay")
      options.decay = std::atof(next());
    else if (word == "--threads")
      options.threads = std::atoi(next());
    else if (word == "--links")
      options.index.graph_links = std::atoll(next());
    else if (word == "--build-effort")
      options.index.graph_build_effort = std::atoll(next());
    else if (word == "--efforts")
      options.efforts = numbers_of(next());
    else if (word == "--go")
      options.go = next();
    else if (word == "--no-exact")
      options.exact = false;
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
    fmt::print(stderr, "usage: gallery_bench FILE [options]; the head of gallery_bench.cpp names them\n");
    return 2;
  }
  if (!std::filesystem::exists(options.path)) enrol(options);
  if (options.exact) {
    Stopwatch watch;
    const GalleryIndex index(options.path, search_options(options));
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
