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

GalleryBlock block_of(const QuantisedGallery& codes, std::size_t first) {
  GalleryBlock block;
  block.values = codes.values.data() + first * codes.stride;
  block.scale = codes.scale.data() + first;
  block.offset = codes.offset.data() + first;
  block.rows = std::min(kScoreRows, codes.rows - first);
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

}  // namespace

Centroids::Centroids(QuantisedGallery codes) : codes_(std::move(codes)) {
  const std::vector<std::int8_t> origin(codes_.stride);
  for (std::size_t c = 0; c < codes_.rows; ++c) {
    longest_ = std::max(longest_, distance_of_codes(codes_.values.data() + c * codes_.stride, codes_.scale[c], origin.data(), 0,
                                                    codes_.stride));
  }
}

Centroids::Centroids(RowMatrix unit_rows) : Centroids(coded(unit_rows)) {}

void Centroids::nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, std::size_t wanted,
                           ScoredId* nearest) const {
  AFACE_CHECK(wanted <= count(), "{} of {} centroids", wanted, count());
  std::fill_n(nearest, (end - begin) * wanted, ScoredId{-std::numeric_limits<float>::infinity(), 0});
  std::vector<float> scores((end - begin) * kScoreRows);
  std::vector<std::int32_t> products;
  for (std::size_t first = 0; first < count(); first += kScoreRows) {
    const GalleryBlock block = block_of(codes_, first);
    eight_bit_scores(probes, begin, end, block, products, scores.data(), kScoreRows);
    for (std::size_t i = 0; i < end - begin; ++i) {
      const float* row = scores.data() + i * kScoreRows;
      ScoredId* best = nearest + i * wanted;
      if (!any_reaches(row, block.rows, best[wanted - 1].score)) continue;
      for (std::size_t j = 0; j < block.rows; ++j) {
        if (row[j] >= best[wanted - 1].score) offer({row[j], static_cast<std::int32_t>(first + j)}, wanted, best);
      }
    }
  }
}

Centroids train_centroids(const RowBlocks& rows, const CentroidOptions& options) {
  const std::size_t dim = rows.dim, count = options.count;
  const std::size_t sampled = std::min(rows.rows, std::max(count, std::min(options.most_sampled, options.sample * count)));
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
  return Centroids(RowMatrix{means.data(), count, dim});
}

}  // namespace aface
