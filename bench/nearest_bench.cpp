// Who follows drifting prototypes fastest: nearest_bench [--rows N] [--steps N] [--flat] [--no-graph] [--no-faiss]
//                                                        [--write FOLDER]
//                                          nearest_bench --join N [--probes N] [--flat]
//
// The first form runs a course of 200,000 x 512 unit prototypes, 50 steps of 1,000 changed prototypes and 256 queries,
// with every contestant taking its turn in every step, two threads each, each at the cheapest setting whose recall@32 is
// 0.95 or more against the exact oracle. --write leaves the course as .npy files for bench/peers/nearest_faiss.py. The
// graph can be updated in place (measured over a few steps only), or built anew from time to time: then a step bears its
// share of the build, which is the smaller the longer an out of date graph still finds enough; of all search efforts the one
// with the cheapest step counts. The second form finds the 31 neighbours of each of N prototypes.
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
#include "apps/adaptiveface/start_up.h"
#include "bench/nearest_contest.h"
#include "bench/prototype_rows.h"

namespace aface::bench {
namespace {

constexpr int kThreads = 2;
constexpr double kRecall = 0.95;
constexpr double kSafety = 0.003;  // settings are chosen with other queries than those that are judged
constexpr std::size_t kJudgeEvery = 10;
constexpr std::size_t kLongestAge = 500;  // steps that a graph may be left as it was built
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
  explicit OurFile(std::size_t lists) : index_(options(lists)) {}
  std::string name() const override { return "AdaptiveFace inverted file"; }
  std::string setting() const override { return fmt::format("lists {}, probes {}", index_.list_count(), probes_); }
  std::size_t effort_count() const override { return 64; }
  void set_effort(std::size_t level) override {
    probes_ = level + 1;
    index_.set_search_effort(static_cast<std::int64_t>(probes_));
  }
  void build(RowMatrix rows) override { index_.build(rows); }
  void update(Span<const std::int32_t> ids, RowMatrix rows) override { index_.update(ids, rows); }
  std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const override {
    return index_.search(queries, count).ids;
  }

 private:
  static IndexOptions options(std::size_t lists) {
    IndexOptions options;
    options.threads = kThreads;
    options.lists = static_cast<std::int64_t>(lists);
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

// A graph that is not updated, searched with one effort: how long it finds enough.
struct AgeingGraph {
  std::size_t level = 0;
  std::vector<double> search;
  std::size_t steps = 0;  // so many steps after its build it still found enough
  double least_recall = 1;
  bool is_past = false;

  void judge(std::size_t step, double recall) {
    is_past = is_past || recall < kRecall;
    if (is_past) return;
    steps = step + 1;
    least_recall = std::min(least_recall, recall);
  }
  double step_cost(double build) const { return build / static_cast<double>(steps) + median(search); }
};

struct Result {
  double build = 0;
  std::vector<double> update, search;
  std::vector<double> recall;
  double step() const { return median(update) + median(search); }
  double least_recall() const { return recall.empty() ? 0 : *std::min_element(recall.begin(), recall.end()); }
};

// Sets the cheapest effort that finds enough; false if none does.
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

void write_course(const Course& course, std::size_t steps, const std::string& folder) {
  const auto write = [&](const std::string& name, RowMatrix matrix) { write_npy_matrix(folder + "/" + name + ".npy", matrix); };
  write("rows", course.rows());
  write("tuning", course.tuning_queries());
  for (std::size_t step = 0; step < steps; ++step) {
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

void print_graph(Graph& graph, double build, const std::vector<AgeingGraph>& ageing, const Course& course, double ours) {
  const AgeingGraph* best = nullptr;
  for (const AgeingGraph& old : ageing) {
    if (old.steps == 0) continue;
    graph.set_effort(old.level);
    print_row(fmt::format("hnswlib, built anew every {}{} steps", old.is_past ? "" : "(at least) ", old.steps), graph.setting(),
              build, build / static_cast<double>(old.steps), median(old.search), old.step_cost(build), old.least_recall, ours);
    if (best == nullptr || old.step_cost(build) < best->step_cost(build)) best = &old;
  }
  if (best == nullptr) {
    fmt::print("the graph never reaches recall {}\n", kRecall);
    return;
  }
  graph.set_effort(best->level);
  std::vector<double> in_place;
  for (std::size_t step = 0; step < std::min(kGraphUpdates, course.changes.size()); ++step) {
    in_place.push_back(seconds_of([&] { graph.update(course.changes[step].ids, course.rows_of(step)); }));
  }
  const double search = median(best->search);
  print_row("hnswlib, updated in place", graph.setting(), build, median(in_place), search, median(in_place) + search,
            best->least_recall, ours);
}

void run_course(const CourseOptions& options, bool with_graph, bool with_faiss, const std::string& folder) {
  const double limit = eight_bit_limit();
  CourseOptions longer = options;
  if (with_graph) longer.steps = std::max(options.steps, kLongestAge);
  const Course course = make_course(longer);
  fmt::print("{} x {} prototypes{}, {} steps of {} changed ones and {} queries for {} neighbours, {} threads\n"
             "limit: {:.0f} GOP/s of eight-bit products\n",
             options.rows, course.dim, options.flat ? " (flat families)" : "", options.steps, options.changed, course.queries,
             course.count, kThreads, limit);
  OurScan oracle;
  Result of_oracle;
  of_oracle.build = seconds_of([&] { oracle.build(course.rows()); });
  const std::vector<std::int32_t> tuning_truth = oracle.search(course.tuning_queries(), course.count);
  if (!folder.empty()) {
    write_course(course, options.steps, folder);
    write_truth(folder, "truth_tuning", tuning_truth, course.count);
  }

  std::vector<std::unique_ptr<Contestant>> all;
  // As many kinds of ours as of each of FAISS's.
  for (std::size_t lists = 512; lists <= 2048 && 32 * lists <= options.rows; lists *= 2) all.push_back(std::make_unique<OurFile>(lists));
  if (with_faiss) {
    for (auto& peer : faiss_contestants(options.rows, kThreads)) all.push_back(std::move(peer));
  }
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
  double graph_build = 0;
  std::vector<AgeingGraph> ageing(with_graph ? graph.effort_count() : 0);
  if (with_graph) graph_build = seconds_of([&] { graph.build(course.rows()); });
  for (std::size_t level = 0; level < ageing.size(); ++level) ageing[level].level = level;

  for (std::size_t step = 0; step < course.changes.size(); ++step) {
    const Changes& changes = course.changes[step];
    const bool is_judged = step % kJudgeEvery == kJudgeEvery - 1 || step + 1 == options.steps;
    const std::size_t racers = step < options.steps ? racing.size() : 0;  // then the graph grows old alone
    of_oracle.update.push_back(seconds_of([&] { oracle.update(changes.ids, course.rows_of(step)); }));
    std::vector<std::int32_t> truth;
    if (is_judged) {
      of_oracle.search.push_back(seconds_of([&] { truth = oracle.search(course.queries_of(step), course.count); }));
      if (!folder.empty() && step < options.steps) write_truth(folder, fmt::format("truth_{}", step), truth, course.count);
    }
    for (std::size_t i = 0; i < racers; ++i) {
      results[i].update.push_back(seconds_of([&] { racing[i]->update(changes.ids, course.rows_of(step)); }));
      std::vector<std::int32_t> found;
      results[i].search.push_back(seconds_of([&] { found = racing[i]->search(course.queries_of(step), course.count); }));
      if (is_judged) results[i].recall.push_back(recall_of(found, truth, course.count));
    }
    for (AgeingGraph& old : ageing) {
      if (!is_judged || old.is_past) continue;
      graph.set_effort(old.level);
      std::vector<std::int32_t> found;
      old.search.push_back(seconds_of([&] { found = graph.search(course.queries_of(step), course.count); }));
      old.judge(step, recall_of(found, truth, course.count));
    }
  }

  double ours = of_oracle.step();
  for (std::size_t i = 0; i < racing.size(); ++i) {
    if (dynamic_cast<const OurFile*>(racing[i].get()) != nullptr) ours = std::min(ours, results[i].step());
  }
  fmt::print("\n{:<38} {:<34} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8}\n", "", "setting", "build s", "update ms", "search ms",
             "step ms", "recall", "x ours");
  for (std::size_t i = 0; i < racing.size(); ++i) {
    const Result& result = results[i];
    print_row(racing[i]->name(), racing[i]->setting(), result.build, median(result.update), median(result.search),
              result.step(), result.least_recall(), ours);
  }
  print_row(oracle.name(), oracle.setting(), of_oracle.build, median(of_oracle.update), median(of_oracle.search),
            of_oracle.step(), 1, ours);
  if (with_graph) print_graph(graph, graph_build, ageing, course, ours);
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
  aface::set_up_process();
  aface::bench::CourseOptions options;
  std::size_t join = 0;
  std::int64_t probes = 16;
  bool with_graph = true, with_faiss = true;
  std::string folder;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto number = [&] { return i + 1 < count ? std::strtoull(words[++i], nullptr, 10) : 0; };
    if (word == "--rows") options.rows = number();
    else if (word == "--steps") options.steps = number();
    else if (word == "--flat") options.flat = true;
    else if (word == "--no-graph") with_graph = false;
    else if (word == "--no-faiss") with_faiss = false;
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
    aface::bench::run_course(options, with_graph, with_faiss, folder);
  }
  return 0;
}
