#include "aface/kernel/screened_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/eight_bit_products.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/quantised_rows.h"
#include "aface/kernel/unusable_row.h"
#include "aface/kernel/vector_exp.h"

namespace aface {
namespace {

constexpr std::size_t kSlices = 16;     // as in DenseSoftmax: sums that do not depend on the threads
constexpr std::size_t kCoded = 256;     // prototypes put into eight bits at a time: they stay in the second cache
constexpr float kRounding = 5e-7F;      // of float32 products, see DenseSoftmax
constexpr float kScoreError = 4e-3F;    // eight-bit cosines are seldom further off; what lies so near a bar is computed
constexpr float kNone = -std::numeric_limits<float>::infinity();

}  // namespace

struct ScreenedSoftmax::Slice {
  std::size_t begin = 0, end = 0;        // prototypes
  std::vector<double> sums;              // [batch] of exp(s cosine), own columns left out
  std::vector<float> best;               // [batch] highest score of another's prototype
  std::vector<std::int32_t> best_column;  // [batch]; -1: none
  std::vector<Entry> entries;            // by column, then by sample
};

ScreenedSoftmax::ScreenedSoftmax(const UnitBatch& batch, RowMatrix prototypes, float logit_scale, int threads)
    : batch_(batch), prototypes_(prototypes), scale_(logit_scale), threads_(threads), inverse_lengths_(prototypes.rows) {
  AFACE_CHECK(batch.dim == prototypes.dim, "embeddings have {} values, prototypes {}", batch.dim, prototypes.dim);
  AFACE_CHECK(logit_scale <= kLargestScale, "logit scale {} in eight bits", logit_scale);
}

namespace {

// One group of prototypes against the whole batch.
struct Group {
  std::size_t columns = 0;
  const std::int32_t* products = nullptr;  // [batch, columns of the kernel]
  const std::int32_t* offsets = nullptr;
  const float* scales = nullptr;
};

struct RowScore {
  float sum = 0;
  float highest = kNone;
};

// scores[j] = cosine of the pair by eight bits; own column, if any, becomes kNone.
RowScore score_row(const Group& group, const std::int32_t* products, float probe_scale, float logit_scale,
                   std::size_t own, float* scores) {
  for (std::size_t j = 0; j < group.columns; ++j) {
    scores[j] = static_cast<float>(products[j] - group.offsets[j]) * (group.scales[j] * probe_scale);
  }
  if (own < group.columns) scores[own] = kNone;
  RowScore result;
  float sum = 0, highest = kNone;
#pragma omp simd reduction(+ : sum) reduction(max : highest)
  for (std::size_t j = 0; j < group.columns; ++j) {
    sum += vector_exp(scores[j] * logit_scale);
    highest = scores[j] > highest ? scores[j] : highest;
  }
  result.sum = sum;
  result.highest = highest;
  return result;
}

}  // namespace

void ScreenedSoftmax::score_slice(Span<const double> own_logits, double log_filter, Slice& slice) {
  const EightBitKernel kernel = eight_bit_kernel();
  const std::size_t size = batch_.size, width = kernel.columns;
  slice.sums.assign(size, 0.0);
  slice.best.assign(size, kNone);
  slice.best_column.assign(size, -1);
  QuantisedGallery coded;
  std::vector<double> inverse(kCoded);
  std::vector<std::int32_t> products(size * width);
  std::vector<float> scores(width), cut(size);
  std::vector<Entry> found;

  for (std::size_t first = slice.begin; first < slice.end; first += kCoded) {
    const std::size_t count = std::min(kCoded, slice.end - first);
    for (std::size_t j = 0; j < count; ++j) {
      const float* row = prototypes_.row(first + j);
      const float value = inverse_length(row, prototypes_.dim);
      if (value == 0) {
        throw UnusableRow(UnusableRow::Kind::kPrototype, first + j, fmt::format("row {}", first + j), row, prototypes_.dim);
      }
      inverse_lengths_[first + j] = value;
      inverse[j] = static_cast<double>(value);
    }
    quantise({prototypes_.row(first), count, prototypes_.dim}, {inverse.data(), count}, coded);
    // What has been summed so far is less than the whole, so nothing at or above the filter is lost by this cut.
    for (std::size_t i = 0; i < size; ++i) {
      const double log_so_far = std::max(own_logits[i], std::log(slice.sums[i]));
      cut[i] = static_cast<float>((log_so_far + log_filter) / static_cast<double>(scale_)) - kScoreError;
    }
    for (std::size_t at = 0; at < count; at += width) {
      kernel.products(probes_.values.data(), size, coded.values.data() + at * coded.stride, width, coded.stride,
                      products.data());
      Group group;
      group.columns = std::min(width, count - at);
      group.products = products.data();
      group.offsets = coded.offset.data() + at;
      group.scales = coded.scale.data() + at;
      const auto column = static_cast<std::int32_t>(first + at);
      found.clear();
      for (std::size_t i = 0; i < size; ++i) {
        const auto own = static_cast<std::size_t>(batch_.targets[i] - column);  // huge when it lies before the group
        const RowScore row = score_row(group, products.data() + i * width, probes_.scale[i], scale_, own, scores.data());
        slice.sums[i] += static_cast<double>(row.sum);
        if (row.highest > slice.best[i]) {
          slice.best[i] = row.highest;
          slice.best_column[i] =
              column + static_cast<std::int32_t>(std::find(scores.begin(), scores.end(), row.highest) - scores.begin());
        }
        if (row.highest < cut[i]) continue;
        for (std::size_t j = 0; j < group.columns; ++j) {
          if (!(scores[j] >= cut[i])) continue;
          const std::size_t c = first + at + j;
          const float cosine = inner_product(batch_.rows().row(i), prototypes_.row(c), batch_.dim) * inverse_lengths_[c];
          slice.sums[i] += std::exp(static_cast<double>(scale_ * cosine)) - static_cast<double>(vector_exp(scores[j] * scale_));
          found.push_back({static_cast<std::int32_t>(c), static_cast<std::int32_t>(i), cosine});
        }
      }
      std::stable_sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.column < b.column; });
      slice.entries.insert(slice.entries.end(), found.begin(), found.end());
    }
  }
}

void ScreenedSoftmax::score(Span<const double> own_logits, double filter, std::vector<double>& log_others,
                            Rivals* rivals, std::vector<std::uint8_t>& has_rival) {
  const std::size_t size = batch_.size;
  quantise(batch_.rows(), std::vector<double>(size, 1.0), probes_);
  std::vector<Slice> slices(kSlices);
  for (std::size_t k = 0; k < kSlices; ++k) {
    slices[k].begin = k * prototypes_.rows / kSlices;
    slices[k].end = (k + 1) * prototypes_.rows / kSlices;
  }
  const double log_filter = std::log(filter);
  parallel_for(static_cast<std::int64_t>(kSlices), 1, threads_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) score_slice(own_logits, log_filter, slices[static_cast<std::size_t>(k)]);
  });

  log_others.assign(size, -std::numeric_limits<double>::infinity());
  std::vector<double> log_least(size);
  has_rival.assign(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (const Slice& slice : slices) sum += slice.sums[i];
    if (sum > 0) log_others[i] = std::log(sum);
    const double high = std::max(log_others[i], own_logits[i]), low = std::min(log_others[i], own_logits[i]);
    log_least[i] = high + std::log1p(std::exp(low - high)) + log_filter;

    const Slice& best = *std::max_element(slices.begin(), slices.end(),
                                          [i](const Slice& a, const Slice& b) { return a.best[i] < b.best[i]; });
    if (best.best_column[i] < 0) continue;
    const auto column = static_cast<std::size_t>(best.best_column[i]);
    const float cosine =
        inner_product(batch_.rows().row(i), prototypes_.row(column), batch_.dim) * inverse_lengths_[column];
    has_rival[i] = cosine > batch_.own_cosines[i] + kRounding ? 1 : 0;
  }
  entries_.clear();
  for (const Slice& slice : slices) {
    for (const Entry& entry : slice.entries) {
      const auto i = static_cast<std::size_t>(entry.sample);
      if (static_cast<double>(scale_ * entry.cosine) >= log_least[i]) entries_.push_back(entry);
    }
  }
  collect_rivals(rivals, has_rival);
}

void ScreenedSoftmax::collect_rivals(Rivals* rivals, std::vector<std::uint8_t>& has_rival) const {
  std::vector<std::vector<const Entry*>> of_sample(batch_.size);
  for (const Entry& entry : entries_) {
    const auto i = static_cast<std::size_t>(entry.sample);
    if (entry.cosine > batch_.own_cosines[i] + kRounding) of_sample[i].push_back(&entry);
  }
  if (rivals != nullptr) *rivals = Rivals{{0}, {}, {}};
  for (std::size_t i = 0; i < of_sample.size(); ++i) {
    if (!of_sample[i].empty()) has_rival[i] = 1;
    if (rivals == nullptr) continue;
    for (const Entry* entry : of_sample[i]) {
      rivals->columns.push_back(entry->column);
      rivals->cosines.push_back(entry->cosine);
    }
    rivals->begins.push_back(rivals->columns.size());
  }
}

}  // namespace aface
