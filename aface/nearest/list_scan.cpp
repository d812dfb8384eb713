#include "aface/nearest/list_scan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/nearest/best_rows.h"

namespace aface {
namespace {

// Queries that a thread takes together: with more of them a list is read for several at once, with fewer no thread waits.
constexpr std::size_t kFewestQueries = 64, kMostQueries = 512;

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

// Searches for a block of queries.
class Scan {
 public:
  Scan(const CodedLists& lists, std::size_t queries, std::size_t count) : lists_(lists), best_(queries), count_(count) {}

  // Scans `list` for the queries `of` it; `next_list` is scanned after it, or is lists.lists().
  void look_into(std::size_t list, std::size_t next_list, const QuantisedProbes& queries, Span<const std::size_t> of) {
    gather_probes(queries, of, probes_);
    scores_.resize(of.size() * kScoreRows);
    for (std::size_t b = 0; b < lists_.blocks(list); ++b) {
      const CodedLists::Block block = lists_.block(list, b);
      const std::int8_t* next = nullptr;
      if (b + 1 < lists_.blocks(list)) {
        next = lists_.block(list, b + 1).rows.values;
      } else if (next_list < lists_.lists() && lists_.size(next_list) > 0) {
        next = lists_.block(next_list, 0).rows.values;
      }
      // Few queries look into a list, so its rows come from memory not much faster than they are used: a few rows at a
      // time, with the following ones on their way.
      for (std::size_t first = 0; first < block.rows.rows; first += step_) {
        const std::size_t ahead = first + step_;
        if (ahead < block.rows.rows) {
          prefetch(block.rows.values + ahead * lists_.stride(), step_ * lists_.stride());
        } else if (next != nullptr) {
          prefetch(next, step_ * lists_.stride());
        }
        GalleryBlock some;
        some.values = block.rows.values + first * lists_.stride();
        some.scale = block.rows.scale + first;
        some.offset = block.rows.offset + first;
        some.rows = std::min(step_, block.rows.rows - first);
        eight_bit_scores(probes_, 0, of.size(), some, products_, scores_.data() + first, kScoreRows);
      }
      for (std::size_t i = 0; i < of.size(); ++i) {
        best_[of[i]].add(scores_.data() + i * kScoreRows, block.ids, block.rows.rows, count_);
      }
    }
  }
  std::vector<ScoredId> ranked(std::size_t query) { return best_[query].ranked(count_); }

 private:
  const CodedLists& lists_;
  std::vector<BestRows> best_;
  std::size_t count_;
  // Kernels that like many columns get whole blocks.
  std::size_t step_ = eight_bit_kernel().columns > kScoreRows ? kScoreRows : 8;
  QuantisedProbes probes_;
  std::vector<std::int32_t> products_;
  std::vector<float> scores_;
};

// The neighbours of queries [first, first + count).
void search_block(const Centroids& centroids, const CodedLists& lists, RowMatrix queries, std::size_t first,
                  std::size_t count, std::size_t probes, NeighbourLists& found) {
  QuantisedProbes codes;
  quantise({queries.row(first), count, queries.dim}, std::vector<double>(count, 1.0), codes);
  std::vector<ScoredId> chosen(count * probes);
  centroids.nearest_of(codes, 0, count, probes, chosen.data());
  const Visits visits = visits_of(chosen, probes, lists.lists());
  std::vector<std::size_t> visited;
  for (std::size_t list = 0; list < lists.lists(); ++list) {
    if (visits.begins[list] < visits.begins[list + 1]) visited.push_back(list);
  }
  Scan scan(lists, count, found.count);
  for (std::size_t i = 0; i < visited.size(); ++i) {
    const std::size_t list = visited[i], begin = visits.begins[list], end = visits.begins[list + 1];
    scan.look_into(list, i + 1 < visited.size() ? visited[i + 1] : lists.lists(), codes,
                   {visits.queries.data() + begin, end - begin});
  }
  for (std::size_t q = 0; q < count; ++q) {
    const std::vector<ScoredId> ranked = scan.ranked(q);
    for (std::size_t i = 0; i < ranked.size(); ++i) {
      found.ids[(first + q) * found.count + i] = ranked[i].id;
      found.similarities[(first + q) * found.count + i] = ranked[i].score * codes.scale[q];
    }
  }
}

}  // namespace

void scan_lists(const Centroids& centroids, const CodedLists& lists, RowMatrix queries, std::size_t probes, int threads,
                NeighbourLists& found) {
  if (threads <= 0) threads = hardware_threads();
  const std::size_t share = queries.rows / static_cast<std::size_t>(2 * threads);
  const auto block = static_cast<std::int64_t>(std::min(std::max(share, kFewestQueries), kMostQueries));
  parallel_for(static_cast<std::int64_t>(queries.rows), block, threads, [&](std::int64_t begin, std::int64_t end) {
    search_block(centroids, lists, queries, static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin),
                 std::min(probes, centroids.count()), found);
  });
}

}  // namespace aface
