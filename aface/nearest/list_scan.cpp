#include "aface/nearest/list_scan.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/nearest/any_reaches.h"

namespace aface {
namespace {

constexpr std::int64_t kQueryBlock = 64;
constexpr std::size_t kListsTogether = 8;

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
  std::vector<std::size_t> queries;  // by list, ascending within each
};

Visits visits_of(const std::vector<ScoredId>& chosen, std::size_t probes, std::size_t lists) {
  Visits visits;
  visits.begins.assign(lists + 1, 0);
  visits.queries.resize(chosen.size());
  for (const ScoredId& list : chosen) ++visits.begins[static_cast<std::size_t>(list.id) + 1];
  std::partial_sum(visits.begins.begin(), visits.begins.end(), visits.begins.begin());
  std::vector<std::size_t> at(visits.begins.begin(), visits.begins.end() - 1);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    visits.queries[at[static_cast<std::size_t>(chosen[i].id)]++] = i / probes;
  }
  return visits;
}

void prefetch(const void* from, std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const auto* at = static_cast<const unsigned char*>(from);
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(at + i);
}

class Worker {
 public:
  Worker(std::size_t queries, std::size_t count) : best_(queries), count_(count) {}

  // `next_list` is scanned after this one, or is lists.lists().
  void scan(const CodedLists& lists, std::size_t list, std::size_t next_list, const QuantisedProbes& queries,
            Span<const std::size_t> of) {
    gather_probes(queries, of, probes_);
    scores_.resize(of.size() * kScoreRows);
    for (std::size_t b = 0; b < lists.blocks(list); ++b) {
      const CodedLists::Block block = lists.block(list, b);
      const std::int8_t* next = nullptr;
      if (b + 1 < lists.blocks(list)) {
        next = lists.block(list, b + 1).rows.values;
      } else if (next_list < lists.lists() && lists.size(next_list) > 0) {
        next = lists.block(next_list, 0).rows.values;
      }
      // Few queries look into a list, so its rows come from memory not much faster than they are used: a few rows at a
      // time, with the following ones on their way.
      for (std::size_t first = 0; first < block.rows.rows; first += step_) {
        const std::size_t ahead = first + step_;
        if (ahead < block.rows.rows) {
          prefetch(block.rows.values + ahead * lists.stride(), step_ * lists.stride());
        } else if (next != nullptr) {
          prefetch(next, step_ * lists.stride());
        }
        GalleryBlock some;
        some.values = block.rows.values + first * lists.stride();
        some.scale = block.rows.scale + first;
        some.offset = block.rows.offset + first;
        some.rows = std::min(step_, block.rows.rows - first);
        eight_bit_scores(probes_, 0, of.size(), some, products_, scores_.data() + first, kScoreRows);
      }
      for (std::size_t i = 0; i < of.size(); ++i) keep(scores_.data() + i * kScoreRows, block, of[i]);
    }
  }
  const Best& best(std::size_t query) const { return best_[query]; }

 private:
  void keep(const float* scores, const CodedLists::Block& block, std::size_t query) {
    Best& best = best_[query];
    if (!any_reaches(scores, block.rows.rows, best.floor())) return;
    for (std::size_t j = 0; j < block.rows.rows; ++j) {
      if (scores[j] >= best.floor()) best.add({scores[j], block.ids[j]}, count_);
    }
  }

  std::vector<Best> best_;
  std::size_t count_;
  // Kernels that like many columns get whole blocks.
  std::size_t step_ = eight_bit_kernel().columns > kScoreRows ? kScoreRows : 8;
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
  make_room(queries.rows, queries.dim, codes);
  std::vector<ScoredId> chosen(queries.rows * probes);
  parallel_for(static_cast<std::int64_t>(queries.rows), kQueryBlock, threads, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
    quantise_at({queries.row(first), count, queries.dim}, std::vector<double>(count, 1.0), first, codes);
    centroids.nearest_of(codes, first, first + count, probes, chosen.data() + first * probes);
  });
  const Visits visits = visits_of(chosen, probes, lists.lists());

  std::vector<Worker> workers(static_cast<std::size_t>(threads), Worker(queries.rows, found.count));
  std::vector<std::size_t> visited;
  for (std::size_t list = 0; list < lists.lists(); ++list) {
    if (visits.begins[list] < visits.begins[list + 1]) visited.push_back(list);
  }
  std::atomic<std::size_t> next{0};
  parallel_for(threads, 1, threads, [&](std::int64_t index, std::int64_t) {
    Worker& worker = workers[static_cast<std::size_t>(index)];
    for (std::size_t first; (first = next.fetch_add(kListsTogether)) < visited.size();) {
      const std::size_t last = std::min(visited.size(), first + kListsTogether);
      for (std::size_t i = first; i < last; ++i) {
        const std::size_t list = visited[i], begin = visits.begins[list], end = visits.begins[list + 1];
        worker.scan(lists, list, i + 1 < last ? visited[i + 1] : lists.lists(), codes,
                    {visits.queries.data() + begin, end - begin});
      }
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
