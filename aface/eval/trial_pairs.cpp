#include "aface/eval/trial_pairs.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"

namespace aface {
namespace {

constexpr std::size_t kTile = 256;
constexpr std::size_t kMostRows = 65535;  // so that no bin can pass 2^32

std::uint16_t bin_of(float score) {
  const float at = (score + 1) * (TrialPairs::kBins / 2);
  return static_cast<std::uint16_t>(std::clamp(static_cast<int>(at), 0, TrialPairs::kBins - 1));
}

bool falls_before(const TrialPair& x, const TrialPair& y) {
  if (x.score != y.score) return x.score > y.score;
  return x.a != y.a ? x.a < y.a : x.b < y.b;
}

// Consecutive rows that are in the same trials.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint16_t trials = 0;
};

// The scores of two runs: all their pairs belong to the same trials.
struct Block {
  Run a, b;
  std::uint16_t trials = 0;
  const float* scores = nullptr;  // of the tile, whose first row and column these are
  const std::uint16_t* bins = nullptr;
  std::size_t row = 0, column = 0;

  float score(std::size_t i, std::size_t j) const { return scores[(i - row) * kTile + (j - column)]; }
  std::uint16_t bin(std::size_t i, std::size_t j) const { return bins[(i - row) * kTile + (j - column)]; }
};

}  // namespace

// The rows that are in some trial, those of the same trials side by side: runs of a tile then share one
// histogram.
struct TrialPairs::Layout {
  std::size_t dim = 0;
  std::vector<std::int32_t> row;           // [n] where each came from
  std::vector<std::int32_t> identity;      // [n]
  std::vector<std::uint16_t> trials;       // [n]
  std::vector<std::uint8_t> no_match;      // [n], or empty
  std::vector<float> values;               // [n, dim]
  std::vector<std::vector<Run>> runs;      // of each tile
  std::vector<std::int32_t> slot_of;       // histogram of a combination of trials; [2^16]
  std::vector<std::uint16_t> combination;  // of each slot

  std::size_t size() const { return row.size(); }
  std::size_t tiles() const { return (size() + kTile - 1) / kTile; }
  UnitRows unit_rows() const { return {{values.data(), size(), dim}, no_match}; }

  // Calls visit(worker, block) for every two runs that share a trial; pairs (i, j) with j < i are to be
  // looked at.
  template <class Visit>
  void for_each_block(int threads, Visit visit) const;
};

template <class Visit>
void TrialPairs::Layout::for_each_block(int threads, Visit visit) const {
  const std::size_t count = tiles() * (tiles() + 1) / 2;
  std::atomic<std::size_t> next{0};
  parallel_for(threads, 1, threads, [&](std::int64_t worker, std::int64_t) {
    std::vector<float> scores(kTile * kTile);
    std::vector<std::uint16_t> bins(kTile * kTile);
    std::size_t tile_a = 0, first = 0;  // `first` pairs of tiles come before those of tile_a
    for (std::size_t at; (at = next.fetch_add(1)) < count;) {
      throw_if_stopped();
      while (at - first > tile_a) first += ++tile_a;
      const std::size_t tile_b = at - first, row = tile_a * kTile, column = tile_b * kTile;
      cosine_block(unit_rows(), row, std::min(size(), row + kTile), unit_rows(), column,
                   std::min(size(), column + kTile), scores.data(), kTile);
      std::transform(scores.begin(), scores.end(), bins.begin(), [](float score) { return bin_of(score); });
      for (const Run& a : runs[tile_a]) {
        for (const Run& b : runs[tile_b]) {
          const auto trials = static_cast<std::uint16_t>(a.trials & b.trials);
          if (trials != 0)
            visit(static_cast<std::size_t>(worker),
                  Block{a, b, trials, scores.data(), bins.data(), row, column});
        }
      }
    }
  });
}

namespace {

// What one thread has counted in the first pass.
struct Counts {
  std::vector<std::uint32_t> bins;  // [combination][bin]
  std::vector<TrialPair> genuine;
};

}  // namespace

TrialPairs::~TrialPairs() = default;

TrialPairs::TrialPairs(const UnitRows& rows, Span<const std::int32_t> identities,
                       Span<const std::uint16_t> trials_of_row, int threads)
    : layout_(std::make_unique<Layout>()), threads_(threads > 0 ? threads : hardware_threads()) {
  const std::size_t count = rows.rows.rows;
  if (count != identities.size() || count != trials_of_row.size() || count > kMostRows) {
    throw Error(
        ErrorKind::kData,
        fmt::format("trials: {} embeddings, {} identities, {} memberships (expected one each, at most {})",
                    count, identities.size(), trials_of_row.size(), kMostRows));
  }
  Layout& layout = *layout_;
  layout.dim = rows.rows.dim;
  for (std::size_t i = 0; i < count; ++i) {
    if (trials_of_row[i] != 0) layout.row.push_back(static_cast<std::int32_t>(i));
  }
  std::stable_sort(layout.row.begin(), layout.row.end(), [&](std::int32_t x, std::int32_t y) {
    return trials_of_row[static_cast<std::size_t>(x)] < trials_of_row[static_cast<std::size_t>(y)];
  });
  for (const std::int32_t row : layout.row) {
    const auto i = static_cast<std::size_t>(row);
    layout.identity.push_back(identities[i]);
    layout.trials.push_back(trials_of_row[i]);
    layout.values.insert(layout.values.end(), rows.rows.row(i), rows.rows.row(i) + layout.dim);
    if (!rows.no_match.empty()) layout.no_match.push_back(rows.no_match[i]);
  }
  for (std::size_t tile = 0; tile < layout.tiles(); ++tile) {
    std::vector<Run>& runs = layout.runs.emplace_back();
    for (std::size_t i = tile * kTile; i < std::min(layout.size(), (tile + 1) * kTile); ++i) {
      if (runs.empty() || runs.back().trials != layout.trials[i]) runs.push_back({i, i, layout.trials[i]});
      runs.back().end = i + 1;
    }
  }
  layout.slot_of.assign(std::size_t{1} << kMaxTrials, -1);
  std::vector<std::uint16_t> kinds;
  std::unique_copy(layout.trials.begin(), layout.trials.end(), std::back_inserter(kinds));
  for (const std::uint16_t x : kinds) {
    for (const std::uint16_t y : kinds) {
      const auto both = static_cast<std::uint16_t>(x & y);
      if (both == 0 || layout.slot_of[both] >= 0) continue;
      layout.slot_of[both] = static_cast<std::int32_t>(layout.combination.size());
      layout.combination.push_back(both);
    }
  }

  std::vector<Counts> counts(static_cast<std::size_t>(threads_));
  layout.for_each_block(threads_, [&](std::size_t worker, const Block& block) {
    Counts& mine = counts[worker];
    mine.bins.resize(layout.combination.size() * kBins);
    std::uint32_t* bins = mine.bins.data() + static_cast<std::size_t>(layout.slot_of[block.trials]) * kBins;
    for (std::size_t i = block.a.begin; i < block.a.end; ++i) {
      for (std::size_t j = block.b.begin; j < std::min(block.b.end, i); ++j) {
        if (layout.identity[j] != layout.identity[i]) {
          ++bins[block.bin(i, j)];
          continue;
        }
        const auto [a, b] = std::minmax(layout.row[i], layout.row[j]);
        mine.genuine.push_back({block.score(i, j), block.trials, a, b});
      }
    }
  });

  bins_of_trial_.assign(kMaxTrials, std::vector<std::int64_t>(kBins));
  histogram_.assign(kBins, 0);
  for (const Counts& part : counts) {
    genuine_.insert(genuine_.end(), part.genuine.begin(), part.genuine.end());
    if (part.bins.empty()) continue;
    for (std::size_t slot = 0; slot < layout.combination.size(); ++slot) {
      const std::uint32_t* bins = part.bins.data() + slot * kBins;
      for (std::size_t bin = 0; bin < kBins; ++bin) histogram_[bin] += bins[bin];
      for (int trial = 0; trial < kMaxTrials; ++trial) {
        if ((layout.combination[slot] >> trial & 1) == 0) continue;
        std::vector<std::int64_t>& sums = bins_of_trial_[static_cast<std::size_t>(trial)];
        for (std::size_t bin = 0; bin < kBins; ++bin) sums[bin] += bins[bin];
      }
    }
  }
  std::sort(genuine_.begin(), genuine_.end(), falls_before);
  for (std::size_t trial = 0; trial < kMaxTrials; ++trial) {
    impostors_[trial] =
        std::accumulate(bins_of_trial_[trial].begin(), bins_of_trial_[trial].end(), std::int64_t{0});
  }
}

TrialPairs::Answer TrialPairs::look_up(const std::vector<Wanted>& wanted, std::int64_t tail_pairs) const {
  const Layout& layout = *layout_;
  // Which bin each question falls in, and how many scores of the bin rank before its answer.
  struct Place {
    std::size_t bin = 0;
    std::int64_t rank = 0;  // 1-based within the bin
  };
  const auto place_of = [&](int trial, std::int64_t k) {
    const std::vector<std::int64_t>& bins = bins_of_trial_[static_cast<std::size_t>(trial)];
    std::size_t bin = kBins;
    while (k > 0) k -= bins[--bin];
    return Place{bin, k + bins[bin]};
  };
  std::vector<Place> places;
  std::vector<std::uint16_t> asking(kBins, 0);  // trials with a question in the bin
  for (const Wanted& one : wanted) {
    AFACE_CHECK(one.k >= 1 && one.k <= impostors(one.trial), "impostor {} of {}", one.k,
                impostors(one.trial));
    places.push_back(place_of(one.trial, one.k));
    asking[places.back().bin] |= static_cast<std::uint16_t>(1U << one.trial);
  }
  std::size_t tail_from = kBins;
  for (int trial = 0; trial < kMaxTrials && tail_pairs > 0; ++trial) {
    const std::int64_t pairs = std::min(tail_pairs, impostors(trial));
    if (pairs > 0) tail_from = std::min(tail_from, place_of(trial, pairs).bin);
  }

  struct Kept {
    float score;
    std::uint16_t trials;
  };
  struct Found {
    std::vector<std::vector<Kept>> bins = std::vector<std::vector<Kept>>(kBins);
    std::vector<TrialPair> tail;
  };
  std::vector<Found> found(static_cast<std::size_t>(threads_));
  layout.for_each_block(threads_, [&](std::size_t worker, const Block& block) {
    Found& mine = found[worker];
    for (std::size_t i = block.a.begin; i < block.a.end; ++i) {
      for (std::size_t j = block.b.begin; j < std::min(block.b.end, i); ++j) {
        const std::size_t bin = block.bin(i, j);
        const bool is_asked = (asking[bin] & block.trials) != 0;
        if ((!is_asked && bin < tail_from) || layout.identity[j] == layout.identity[i]) continue;
        if (is_asked) mine.bins[bin].push_back({block.score(i, j), block.trials});
        if (bin < tail_from) continue;
        const auto [a, b] = std::minmax(layout.row[i], layout.row[j]);
        mine.tail.push_back({block.score(i, j), block.trials, a, b});
      }
    }
  });

  Answer answer;
  answer.kth.resize(wanted.size());
  parallel_for(static_cast<std::int64_t>(wanted.size()), 8, threads_,
               [&](std::int64_t first, std::int64_t last) {
                 std::vector<float> scores;
                 for (auto w = static_cast<std::size_t>(first); w < static_cast<std::size_t>(last); ++w) {
                   scores.clear();
                   for (const Found& part : found) {
                     for (const Kept& kept : part.bins[places[w].bin]) {
                       if ((kept.trials >> wanted[w].trial & 1) != 0) scores.push_back(kept.score);
                     }
                   }
                   const auto at = scores.begin() + (places[w].rank - 1);
                   std::nth_element(scores.begin(), at, scores.end(), std::greater<float>());
                   answer.kth[w] = *at;
                 }
               });
  for (const Found& part : found) answer.tail.insert(answer.tail.end(), part.tail.begin(), part.tail.end());
  std::sort(answer.tail.begin(), answer.tail.end(), falls_before);
  return answer;
}

}  // namespace aface
