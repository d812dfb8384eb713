// Who follows drifting prototypes fastest: nearest_bench [--rows N] [--steps N] [--flat] [--no-graph] [--write FOLDER]
//                                          nearest_bench --join N [--probes N] [--flat]
//
// The first form runs a course of 200,000 x 512 unit prototypes, 50 steps of 1,000 changed prototypes and 256 queries,
// with every contestant taking its turn in every step, two threads each, each at the cheapest setting whose recall@32 is
// 0.95 or more against the exact oracle. --write leaves the course as .npy files for bench/peers/nearest_faiss.py. The
// graph's rebuild is built once and its time spread over kRebuildEvery steps; its update in place is measured over a few
// steps only. The second form finds the 31 neighbours of each of N prototypes.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "aface/core/parallel.h"
#include "aface/io/npy.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/nearest/exact_index.h"
#include "aface/nearest/graph_index.h"
#include "aface/nearest/inverted_file.h"
#include "bench/nearest_contest.h"
#include "bench/prototype_rows.h"

namespace aface::bench {
namespace {

constexpr int kThreads = 2;
constexpr double kRecall = 0.95;
constexpr double kSafety = 0.003;  // settings are chosen with other queries than those that are judged
constexpr std::size_t kRebuildEvery = 500;
constexpr std::size_t kGraphUpdates = 3;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class Work>
double seconds_of(const Work& work) {
  const double begin = seconds();
  work();
  return seconds() - begin;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

// GOP/s of the eight-bit kernel on data in the first caches, all threads together.
double eight_bit_limit() {
  constexpr std::size_t kRows = 64, kDim = 512, kRounds = 20000;
  const EightBitKernel kernel = eight_bit_kernel();
  double best = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double time = seconds_of([&] {
      parallel_for(kThreads, 1, kThreads, [&](std::int64_t, std::int64_t) {
        const std::vector<std::uint8_t> a(kRows * kDim, 3);
        const std::vector<std::int8_t> b(kernel.columns * kDim, 2);
        std::vector<std::int32_t> out(kRows * kernel.columns);
        for (std::size_t i = 0; i < kRounds / kernel.columns; ++i) {
          kernel.products(a.data(), kRows, b.data(), kernel.columns, kDim, out.data());
        }
      });
    });
    const double products = static_cast<double>(kThreads * (kRounds / kernel.columns) * kernel.columns * kRows);
    best = std::max(best, products * 2 * kDim / time / 1e9);
  }
  return best;
}

class OurFile : public Contestant {
 public:
  OurFile() : index_(options()) {}
  std::string name() const override { return "AdaptiveFace inverted file"; }
  std::string setting() const override { return fmt::format("lists {}, probes {}", index_.list_count(), probes_); }
  std::size_t effort_count() const override { return 64; }
  void set_effort(std::size_t level) override {
    probes_ = level + 1;
    index_.set_probes(static_cast<std::int64_t>(probes_));
  }
  void build(RowMatrix rows) override { index_.build(rows); }
  void update(Span<const std::int32_t> ids, RowMatrix rows) override { index_.update(ids, rows); }
  std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const override {
    return index_.search(queries, count).ids;
  }

 private:
  static IndexOptions options() {
    IndexOptions options;
    options.threads = kThreads;
    return options;
  }
  InvertedFile index_;
  std::size_t probes_ = 1;
};

class OurScan : public Contestant {
 public:
  std::string name() const override { return "AdaptiveFace exact scan"; }
  std::string setting() const override { return "exact"; }
  std::size_t effort_count() const override { return 1; }
  void set_effort(std::size_t) override {}
  void build(RowMatrix rows) override { index_.build(rows); }
  void update(Span<const std::int32_t> ids, RowMatrix rows) override { index_.update(ids, rows); }
  std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const override {
    return index_.search(queries, count).ids;
  }

 private:
  ExactIndex index_{kThreads};
};

class Graph : public Contestant {
 public:
  std::string name() const override { return "hnswlib"; }
  std::string setting() const override { return fmt::format("M 16, efConstruction 100, ef {}", effort_); }
  std::size_t effort_count() const override { return 9; }
  void set_effort(std::size_t level) override {
    effort_ = 32 << (level / 2);
    if (level % 2 == 1) effort_ += effort_ / 2;
    index_->set_search_effort(effort_);
  }
  void build(RowMatrix rows) override {
    IndexOptions options;
    options.threads = kThreads;
    options.parallel_build = true;
    index_ = std::make_unique<GraphIndex>(options);
    index_->build(rows);
  }
  void update(Span<const std::int32_t> ids, RowMatrix rows) override { index_->update(ids, rows); }
  std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const override {
    return index_->search(queries, count).ids;
  }

 private:
  std::unique_ptr<GraphIndex> index_;
  std::int64_t effort_ = 64;
};

struct Result {
  double build = 0;
  std::vector<double> update, search;
  std::vector<double> recall;
  double step() const { return median(update) + median(search); }
  double least_recall() const { return recall.empty() ? 0 : *std::min_element(recall.begin(), recall.end()); }
};

// The cheapest effort that finds enough; false if none does.
bool tune(Contestant& who, const Course& course, const std::vector<std::int32_t>& truth) {
  for (std::size_t level = 0; level < who.effort_count(); ++level) {
    who.set_effort(level);
    if (recall_of(who.search(course.tuning_queries(), course.count), truth, course.count) >= kRecall + kSafety) return true;
  }
  return false;
}

void print_row(const std::string& name, const std::string& setting, double build, double update, double search,
               double step, double recall, double ours) {
  fmt::print("{:<38} {:<34} {:>8.1f} {:>10.2f} {:>10.2f} {:>10.2f} {:>8.4f} {:>8.1f}\n", name, setting, build, 1e3 * update,
             1e3 * search, 1e3 * step, recall, step / ours);
}

void write_course(const Course& course, const std::string& folder) {
  const auto write = [&](const std::string& name, RowMatrix matrix) { write_npy_matrix(folder + "/" + name + ".npy", matrix); };
  write("rows", course.rows());
  write("tuning", course.tuning_queries());
  for (std::size_t step = 0; step < course.changes.size(); ++step) {
    const std::vector<float> ids(course.changes[step].ids.begin(), course.changes[step].ids.end());
    write(fmt::format("ids_{}", step), {ids.data(), 1, ids.size()});
    write(fmt::format("changed_{}", step), course.rows_of(step));
    write(fmt::format("queries_{}", step), course.queries_of(step));
  }
}

void write_truth(const std::string& folder, const std::string& name, const std::vector<std::int32_t>& truth, std::size_t count) {
  const std::vector<float> ids(truth.begin(), truth.end());
  write_npy_matrix(folder + "/" + name + ".npy", {ids.data(), ids.size() / count, count});
}

void run_course(const CourseOptions& options, bool with_graph, const std::string& folder) {
  const double limit = eight_bit_limit();
  const Course course = make_course(options);
  fmt::print("{} x {} prototypes{}, {} steps of {} changed ones and {} queries for {} neighbours, {} threads\n"
             "limit: {:.0f} GOP/s of eight-bit products\n",
             options.rows, course.dim, options.flat ? " (flat families)" : "", options.steps, options.changed, course.queries,
             course.count, kThreads, limit);
  OurScan oracle;
  Result of_oracle;
  of_oracle.build = seconds_of([&] { oracle.build(course.rows()); });
  const std::vector<std::int32_t> tuning_truth = oracle.search(course.tuning_queries(), course.count);
  if (!folder.empty()) {
    write_course(course, folder);
    write_truth(folder, "truth_tuning", tuning_truth, course.count);
  }

  std::vector<std::unique_ptr<Contestant>> all;
  all.push_back(std::make_unique<OurFile>());
  for (auto& peer : faiss_contestants(options.rows, kThreads)) all.push_back(std::move(peer));
  std::vector<std::unique_ptr<Contestant>> racing;
  std::vector<Result> results;
  const auto admit = [&](std::unique_ptr<Contestant> who) {
    Result result;
    result.build = seconds_of([&] { who->build(course.rows()); });
    if (tune(*who, course, tuning_truth)) {
      racing.push_back(std::move(who));
      results.push_back(std::move(result));
    } else {
      fmt::print("{} never reaches recall {} at {}\n", who->name(), kRecall, who->setting());
    }
  };
  for (auto& who : all) admit(std::move(who));
  Graph graph;
  Result of_graph;
  if (with_graph) {
    of_graph.build = seconds_of([&] { graph.build(course.rows()); });
    if (!tune(graph, course, tuning_truth)) fmt::print("the graph never reaches recall {}\n", kRecall);
  }

  for (std::size_t step = 0; step < options.steps; ++step) {
    const Changes& changes = course.changes[step];
    const bool is_judged = step % 10 == 9 || step + 1 == options.steps;
    of_oracle.update.push_back(seconds_of([&] { oracle.update(changes.ids, course.rows_of(step)); }));
    std::vector<std::int32_t> truth;
    if (is_judged) {
      of_oracle.search.push_back(seconds_of([&] { truth = oracle.search(course.queries_of(step), course.count); }));
      if (!folder.empty()) write_truth(folder, fmt::format("truth_{}", step), truth, course.count);
    }
    const auto ask = [&](const Contestant& who, Result& result) {
      std::vector<std::int32_t> found;
      result.search.push_back(seconds_of([&] { found = who.search(course.queries_of(step), course.count); }));
      if (is_judged) result.recall.push_back(recall_of(found, truth, course.count));
    };
    for (std::size_t i = 0; i < racing.size(); ++i) {
      results[i].update.push_back(seconds_of([&] { racing[i]->update(changes.ids, course.rows_of(step)); }));
      ask(*racing[i], results[i]);
    }
    if (with_graph) ask(graph, of_graph);
  }

  const double ours = results.empty() ? 0 : results.front().step();
  fmt::print("\n{:<38} {:<34} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8}\n", "", "setting", "build s", "update ms", "search ms",
             "step ms", "recall", "x ours");
  for (std::size_t i = 0; i < racing.size(); ++i) {
    const Result& result = results[i];
    print_row(racing[i]->name(), racing[i]->setting(), result.build, median(result.update), median(result.search),
              result.step(), result.least_recall(), ours);
  }
  print_row(oracle.name(), oracle.setting(), of_oracle.build, median(of_oracle.update), median(of_oracle.search),
            of_oracle.step(), 1, ours);
  if (with_graph) {
    const double search = median(of_graph.search);
    print_row("hnswlib, never updated", graph.setting(), of_graph.build, 0, search, search, of_graph.least_recall(), ours);
    const double share = of_graph.build / kRebuildEvery;
    print_row(fmt::format("hnswlib, rebuilt every {} steps", kRebuildEvery), graph.setting(), of_graph.build, share, search,
              share + search, of_graph.least_recall(), ours);
    std::vector<double> in_place;
    for (std::size_t step = 0; step < std::min(kGraphUpdates, options.steps); ++step) {
      in_place.push_back(seconds_of([&] { graph.update(course.changes[step].ids, course.rows_of(step)); }));
    }
    print_row("hnswlib, updated in place", graph.setting(), of_graph.build, median(in_place), search,
              median(in_place) + search, of_graph.least_recall(), ours);
  }
}

// Neighbours of all prototypes, in blocks such as a rebuild of all queues asks for.
void run_join(std::size_t rows, std::int64_t probes, bool flat) {
  constexpr std::size_t kDim = 512, kCount = 32, kBlock = 4096, kJudged = 512;  // 31 others and the row itself
  const double limit = eight_bit_limit();
  const std::vector<float> values = prototype_rows(rows, kDim, flat, 1);
  const RowMatrix all{values.data(), rows, kDim};
  IndexOptions options;
  options.threads = kThreads;
  options.probes = probes;
  InvertedFile index(options);
  const double build = seconds_of([&] { index.build(all); });
  std::vector<std::int32_t> first;
  const double search = seconds_of([&] {
    for (std::size_t begin = 0; begin < rows; begin += kBlock) {
      const NeighbourLists found = index.search({all.row(begin), std::min(kBlock, rows - begin), kDim}, kCount);
      if (begin == 0) first.assign(found.ids.begin(), found.ids.begin() + static_cast<std::ptrdiff_t>(kJudged * kCount));
    }
  });
  const double judged = recall_of(first, nearest_rows(all, {all.row(0), kJudged, kDim}, kCount, kThreads).ids, kCount);
  double scanned = 0;
  for (std::size_t list = 0; list < index.list_count(); ++list) {
    const auto size = static_cast<double>(index.list_size(list));
    scanned += size * size / static_cast<double>(rows);
  }
  const double products = static_cast<double>(index.list_count()) + static_cast<double>(probes) * scanned;
  const double rate = static_cast<double>(rows) * products * 2 * kDim / search / 1e9;
  fmt::print("neighbours of all {} prototypes{}: lists {}, probes {}, build {:.1f} s, search {:.1f} s, recall@{} {:.4f}, "
             "about {:.0f} of {:.0f} GOP/s\n",
             rows, flat ? " (flat families)" : "", index.list_count(), probes, build, search, kCount, judged, rate, limit);
}

}  // namespace
}  // namespace aface::bench

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1024);
  aface::bench::CourseOptions options;
  std::size_t join = 0;
  std::int64_t probes = 16;
  bool with_graph = true;
  std::string folder;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto number = [&] { return i + 1 < count ? std::strtoull(words[++i], nullptr, 10) : 0; };
    if (word == "--rows") options.rows = number();
    else if (word == "--steps") options.steps = number();
    else if (word == "--flat") options.flat = true;
    else if (word == "--no-graph") with_graph = false;
    else if (word == "--join") join = number();
    else if (word == "--probes") probes = static_cast<std::int64_t>(number());
    else if (word == "--write" && i + 1 < count) folder = words[++i];
    else {
      fmt::print(stderr, "nearest_bench: unknown word '{}'; see the first lines of its source\n", word);
      return 2;
    }
  }
  if (join > 0) {
    aface::bench::run_join(join, probes, options.flat);
  } else {
    aface::bench::run_course(options, with_graph, folder);
  }
  return 0;
}
