#include "aface/nearest/centroids.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"
#include "aface/nearest/any_reaches.h"

namespace aface {
namespace {

constexpr std::size_t kProbeBlock = 256;  // 128 KB of 512 values: the second cache keeps them
constexpr double kStillMoving = 0.005;    // iterations end when fewer rows change their centroid

std::vector<float> read_sample(const RowBlocks& rows, std::size_t count, std::uint64_t seed, int threads) {
  // One row from each of `count` equal stretches: distinct, ascending, none favoured.
  Random random(seed);
  std::vector<std::size_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = i * rows.rows / count, end = (i + 1) * rows.rows / count;
    ids[i] = begin + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(end - begin)));
  }
  std::vector<float> sample(count * rows.dim);
  parallel_for(static_cast<std::int64_t>(count), 64, threads, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      rows.read(ids[i], 1, sample.data() + i * rows.dim);
    }
  });
  return sample;
}

bool scale_to_unit(float* row, std::size_t dim) {
  const double length = std::sqrt(wide_inner_product(row, row, dim));
  if (!(length > 0)) return false;
  for (std::size_t d = 0; d < dim; ++d) row[d] = static_cast<float>(row[d] / length);
  return true;
}

// Rows by the centroid they belong to, ascending within each.
struct Groups {
  std::vector<std::size_t> begins;
  std::vector<std::size_t> rows;

  Groups(const std::vector<ScoredId>& nearest, std::size_t count) : begins(count + 1), rows(nearest.size()) {
    for (const ScoredId& of : nearest) ++begins[static_cast<std::size_t>(of.id) + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    std::vector<std::size_t> at(begins.begin(), begins.end() - 1);
    for (std::size_t i = 0; i < nearest.size(); ++i) rows[at[static_cast<std::size_t>(nearest[i].id)]++] = i;
  }
  std::size_t size(std::size_t group) const { return begins[group + 1] - begins[group]; }
};

void restart_empty(const Groups& groups, const std::vector<ScoredId>& nearest, RowMatrix sample,
                   std::vector<std::size_t>& empty, std::vector<float>& means) {
  std::sort(empty.begin(), empty.end());
  std::vector<std::size_t> size(groups.begins.size() - 1);
  for (std::size_t g = 0; g < size.size(); ++g) size[g] = groups.size(g);
  std::vector<bool> taken(sample.rows, false);
  for (const std::size_t centroid : empty) {
    const auto largest = static_cast<std::size_t>(std::max_element(size.begin(), size.end()) - size.begin());
    std::size_t worst = sample.rows;
    for (std::size_t i = groups.begins[largest]; i < groups.begins[largest + 1]; ++i) {
      const std::size_t row = groups.rows[i];
      if (!taken[row] && (worst == sample.rows || nearest[row].score < nearest[worst].score)) worst = row;
    }
    if (worst == sample.rows) return;  // fewer rows than centroids
    taken[worst] = true;
    size[largest] /= 2;
    std::copy_n(sample.row(worst), sample.dim, means.data() + centroid * sample.dim);
  }
}

GalleryBlock block_of(const QuantisedGallery& codes, std::size_t first, std::size_t last) {
  GalleryBlock block;
  block.values = codes.values.data() + first * codes.stride;
  block.scale = codes.scale.data() + first;
  block.offset = codes.offset.data() + first;
  block.rows = std::min(kScoreRows, last - first);
  return block;
}

QuantisedGallery coded(RowMatrix unit_rows) {
  QuantisedGallery codes;
  // Blocks are read to the next multiple of four rows.
  make_room(unit_rows.rows + 3, unit_rows.dim, codes);
  quantise_at(unit_rows, std::vector<double>(unit_rows.rows, 1.0), 0, codes);
  codes.rows = unit_rows.rows;
  return codes;
}

// Keeps `best` [wanted] sorted by ranks_before().
void offer(const ScoredId& found, std::size_t wanted, ScoredId* best) {
  std::size_t at = wanted;
  for (; at > 0 && ranks_before(found, best[at - 1]); --at) {
    if (at < wanted) best[at] = best[at - 1];
  }
  if (at < wanted) best[at] = found;
}

// Neighbours beside each other, and who they are.
Centroids grouped(RowMatrix means, const CentroidOptions& options) {
  CentroidOptions training = options;
  training.count = static_cast<std::size_t>(std::sqrt(static_cast<double>(means.rows)));
  training.two_levels_from = means.rows + 1;
  const Centroids groups = train_centroids(row_blocks_of(means), training);
  QuantisedProbes probes;
  quantise(means, std::vector<double>(means.rows, 1.0), probes);
  std::vector<ScoredId> nearest(means.rows);
  groups.nearest_of(probes, 0, means.rows, 1, nearest.data());
  const Groups members(nearest, groups.count());
  std::vector<float> sorted;
  for (const std::size_t row : members.rows) sorted.insert(sorted.end(), means.row(row), means.row(row) + means.dim);
  return {coded({sorted.data(), means.rows, means.dim}), groups.codes(),
          std::vector<std::int32_t>(members.begins.begin(), members.begins.end())};
}

}  // namespace

Centroids::Centroids(RowMatrix unit_rows)
    : Centroids(coded(unit_rows), QuantisedGallery{}, {0, static_cast<std::int32_t>(unit_rows.rows)}) {}

Centroids::Centroids(QuantisedGallery codes, QuantisedGallery groups, std::vector<std::int32_t> begins)
    : codes_(std::move(codes)), groups_(std::move(groups)), begins_(std::move(begins)) {}

// Which probes look into each group.
std::vector<std::vector<std::size_t>> Centroids::visits(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                                                        std::size_t wanted) const {
  const std::size_t groups = begins_.size() - 1;
  std::vector<std::vector<std::size_t>> of_group(groups);
  if (groups == 1) {
    of_group[0].resize(end - begin);
    std::iota(of_group[0].begin(), of_group[0].end(), begin);
    return of_group;
  }
  std::vector<float> scores((end - begin) * groups);
  std::vector<std::int32_t> products;
  for (std::size_t first = 0; first < groups; first += kScoreRows) {
    eight_bit_scores(probes, begin, end, block_of(groups_, first, groups), products, scores.data() + first, groups);
  }
  const auto enough = static_cast<std::int32_t>(
      std::min(count(), std::max(static_cast<std::size_t>(kLookedAt * static_cast<double>(count())), 4 * wanted)));
  std::vector<ScoredId> order(groups);
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t g = 0; g < groups; ++g) order[g] = {scores[(i - begin) * groups + g], static_cast<std::int32_t>(g)};
    std::sort(order.begin(), order.end(), ranks_before);
    std::int32_t held = 0;
    for (std::size_t n = 0; held < enough; ++n) {
      const auto group = static_cast<std::size_t>(order[n].id);
      of_group[group].push_back(i);
      held += begins_[group + 1] - begins_[group];
    }
  }
  return of_group;
}

void Centroids::nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, std::size_t wanted,
                           ScoredId* nearest) const {
  AFACE_CHECK(wanted <= count(), "{} of {} centroids", wanted, count());
  std::fill_n(nearest, (end - begin) * wanted, ScoredId{-std::numeric_limits<float>::infinity(), 0});
  std::vector<float> scores;
  std::vector<std::int32_t> products;
  QuantisedProbes some;
  const auto of_group = visits(probes, begin, end, wanted);
  for (std::size_t group = 0; group < of_group.size(); ++group) {
    const std::vector<std::size_t>& visitors = of_group[group];
    if (visitors.empty()) continue;
    gather_probes(probes, visitors, some);
    scores.resize(visitors.size() * kScoreRows);
    const auto last = static_cast<std::size_t>(begins_[group + 1]);
    for (auto first = static_cast<std::size_t>(begins_[group]); first < last; first += kScoreRows) {
      const GalleryBlock block = block_of(codes_, first, last);
      eight_bit_scores(some, 0, visitors.size(), block, products, scores.data(), kScoreRows);
      for (std::size_t i = 0; i < visitors.size(); ++i) {
        const float* row = scores.data() + i * kScoreRows;
        ScoredId* best = nearest + (visitors[i] - begin) * wanted;
        if (!any_reaches(row, block.rows, best[wanted - 1].score)) continue;
        for (std::size_t j = 0; j < block.rows; ++j) {
          offer({row[j], static_cast<std::int32_t>(first + j)}, wanted, best);
        }
      }
    }
  }
}

Centroids train_centroids(const RowBlocks& rows, const CentroidOptions& options) {
  const std::size_t dim = rows.dim, count = options.count;
  const std::size_t sampled = std::min(rows.rows, std::max<std::size_t>(count, options.sample * count));
  const std::vector<float> values = read_sample(rows, sampled, options.seed, options.threads);
  const RowMatrix sample{values.data(), sampled, dim};
  std::vector<float> means(count * dim);
  for (std::size_t c = 0; c < count; ++c) std::copy_n(sample.row(c * sampled / count), dim, means.data() + c * dim);

  QuantisedProbes probes;
  quantise(sample, std::vector<double>(sampled, 1.0), probes);
  std::vector<ScoredId> nearest(sampled), before;
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    const Centroids centroids(RowMatrix{means.data(), count, dim});
    before = nearest;
    parallel_for(static_cast<std::int64_t>(sampled), kProbeBlock, options.threads, [&](std::int64_t begin, std::int64_t end) {
      if (options.give_up) options.give_up();
      centroids.nearest_of(probes, static_cast<std::size_t>(begin), static_cast<std::size_t>(end), 1,
                           nearest.data() + begin);
    });
    if (iteration > 0) {
      std::size_t moved = 0;
      for (std::size_t i = 0; i < sampled; ++i) moved += static_cast<std::size_t>(nearest[i].id != before[i].id);
      if (static_cast<double>(moved) < kStillMoving * static_cast<double>(sampled)) break;
    }
    const Groups groups(nearest, count);
    std::vector<char> is_empty(count, 0);
    parallel_for(static_cast<std::int64_t>(count), 4, options.threads, [&](std::int64_t begin, std::int64_t end) {
      for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c) {
        float* mean = means.data() + c * dim;
        std::vector<float> sum(dim, 0.0F);
        for (std::size_t i = groups.begins[c]; i < groups.begins[c + 1]; ++i) {
          const float* row = sample.row(groups.rows[i]);
          for (std::size_t d = 0; d < dim; ++d) sum[d] += row[d];
        }
        if (groups.size(c) > 0 && scale_to_unit(sum.data(), dim)) {
          std::copy(sum.begin(), sum.end(), mean);
        } else {
          is_empty[c] = 1;
        }
      }
    });
    std::vector<std::size_t> empty;
    for (std::size_t c = 0; c < count; ++c) {
      if (is_empty[c] != 0) empty.push_back(c);
    }
    restart_empty(groups, nearest, sample, empty, means);
  }
  const RowMatrix trained{means.data(), count, dim};
  return count < options.two_levels_from ? Centroids(trained) : grouped(trained, options);
}

}  // namespace aface
