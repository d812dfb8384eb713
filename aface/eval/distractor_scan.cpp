#include "aface/eval/distractor_scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>

#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/eval/unit_rows.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/quantised_rows.h"

namespace aface {
namespace {

constexpr std::size_t kRowBlock = 256;  // distractors at a time: half a megabyte of 512 float values
constexpr std::size_t kProbeBlock = 256;
constexpr std::size_t kAhead = 3;
constexpr std::size_t kSampleRows = 4096;
constexpr float kFloatError = 1e-5F;  // covers a float32 product of unit rows
constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr std::int64_t kNamed = 3;

bool falls_before(const DistractorScore& x, const DistractorScore& y) {
  if (x.score != y.score) return x.score > y.score;
  return x.probe != y.probe ? x.probe < y.probe : x.distractor < y.distractor;
}

// 1 / length, or 0 for a row without direction.
double inverse_norm(const float* row, std::size_t dim) {
  const double squares = wide_inner_product(row, row, dim);
  return squares > 0 && std::isfinite(squares) ? 1 / std::sqrt(squares) : 0;
}

// Where the search for the best may begin: scores that certainly belong to the answer, or are close to its
// end.
struct Floor {
  std::vector<float> of_probe;  // a lower bound of the probe's last kept score
  float tail = kLowest;         // a guess at the last kept score of all: checked at the end
  std::vector<float> sample;
};

class Scan {
 public:
  Scan(RowMatrix probes, const RowSource& distractors, const DistractorScanOptions& options)
      : probes_(probes), distractors_(distractors), options_(options) {
    ranks_ = static_cast<std::size_t>(
        std::min<std::int64_t>(options.ranks, static_cast<std::int64_t>(distractors.rows())));
    all_scores_ = static_cast<std::int64_t>(probes.rows * distractors.rows());
    tail_scores_ = std::min(options.tail_scores, all_scores_);
    for (std::size_t i = 0; i < probes.rows; ++i)
      probe_inverse_.push_back(inverse_norm(probes.row(i), probes.dim));
    quantise(probes, probe_inverse_, quantised_probes_);
  }

  DistractorScan run() {
    Floor floor = look_at_sample();
    DistractorScan result = pass(floor);
    while (static_cast<std::int64_t>(result.tail.size()) < tail_scores_) {  // the guess was too high
      floor.tail = floor.tail > 0.1F ? floor.tail - 0.1F : kLowest;
      result = pass(floor);
    }
    result.sample = std::move(floor.sample);
    return result;
  }

  const std::vector<std::int64_t>& bad_rows() const { return bad_rows_; }

 private:
  struct Worker {
    std::vector<float> best;  // [probes, ranks], falling
    std::vector<float> cut;   // [probes] nothing under this can matter
    std::vector<DistractorScore> tail;
    float tail_cut = kLowest;
    std::vector<std::int64_t> bad;
  };

  bool is_silenced(std::size_t row) const {
    return !options_.silenced.empty() && options_.silenced[row] != 0;
  }

  Floor look_at_sample() const;
  DistractorScan pass(const Floor& floor);
  void take_block(std::size_t begin, std::size_t end, std::vector<float>& buffer, QuantisedGallery& block,
                  std::vector<std::int32_t>& products, const Floor& floor, Worker& worker) const;
  void keep(Worker& worker, const Floor& floor, const DistractorScore& found) const;
  void shrink_tail(Worker& worker) const;

  RowMatrix probes_;
  const RowSource& distractors_;
  const DistractorScanOptions& options_;
  std::size_t ranks_ = 0;
  std::int64_t all_scores_ = 0;
  std::int64_t tail_scores_ = 0;
  std::vector<double> probe_inverse_;
  QuantisedProbes quantised_probes_;
  std::vector<std::int64_t> bad_rows_;
};

// Evenly spaced distractors, scored in float32.
Floor Scan::look_at_sample() const {
  const std::size_t rows = distractors_.rows(), wanted = std::min(kSampleRows, rows);
  std::vector<float> unit, buffer;
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::size_t row = i * rows / wanted;
    if (is_silenced(row)) continue;
    const RowMatrix one = distractors_.read(row, row + 1, buffer);
    const double inverse = inverse_norm(one.data, one.dim);
    if (inverse == 0) continue;
    for (std::size_t k = 0; k < one.dim; ++k) unit.push_back(static_cast<float>(one.data[k] * inverse));
  }
  const std::size_t count = probes_.dim == 0 ? 0 : unit.size() / probes_.dim;
  Floor floor;
  floor.of_probe.assign(probes_.rows, kLowest);
  floor.sample.resize(probes_.rows * count);
  parallel_for(static_cast<std::int64_t>(probes_.rows), kProbeBlock, options_.threads,
               [&](std::int64_t first, std::int64_t last) {
                 const auto begin = static_cast<std::size_t>(first), end = static_cast<std::size_t>(last);
                 float* scores = floor.sample.data() + begin * count;
                 inner_products({probes_.row(begin), end - begin, probes_.dim},
                                {unit.data(), count, probes_.dim}, scores, std::max<std::size_t>(count, 1));
                 std::vector<float> sorted;
                 for (std::size_t i = begin; i < end; ++i, scores += count) {
                   for (std::size_t j = 0; j < count; ++j) scores[j] *= static_cast<float>(probe_inverse_[i]);
                   if (ranks_ == 0 || count < ranks_) continue;
                   sorted.assign(scores, scores + count);
                   const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(ranks_ - 1);
                   std::nth_element(sorted.begin(), at, sorted.end(), std::greater<float>());
                   floor.of_probe[i] = *at - kFloatError;
                 }
               });
  if (tail_scores_ < all_scores_ && !floor.sample.empty()) {
    // As many of the sample as the tail holds of all, and five standard deviations more.
    const double share = static_cast<double>(tail_scores_) / static_cast<double>(all_scores_);
    const double expected = share * static_cast<double>(floor.sample.size());
    const double rank = expected * 1.1 + 5 * std::sqrt(expected) + 10;
    if (rank < static_cast<double>(floor.sample.size())) {
      std::vector<float> sorted = floor.sample;
      const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(rank);
      std::nth_element(sorted.begin(), at, sorted.end(), std::greater<float>());
      floor.tail = *at - kFloatError;
    }
  }
  if (tail_scores_ == 0) floor.tail = std::numeric_limits<float>::infinity();
  return floor;
}

// A thread's own last kept score is never above that of all threads together.
void Scan::shrink_tail(Worker& worker) const {
  const auto at = worker.tail.begin() + (tail_scores_ - 1);
  std::nth_element(worker.tail.begin(), at, worker.tail.end(), falls_before);
  worker.tail_cut = std::max(worker.tail_cut, at->score);
  worker.tail.erase(at + 1, worker.tail.end());
}

void Scan::keep(Worker& worker, const Floor& floor, const DistractorScore& found) const {
  const auto probe = static_cast<std::size_t>(found.probe);
  float* best = worker.best.data() + probe * ranks_;
  if (ranks_ > 0 && found.score > best[ranks_ - 1]) {
    std::size_t at = ranks_ - 1;
    for (; at > 0 && best[at - 1] < found.score; --at) best[at] = best[at - 1];
    best[at] = found.score;
  }
  if (found.score >= worker.tail_cut) {
    worker.tail.push_back(found);
    if (static_cast<std::int64_t>(worker.tail.size()) >= 2 * tail_scores_ + 1024) shrink_tail(worker);
  }
  const float last = ranks_ > 0 ? std::max(best[ranks_ - 1], floor.of_probe[probe]) : -kLowest;
  worker.cut[probe] = std::min(last, worker.tail_cut);
}

void Scan::take_block(std::size_t begin, std::size_t end, std::vector<float>& buffer, QuantisedGallery& block,
                      std::vector<std::int32_t>& products, const Floor& floor, Worker& worker) const {
  const RowMatrix rows = distractors_.read(begin, end, buffer);
  std::vector<double> inverse(rows.rows, 0);
  std::vector<float> fixed(rows.rows, 0);  // of rows that have no direction or are silenced
  for (std::size_t j = 0; j < rows.rows; ++j) {
    if (is_silenced(begin + j)) {
      fixed[j] = options_.silenced_score;
      continue;
    }
    inverse[j] = inverse_norm(rows.row(j), rows.dim);
    if (inverse[j] != 0) continue;
    fixed[j] = kNoMatchScore;
    worker.bad.push_back(static_cast<std::int64_t>(begin + j));
  }
  quantise(rows, inverse, block);
  std::vector<RowPair> found;
  for (std::size_t first = 0; first < probes_.rows; first += kProbeBlock) {
    found.clear();
    pairs_that_may_reach(quantised_probes_, first, std::min(probes_.rows, first + kProbeBlock), block,
                         worker.cut, products, found);
    for (std::size_t n = 0; n < found.size(); ++n) {
      // The rows of probes lie all over the memory; the next ones are called while this one is computed.
      if (n + kAhead < found.size()) {
        prefetch_row(probes_.row(static_cast<std::size_t>(found[n + kAhead].probe)), rows.dim);
      }
      const RowPair& pair = found[n];
      const auto i = static_cast<std::size_t>(pair.probe), j = static_cast<std::size_t>(pair.gallery);
      const double inverse_norms = probe_inverse_[i] * inverse[j];
      float score = fixed[j];
      if (inverse_norms != 0) {
        // Most fall short even so; float32 tells them at a third of the cost.
        const float close = inner_product(probes_.row(i), rows.row(j), rows.dim);
        if (static_cast<float>(close * inverse_norms) + kFloatError < worker.cut[i]) continue;
        score = exact_cosine(probes_.row(i), rows.row(j), rows.dim, inverse_norms);
      }
      if (score < worker.cut[i]) continue;
      keep(worker, floor, {score, pair.probe, static_cast<std::int32_t>(begin + j)});
    }
  }
}

DistractorScan Scan::pass(const Floor& floor) {
  const int threads = options_.threads > 0 ? options_.threads : hardware_threads();
  std::vector<Worker> workers(static_cast<std::size_t>(threads));
  std::atomic<std::size_t> next{0};
  parallel_for(threads, 1, threads, [&](std::int64_t index, std::int64_t) {
    Worker& worker = workers[static_cast<std::size_t>(index)];
    worker.best.assign(probes_.rows * ranks_, kLowest);
    worker.tail_cut = floor.tail;
    for (const float least : floor.of_probe) {
      worker.cut.push_back(std::min(ranks_ > 0 ? least : -kLowest, worker.tail_cut));
    }
    std::vector<float> buffer;
    QuantisedGallery block;
    std::vector<std::int32_t> products;
    for (std::size_t begin; (begin = next.fetch_add(kRowBlock)) < distractors_.rows();) {
      throw_if_stopped();
      take_block(begin, std::min(distractors_.rows(), begin + kRowBlock), buffer, block, products, floor,
                 worker);
    }
  });

  DistractorScan result;
  result.ranks = static_cast<std::int64_t>(ranks_);
  result.best.resize(probes_.rows * ranks_);
  bad_rows_.clear();
  std::vector<float> best;
  for (std::size_t i = 0; i < probes_.rows; ++i) {
    best.clear();
    for (const Worker& worker : workers) {
      if (worker.best.empty()) continue;  // it came too late for any block
      best.insert(best.end(), worker.best.begin() + static_cast<std::ptrdiff_t>(i * ranks_),
                  worker.best.begin() + static_cast<std::ptrdiff_t>((i + 1) * ranks_));
    }
    std::sort(best.begin(), best.end(), std::greater<float>());
    std::copy_n(best.begin(), ranks_, result.best.begin() + static_cast<std::ptrdiff_t>(i * ranks_));
  }
  for (Worker& worker : workers) {
    result.tail.insert(result.tail.end(), worker.tail.begin(), worker.tail.end());
    worker.tail = {};
    bad_rows_.insert(bad_rows_.end(), worker.bad.begin(), worker.bad.end());
  }
  std::sort(result.tail.begin(), result.tail.end(), falls_before);
  if (static_cast<std::int64_t>(result.tail.size()) > tail_scores_) {
    result.tail.resize(static_cast<std::size_t>(tail_scores_));
  }
  std::sort(bad_rows_.begin(), bad_rows_.end());
  result.bad = static_cast<std::int64_t>(bad_rows_.size());
  return result;
}

}  // namespace

float exact_cosine(const float* a, const float* b, std::size_t dim, double inverse_norms) {
  return static_cast<float>(wide_inner_product(a, b, dim) * inverse_norms);
}

DistractorScan scan_distractors(RowMatrix probes, const RowSource& distractors,
                                const std::vector<std::string>& names, const DistractorScanOptions& options) {
  const auto fail = [](const std::string& what) { throw Error(ErrorKind::kData, "distractors: " + what); };
  if (probes.rows == 0 || distractors.rows() == 0) fail("no probes or no distractors; check the lists");
  if (names.size() != distractors.rows()) {
    fail(fmt::format(
        "{} rows but {} names (expected one each); take the list that the features were made from",
        distractors.rows(), names.size()));
  }
  if (probes.dim != distractors.dim()) {
    fail(fmt::format("rows of {} values but probes of {}; make both with one model", distractors.dim(),
                     probes.dim));
  }
  Scan scan(probes, distractors, options);
  DistractorScan result = scan.run();
  if (result.bad > 0 && !options.skip_bad) {
    std::string shown;
    for (std::int64_t i = 0; i < std::min(kNamed, result.bad); ++i) {
      const std::int64_t row = scan.bad_rows()[static_cast<std::size_t>(i)];
      shown += fmt::format("{}'{}' (row {})", i == 0 ? "" : ", ", names[static_cast<std::size_t>(row)], row);
    }
    fail(fmt::format(
        "{} of {} embeddings are zero or not finite: {}{}; make them again, or let them match nothing "
        "(--bad-embeddings no-match)",
        result.bad, distractors.rows(), shown, result.bad > kNamed ? ", ..." : ""));
  }
  return result;
}

}  // namespace aface
