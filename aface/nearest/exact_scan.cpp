#include "aface/nearest/exact_scan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::size_t kQueryBlock = 256;
constexpr std::size_t kSampleRows = 256;  // for a first lower bound; more when many neighbours are wanted
constexpr std::size_t kRowStep = 4 * kGalleryStep;  // rows that are screened before the most promising are computed

// How far a product of unit rows in float32 may be from the true one, whatever the order of its sum (dim * 2^-24 for each
// of two ways to compute it), and the bounds of eight bits from theirs, since lengths are 1 to kUnitTolerance only.
float slack_of(std::size_t dim) {
  return static_cast<float>(2 * kUnitTolerance) + static_cast<float>(dim) * std::ldexp(1.0F, -23);
}

// The best so far of one query: a heap with the least of them in front.
class Best {
 public:
  explicit Best(std::size_t count) : count_(count) { heap_.reserve(count); }

  void offer(const ScoredId& row) {
    if (heap_.size() < count_) {
      heap_.push_back(row);
      std::push_heap(heap_.begin(), heap_.end(), ranks_before);
    } else if (ranks_before(row, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), ranks_before);
      heap_.back() = row;
      std::push_heap(heap_.begin(), heap_.end(), ranks_before);
    }
  }
  float least() const {
    return heap_.size() < count_ ? -std::numeric_limits<float>::infinity() : heap_.front().score;
  }
  const std::vector<ScoredId>& sorted() {
    std::sort(heap_.begin(), heap_.end(), ranks_before);
    return heap_;
  }

 private:
  std::size_t count_;
  std::vector<ScoredId> heap_;
};

class Scan {
 public:
  Scan(RowMatrix rows, const QuantisedGallery& codes, std::size_t count)
      : rows_(rows), codes_(codes), count_(count), slack_(slack_of(rows.dim)) {
    const std::size_t wanted = std::min(rows.rows, std::max(kSampleRows, 4 * count));
    for (std::size_t i = 0; i < wanted; ++i) {
      const float* row = rows.row(i * rows.rows / wanted);
      sample_.insert(sample_.end(), row, row + rows.dim);
    }
  }

  void search(RowMatrix queries, std::size_t first_query, NeighbourLists& found) const {
    std::vector<float> cut = cut_by_sample(queries);
    QuantisedProbes probes;
    quantise(queries, std::vector<double>(queries.rows, 1.0), probes);
    std::vector<Best> best(queries.rows, Best(count_));
    std::vector<std::int32_t> products;
    std::vector<RowPair> pairs;
    std::vector<std::vector<RowPair>> of_query(queries.rows);
    for (std::size_t first = 0; first < rows_.rows; first += kRowStep) {
      pairs.clear();
      pairs_that_may_reach(probes, 0, queries.rows, codes_, first, std::min(rows_.rows, first + kRowStep), cut, products,
                           pairs);
      for (const RowPair& pair : pairs) of_query[static_cast<std::size_t>(pair.probe)].push_back(pair);
      for (std::size_t q = 0; q < queries.rows; ++q) {
        compute(queries.row(q), of_query[q], best[q], cut[q]);
        of_query[q].clear();
      }
    }
    for (std::size_t q = 0; q < queries.rows; ++q) {
      std::size_t at = (first_query + q) * count_;
      for (const ScoredId& row : best[q].sorted()) {
        found.ids[at] = row.id;
        found.similarities[at++] = row.score;
      }
    }
  }

 private:
  const float* row_of(const RowPair& pair) const { return rows_.row(static_cast<std::size_t>(pair.gallery)); }

  // As many as are wanted of the most promising first: they lift the cut, and most of the others need no product.
  void compute(const float* query, std::vector<RowPair>& pairs, Best& best, float& cut) const {
    if (pairs.size() > 2 * count_) {
      std::nth_element(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count_), pairs.end(),
                       [](const RowPair& a, const RowPair& b) { return a.most > b.most; });
    }
    for (std::size_t n = 0; n < pairs.size(); ++n) {
      if (pairs[n].most < cut) continue;
      if (n + 1 < pairs.size()) prefetch_row(row_of(pairs[n + 1]), rows_.dim);
      best.offer({inner_product(query, row_of(pairs[n]), rows_.dim), pairs[n].gallery});
      cut = std::max(cut, best.least() - slack_);
    }
  }

  // What the last of the best of a few rows reaches, the last of the best of all reaches too.
  std::vector<float> cut_by_sample(RowMatrix queries) const {
    const std::size_t rows = sample_.size() / rows_.dim;
    std::vector<float> scores(queries.rows * rows), cut;
    inner_products(queries, {sample_.data(), rows, rows_.dim}, scores.data(), rows);
    for (std::size_t q = 0; q < queries.rows; ++q) {
      const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(q * rows);
      const auto last = begin + static_cast<std::ptrdiff_t>(count_ - 1);
      std::nth_element(begin, last, begin + static_cast<std::ptrdiff_t>(rows), std::greater<>());
      cut.push_back(*last - slack_);
    }
    return cut;
  }

  RowMatrix rows_;
  const QuantisedGallery& codes_;
  std::size_t count_;
  float slack_;
  std::vector<float> sample_;
};

}  // namespace

void exact_scan(RowMatrix rows, const QuantisedGallery& codes, RowMatrix queries, int threads, NeighbourLists& found) {
  if (found.ids.empty()) return;
  const Scan scan(rows, codes, found.count);
  // No fewer blocks than threads; every block reads all rows once.
  const auto workers = static_cast<std::size_t>(threads > 0 ? threads : hardware_threads());
  const std::size_t block = std::min(kQueryBlock, (queries.rows + workers - 1) / workers);
  parallel_for(static_cast<std::int64_t>(queries.rows), static_cast<std::int64_t>(block), threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const auto first = static_cast<std::size_t>(begin);
                 scan.search({queries.row(first), static_cast<std::size_t>(end - begin), queries.dim}, first, found);
               });
}

}  // namespace aface
