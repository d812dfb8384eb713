#include "aface/mining/neighbour_join.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/mining/row_groups.h"

namespace aface {
namespace {

constexpr std::size_t kQueriesAtOnce = 256;  // 128 KB of codes at 512 values
constexpr std::size_t kRowsAtOnce = 256;     // and as many scores as fill half the second cache

// Queries of one group, at most kQueriesAtOnce: positions [begin, end).
struct Chunk {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<Chunk> chunks_of(const RowGroups& groups) {
  std::vector<Chunk> chunks;
  for (std::size_t g = 0; g < groups.groups(); ++g) {
    for (std::size_t begin = groups.begins[g]; begin < groups.begins[g + 1]; begin += kQueriesAtOnce) {
      chunks.push_back({begin, std::min(groups.begins[g + 1], begin + kQueriesAtOnce)});
    }
  }
  return chunks;
}

// One thread's search, with its working memory.
class ChunkSearch {
 public:
  ChunkSearch(const RowGroups& groups, const JoinOptions& options)
      : groups_(groups), candidates_(static_cast<std::size_t>(options.candidates)), keep_(options.neighbours + 1) {}

  template <class Take>
  void run(Chunk chunk, const std::function<bool()>& stopped, const Take& take) {
    const std::size_t count = chunk.end - chunk.begin;
    const std::size_t stride = groups_.codes.stride;
    probes_.clear();
    for (std::size_t p = chunk.begin; p < chunk.end; ++p) append_probe(code_at(p), stride, probes_);
    choose_groups(count);

    std::vector<TopK> best(count, TopK(keep_));  // of positions
    std::vector<std::uint8_t> some_probes;
    scores_.resize(kQueriesAtOnce * kRowsAtOnce);
    for (std::size_t g = 0; g < groups_.groups(); ++g) {
      const std::vector<std::uint16_t>& askers = askers_[g];
      if (askers.empty()) continue;
      const std::uint8_t* probes = probes_.data();
      if (askers.size() < count) {
        some_probes.clear();
        for (const std::uint16_t asker : askers) {
          const auto from = probes_.begin() + static_cast<std::ptrdiff_t>(asker * stride);
          some_probes.insert(some_probes.end(), from, from + static_cast<std::ptrdiff_t>(stride));
        }
        probes = some_probes.data();
      }
      for (std::size_t first = groups_.begins[g]; first < groups_.begins[g + 1]; first += kRowsAtOnce) {
        if (stopped()) return;
        const std::size_t last = std::min(groups_.begins[g + 1], first + kRowsAtOnce);
        score_codes(probes, askers.size(), groups_.codes, first, last, products_, scores_.data(), kRowsAtOnce);
        for (std::size_t i = 0; i < askers.size(); ++i) {
          best[askers[i]].push(scores_.data() + i * kRowsAtOnce, last - first, static_cast<std::int32_t>(first));
        }
      }
    }
    for (std::size_t i = 0; i < count; ++i) report(chunk.begin + i, best[i].take(), take);
  }

 private:
  PrototypeSnapshot::Code code_at(std::size_t position) const {
    return {groups_.codes.values.data() + position * groups_.codes.stride, groups_.codes.scale[position],
            groups_.codes.offset[position]};
  }

  // askers_[g] becomes the queries that are to be compared with group g, ascending.
  void choose_groups(std::size_t count) {
    askers_.resize(groups_.groups());
    for (auto& askers : askers_) askers.clear();
    if (groups_.groups() == 1) {
      askers_[0].resize(count);
      std::iota(askers_[0].begin(), askers_[0].end(), std::uint16_t{0});
      return;
    }
    const std::size_t all = groups_.groups();
    centre_scores_.resize(count * all);
    score_codes(probes_.data(), count, groups_.centres, 0, all, products_, centre_scores_.data(), all);
    order_.resize(all);
    // Enough groups for almost every row; sorting them all would take longer than comparing.
    const std::size_t likely = std::min(all, 2 * candidates_ * all / groups_.codes.rows + 8);
    for (std::size_t i = 0; i < count; ++i) {
      const float* scores = centre_scores_.data() + i * all;
      std::iota(order_.begin(), order_.end(), 0U);
      const auto nearer = [&](std::uint32_t a, std::uint32_t b) {
        return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
      };
      std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(likely), order_.end(), nearer);
      std::size_t seen = 0;
      for (std::size_t n = 0; n < likely && seen < candidates_; ++n) {
        const std::size_t g = order_[n];
        seen += groups_.begins[g + 1] - groups_.begins[g];
        askers_[g].push_back(static_cast<std::uint16_t>(i));
      }
    }
  }

  template <class Take>
  void report(std::size_t position, std::vector<ScoredId> nearest, const Take& take) const {
    const auto is_owner = [&](const ScoredId& found) { return static_cast<std::size_t>(found.id) == position; };
    nearest.erase(std::remove_if(nearest.begin(), nearest.end(), is_owner), nearest.end());
    if (nearest.size() + 1 > keep_) nearest.resize(keep_ - 1);
    for (ScoredId& found : nearest) {
      found.id = groups_.identities[static_cast<std::size_t>(found.id)];
      found.score *= groups_.codes.scale[position];
    }
    std::sort(nearest.begin(), nearest.end(), ranks_before);
    take(static_cast<std::int64_t>(groups_.identities[position]), nearest);
  }

  const RowGroups& groups_;
  std::size_t candidates_;
  std::size_t keep_;  // one more than wanted: a row is nearest to itself
  std::vector<std::uint8_t> probes_;
  std::vector<std::int32_t> products_;
  std::vector<float> scores_, centre_scores_;
  std::vector<std::uint32_t> order_;
  std::vector<std::vector<std::uint16_t>> askers_;
};

}  // namespace

void join_neighbours(const PrototypeSnapshot& rows, const JoinOptions& options, const std::function<bool()>& stopped,
                     const std::function<void(std::int64_t, const std::vector<ScoredId>&)>& take) {
  const bool exhaustive = rows.count() <= options.exhaustive_below;
  const auto wanted = static_cast<std::size_t>(std::lround(2 * std::sqrt(static_cast<double>(rows.count()))));
  const RowGroups groups = group_rows(rows, exhaustive ? 1 : wanted, options.seed, options.threads, stopped);
  if (stopped()) return;
  const std::vector<Chunk> chunks = chunks_of(groups);
  parallel_for(static_cast<std::int64_t>(chunks.size()), 4, options.threads, [&](std::int64_t first, std::int64_t last) {
    ChunkSearch search(groups, options);
    for (std::int64_t c = first; c < last && !stopped(); ++c) search.run(chunks[static_cast<std::size_t>(c)], stopped, take);
  });
}

}  // namespace aface
