#include "aface/kernel/dense_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/row_gradient.h"
#include "aface/kernel/unusable_row.h"
#include "aface/kernel/vector_exp.h"

namespace aface {
namespace {

constexpr std::size_t kBlock = kGradientBlock;
// Products of two unit rows are off by about this much; an own prototype that occurs twice is no rival of itself.
constexpr float kRounding = 5e-7F;
constexpr float kNone = -std::numeric_limits<float>::infinity();
// Sums over prototypes are made slice by slice and added in order: the same bits for any number of threads.
constexpr std::size_t kSlices = 16;

float highest(const float* values, std::size_t count) {
  float top = kNone;
#pragma omp simd reduction(max : top)
  for (std::size_t j = 0; j < count; ++j) top = values[j] > top ? values[j] : top;
  return top;
}

// sum of exp(scale (values - shift))
double sum_of_exp(const float* values, std::size_t count, float scale, float shift) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t j = 0; j < count; ++j) sum += vector_exp(scale * (values[j] - shift));
  return static_cast<double>(sum);
}

std::size_t blocks_of(std::size_t rows) { return (rows + kBlock - 1) / kBlock; }

}  // namespace

// Per block and sample: the others' highest cosine and the sum of exponentials relative to it.
struct DenseSoftmax::BlockSums {
  std::vector<float> highest;
  std::vector<double> sum;
  Rivals rivals;
};

DenseSoftmax::DenseSoftmax(const UnitBatch& batch, RowMatrix prototypes, float logit_scale,
                           const RowProducts& products, bool keep_cosines, int threads)
    : batch_(batch),
      prototypes_(prototypes),
      scale_(logit_scale),
      products_(products),
      threads_(threads),
      inverse_lengths_(prototypes.rows),
      keeps_cosines_(keep_cosines),
      cache_(batch.size, keep_cosines ? prototypes.rows : 0, kBlock) {
  AFACE_CHECK(batch.dim == prototypes.dim, "embeddings have {} values, prototypes {}", batch.dim, prototypes.dim);
}

void DenseSoftmax::multiply(std::size_t first, std::size_t count, float* cosines) const {
  products_.inner(batch_.rows(), {prototypes_.row(first), count, prototypes_.dim}, cosines, count);
  const float* inverse = inverse_lengths_.data() + first;
  for (std::size_t i = 0; i < batch_.size; ++i) {
    float* row = cosines + i * count;
    for (std::size_t j = 0; j < count; ++j) row[j] *= inverse[j];
  }
}

void DenseSoftmax::cosines_of(std::size_t first, std::size_t count, float* cosines) const {
  if (keeps_cosines_) {
    for (std::size_t i = 0; i < batch_.size; ++i) cache_.get(i, first, count, cosines + i * count);
    return;
  }
  // Of the whole block, because the last digits of a product depend on the matrix that it is part of.
  const std::size_t begin = first / kBlock * kBlock, width = std::min(kBlock, prototypes_.rows - begin);
  if (width == count) {
    multiply(begin, width, cosines);
  } else {
    std::vector<float> block(batch_.size * width);
    multiply(begin, width, block.data());
    for (std::size_t i = 0; i < batch_.size; ++i) {
      std::copy_n(block.data() + i * width + (first - begin), count, cosines + i * count);
    }
  }
  CosineCache::round(batch_.size * count, cosines);
}

void DenseSoftmax::score_block(std::size_t first, std::size_t count, float* cosines, BlockSums& sums, Rivals* rivals) {
  float* inverse = inverse_lengths_.data() + first;
  for (std::size_t j = 0; j < count; ++j) {
    inverse[j] = inverse_length(prototypes_.row(first + j), prototypes_.dim);
    if (inverse[j] == 0) {
      throw UnusableRow(UnusableRow::Kind::kPrototype, first + j, fmt::format("row {}", first + j),
                        prototypes_.row(first + j), prototypes_.dim);
    }
  }
  multiply(first, count, cosines);
  sums.highest.resize(batch_.size);
  sums.sum.resize(batch_.size);
  if (rivals != nullptr) sums.rivals.begins.assign(1, 0);
  for (std::size_t i = 0; i < batch_.size; ++i) {
    float* row = cosines + i * count;
    if (keeps_cosines_) cache_.put(i, first, count, row);
    const auto target = static_cast<std::size_t>(batch_.targets[i]);
    // The own column is no other: out of reach of maximum and sum.
    if (target >= first && target < first + count) row[target - first] = kNone;
    sums.highest[i] = highest(row, count);
    sums.sum[i] = sums.highest[i] == kNone ? 0 : sum_of_exp(row, count, scale_, sums.highest[i]);
    if (rivals == nullptr) continue;
    const float bar = batch_.own_cosines[i] + kRounding;
    for (std::size_t j = 0; sums.highest[i] > bar && j < count; ++j) {
      if (!(row[j] > bar)) continue;
      sums.rivals.columns.push_back(static_cast<std::int32_t>(first + j));
      sums.rivals.cosines.push_back(row[j]);
    }
    sums.rivals.begins.push_back(sums.rivals.columns.size());
  }
}

void DenseSoftmax::score(std::vector<double>& log_others, Rivals* rivals, std::vector<std::uint8_t>& has_rival) {
  const std::size_t blocks = blocks_of(prototypes_.rows);
  std::vector<BlockSums> sums(blocks);
  parallel_for(static_cast<std::int64_t>(blocks), 1, threads_, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> cosines(batch_.size * std::min(kBlock, prototypes_.rows));
    for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end); ++b) {
      const std::size_t first = b * kBlock;
      score_block(first, std::min(kBlock, prototypes_.rows - first), cosines.data(), sums[b], rivals);
    }
  });

  log_others.assign(batch_.size, -std::numeric_limits<double>::infinity());
  has_rival.assign(batch_.size, 0);
  if (rivals != nullptr) *rivals = Rivals{{0}, {}, {}};
  for (std::size_t i = 0; i < batch_.size; ++i) {
    float top = kNone;
    for (const BlockSums& block : sums) top = std::max(top, block.highest[i]);
    has_rival[i] = top > batch_.own_cosines[i] + kRounding ? 1 : 0;
    if (rivals != nullptr) {
      for (const BlockSums& block : sums) {
        const Rivals& part = block.rivals;
        const auto from = static_cast<std::ptrdiff_t>(part.begins[i]), to = static_cast<std::ptrdiff_t>(part.begins[i + 1]);
        rivals->columns.insert(rivals->columns.end(), part.columns.begin() + from, part.columns.begin() + to);
        rivals->cosines.insert(rivals->cosines.end(), part.cosines.begin() + from, part.cosines.begin() + to);
      }
      rivals->begins.push_back(rivals->columns.size());
    }
    if (top == kNone) continue;  // a single prototype
    double total = 0;
    for (const BlockSums& block : sums) {
      if (block.sum[i] == 0) continue;
      const double below = static_cast<double>(block.highest[i]) - static_cast<double>(top);
      total += block.sum[i] * std::exp(static_cast<double>(scale_) * below);
    }
    log_others[i] = std::log(total) + static_cast<double>(scale_) * static_cast<double>(top);
  }
}

void DenseSoftmax::weigh(const SampleWeights& weights, std::size_t sample, std::size_t first, std::size_t count, float* row,
                         float* cosines) const {
  std::copy_n(row, count, cosines);
  const float log_total = weights.log_total[sample], scale = scale_;
#pragma omp simd
  for (std::size_t j = 0; j < count; ++j) row[j] = vector_exp(scale * cosines[j] - log_total);
  const auto target = static_cast<std::size_t>(batch_.targets[sample]);
  if (target >= first && target < first + count) row[target - first] = weights.own[sample];
}

void DenseSoftmax::add_embedding_gradient(const SampleWeights& weights, float* out) const {
  const std::size_t size = batch_.size, dim = batch_.dim, blocks = blocks_of(prototypes_.rows);
  const std::size_t slices = std::min(kSlices, blocks);
  std::vector<float> sums(slices * size * dim, 0.0F);
  std::vector<double> along(slices * size, 0.0);
  parallel_for(static_cast<std::int64_t>(slices), 1, threads_, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> g(size * kBlock), cosines(kBlock);
    for (auto slice = static_cast<std::size_t>(begin); slice < static_cast<std::size_t>(end); ++slice) {
      for (std::size_t b = slice * blocks / slices; b < (slice + 1) * blocks / slices; ++b) {
        const std::size_t first = b * kBlock, count = std::min(kBlock, prototypes_.rows - first);
        cosines_of(first, count, g.data());
        for (std::size_t i = 0; i < size; ++i) {
          float* row = g.data() + i * count;
          weigh(weights, i, first, count, row, cosines.data());
          along[slice * size + i] += static_cast<double>(inner_product(row, cosines.data(), count));
          for (std::size_t j = 0; j < count; ++j) row[j] *= inverse_lengths_[first + j];
        }
        products_.add_weighted(g.data(), count, size, {prototypes_.row(first), count, dim}, sums.data() + slice * size * dim);
      }
    }
  });
  for (std::size_t i = 0; i < size; ++i) {
    double projection = 0;
    for (std::size_t slice = 0; slice < slices; ++slice) projection += along[slice * size + i];
    for (std::size_t d = 0; d < dim; ++d) {
      double total = -projection * static_cast<double>(batch_.units[i * dim + d]);
      for (std::size_t slice = 0; slice < slices; ++slice) total += static_cast<double>(sums[(slice * size + i) * dim + d]);
      out[i * dim + d] += static_cast<float>(total);
    }
  }
}

void DenseSoftmax::prototype_gradient(const SampleWeights& weights, std::size_t first, std::size_t count, double factor,
                                      float* out) const {
  const std::size_t dim = batch_.dim, end = first + count;
  std::vector<float> g(batch_.size * std::min(count, kBlock)), cosines(kBlock);
  for (std::size_t begin = first; begin < end;) {
    const std::size_t stop = std::min(end, (begin / kBlock + 1) * kBlock), width = stop - begin;
    std::vector<float> along(width, 0.0F);
    cosines_of(begin, width, g.data());
    for (std::size_t i = 0; i < batch_.size; ++i) {
      float* row = g.data() + i * width;
      weigh(weights, i, begin, width, row, cosines.data());
      for (std::size_t j = 0; j < width; ++j) along[j] += row[j] * cosines[j];
    }
    float* rows = out + (begin - first) * dim;
    products_.transposed_weighted(g.data(), width, width, batch_.rows(), rows);
    for (std::size_t j = 0; j < width; ++j) {
      const float inverse = inverse_lengths_[begin + j];
      const float scale = static_cast<float>(factor) * inverse, along_row = along[j] * inverse;
      const float* prototype = prototypes_.row(begin + j);
      float* row = rows + j * dim;
      for (std::size_t d = 0; d < dim; ++d) row[d] = scale * (row[d] - along_row * prototype[d]);
    }
    begin = stop;
  }
}

}  // namespace aface
