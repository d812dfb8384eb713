#include "aface/nearest/list_scan.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <numeric>

#include "aface/core/parallel.h"

namespace aface {
namespace {

constexpr std::int64_t kQueryBlock = 64;

// The best scores of one query among what came by, in any order.
class Best {
 public:
  // Nothing under this can be among the best.
  float floor() const { return floor_; }
  void add(ScoredId found, std::size_t count) {
    kept_.push_back(found);
    if (kept_.size() >= 2 * count + 32) shrink(count);
  }
  const std::vector<ScoredId>& kept() const { return kept_; }

 private:
  void shrink(std::size_t count) {
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count - 1), kept_.end(), ranks_before);
    kept_.resize(count);
    floor_ = kept_.back().score;
  }

  float floor_ = -std::numeric_limits<float>::infinity();
  std::vector<ScoredId> kept_;
};

struct Visits {
  std::vector<std::size_t> begins;    // [lists + 1]
  std::vector<std::int32_t> queries;  // by list, ascending within each
};

Visits visits_of(const std::vector<std::int32_t>& chosen, std::size_t probes, std::size_t lists) {
  Visits visits;
  visits.begins.assign(lists + 1, 0);
  visits.queries.resize(chosen.size());
  for (const std::int32_t list : chosen) ++visits.begins[static_cast<std::size_t>(list) + 1];
  std::partial_sum(visits.begins.begin(), visits.begins.end(), visits.begins.begin());
  std::vector<std::size_t> at(visits.begins.begin(), visits.begins.end() - 1);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    visits.queries[at[static_cast<std::size_t>(chosen[i])]++] = static_cast<std::int32_t>(i / probes);
  }
  return visits;
}

bool any_reaches(const float* scores, std::size_t count, float floor) {
  int reaches = 0;
  for (std::size_t i = 0; i < count; ++i) reaches |= static_cast<int>(scores[i] >= floor);
  return reaches != 0;
}

class Worker {
 public:
  Worker(std::size_t queries, std::size_t count) : best_(queries), count_(count) {}

  void scan(const CodedLists& lists, std::size_t list, const QuantisedProbes& queries, Span<const std::int32_t> of) {
    gather(queries, of);
    scores_.resize(of.size() * kScoreRows);
    for (std::size_t b = 0; b < lists.blocks(list); ++b) {
      const CodedLists::Block block = lists.block(list, b);
      eight_bit_scores(probes_, 0, of.size(), block.rows, products_, scores_.data(), kScoreRows);
      for (std::size_t i = 0; i < of.size(); ++i) {
        const float* scores = scores_.data() + i * kScoreRows;
        Best& best = best_[static_cast<std::size_t>(of[i])];
        if (!any_reaches(scores, block.rows.rows, best.floor())) continue;
        for (std::size_t j = 0; j < block.rows.rows; ++j) {
          if (scores[j] >= best.floor()) best.add({scores[j], block.ids[j]}, count_);
        }
      }
    }
  }
  const Best& best(std::size_t query) const { return best_[query]; }

 private:
  void gather(const QuantisedProbes& queries, Span<const std::int32_t> of) {
    probes_.rows = of.size();
    probes_.dim = queries.dim;
    probes_.stride = queries.stride;
    probes_.values.resize(of.size() * queries.stride);
    for (std::size_t i = 0; i < of.size(); ++i) {
      std::memcpy(probes_.values.data() + i * queries.stride,
                  queries.values.data() + static_cast<std::size_t>(of[i]) * queries.stride, queries.stride);
    }
  }

  std::vector<Best> best_;
  std::size_t count_;
  QuantisedProbes probes_;
  std::vector<std::int32_t> products_;
  std::vector<float> scores_;
};

}  // namespace

void scan_lists(const Centroids& centroids, const CodedLists& lists, RowMatrix queries, std::size_t probes, int threads,
                NeighbourLists& found) {
  if (threads <= 0) threads = hardware_threads();
  probes = std::min(probes, centroids.count());
  QuantisedProbes codes;
  quantise(queries, std::vector<double>(queries.rows, 1.0), codes);
  std::vector<std::int32_t> chosen(queries.rows * probes);
  parallel_for(static_cast<std::int64_t>(queries.rows), kQueryBlock, threads, [&](std::int64_t begin, std::int64_t end) {
    centroids.nearest_of(codes, static_cast<std::size_t>(begin), static_cast<std::size_t>(end), probes,
                         chosen.data() + static_cast<std::size_t>(begin) * probes);
  });
  const Visits visits = visits_of(chosen, probes, lists.lists());

  std::vector<Worker> workers(static_cast<std::size_t>(threads), Worker(queries.rows, found.count));
  std::atomic<std::size_t> next{0};
  parallel_for(threads, 1, threads, [&](std::int64_t index, std::int64_t) {
    Worker& worker = workers[static_cast<std::size_t>(index)];
    for (std::size_t list; (list = next.fetch_add(1)) < lists.lists();) {
      const std::size_t begin = visits.begins[list], end = visits.begins[list + 1];
      if (begin < end) worker.scan(lists, list, codes, {visits.queries.data() + begin, end - begin});
    }
  });
  parallel_for(static_cast<std::int64_t>(queries.rows), kQueryBlock, threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<ScoredId> all;
    for (auto q = static_cast<std::size_t>(begin); q < static_cast<std::size_t>(end); ++q) {
      all.clear();
      for (const Worker& worker : workers) {
        all.insert(all.end(), worker.best(q).kept().begin(), worker.best(q).kept().end());
      }
      const std::size_t count = std::min(found.count, all.size());
      std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), ranks_before);
      for (std::size_t i = 0; i < count; ++i) {
        found.ids[q * found.count + i] = all[i].id;
        found.similarities[q * found.count + i] = all[i].score * codes.scale[q];
      }
    }
  });
}

}  // namespace aface
