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
constexpr std::size_t kCoded = 128;     // prototypes at a time: codes and products stay in the second cache
constexpr float kRounding = 5e-7F;      // of float32 products, see DenseSoftmax
constexpr float kScoreError = 4e-3F;    // eight-bit cosines are seldom further off; what lies so near a bar is computed
// An entry alone costs several times what it costs in a full product, so a sample that keeps more than this share of the
// prototypes is cheaper, and exact, in full. The first few are free.
constexpr std::size_t kFreeEntries = 64, kCrowdedShare = 16;
constexpr float kNone = -std::numeric_limits<float>::infinity();

}  // namespace

struct ScreenedSoftmax::Slice {
  std::size_t begin = 0, end = 0;        // prototypes
  std::vector<double> sums;              // [batch] of exp(s cosine), own columns left out
  std::vector<float> best;               // [batch] highest score of another's prototype
  std::vector<std::int32_t> best_column;  // [batch]; -1: none
  std::vector<std::size_t> kept;          // [batch] entries so far
  std::vector<std::uint8_t> crowded;      // [batch] too many: no more are collected
  std::vector<Entry> entries;            // by column, then by sample
};

ScreenedSoftmax::ScreenedSoftmax(const UnitBatch& batch, RowMatrix prototypes, float logit_scale, int threads)
    : batch_(batch), prototypes_(prototypes), scale_(logit_scale), threads_(threads), inverse_lengths_(prototypes.rows) {
  AFACE_CHECK(batch.dim == prototypes.dim, "embeddings have {} values, prototypes {}", batch.dim, prototypes.dim);
  AFACE_CHECK(logit_scale <= kLargestScale, "logit scale {} in eight bits", logit_scale);
}

namespace {

struct RowScore {
  float sum = 0;  // of exp(s cosine)
  float highest = kNone;
};

RowScore sum_up(const float* scores, std::size_t count, float logit_scale) {
  float sum = 0, highest = kNone;
#pragma omp simd reduction(+ : sum) reduction(max : highest)
  for (std::size_t j = 0; j < count; ++j) {
    sum += vector_exp(scores[j] * logit_scale);
    highest = scores[j] > highest ? scores[j] : highest;
  }
  return {sum, highest};
}

// Prototypes in eight bits against the whole batch.
class CodedBlock {
 public:
  CodedBlock(const QuantisedProbes& probes, std::size_t most_rows)
      : kernel_(eight_bit_kernel()), probes_(probes), products_(probes.rows * (most_rows + kernel_.columns)) {}

  // `upcoming` [0, count) are the rows that will be coded next: they arrive while these are multiplied.
  void multiply(RowMatrix rows, Span<const double> inverse_lengths, RowMatrix upcoming) {
    quantise(rows, inverse_lengths, coded_);
    const std::size_t width = kernel_.columns;
    for (std::size_t at = 0; at < rows.rows; at += width) {
      for (std::size_t j = at; j < std::min(at + width, upcoming.rows); ++j) prefetch_row(upcoming.row(j), upcoming.dim);
      kernel_.products(probes_.values.data(), probes_.rows, coded_.values.data() + at * coded_.stride, width, coded_.stride,
                       products_.data() + at * probes_.rows);
    }
  }

  // scores[j]: cosine of sample i and row j by eight bits.
  void scores_of(std::size_t sample, float* scores) const {
    const std::size_t width = kernel_.columns;
    const float probe_scale = probes_.scale[sample];
    for (std::size_t at = 0; at < coded_.rows; at += width) {
      const std::int32_t* products = products_.data() + at * probes_.rows + sample * width;
      const std::int32_t* offsets = coded_.offset.data() + at;
      const float* scales = coded_.scale.data() + at;
      const std::size_t count = std::min(width, coded_.rows - at);
#pragma omp simd
      for (std::size_t j = 0; j < count; ++j) {
        scores[at + j] = static_cast<float>(products[j] - offsets[j]) * (scales[j] * probe_scale);
      }
    }
  }

 private:
  EightBitKernel kernel_;
  const QuantisedProbes& probes_;
  QuantisedGallery coded_;
  std::vector<std::int32_t> products_;  // group after group of kernel_.columns rows: [batch, kernel_.columns]
};

}  // namespace

void ScreenedSoftmax::measure_rows(std::size_t first, std::size_t count, double* inverse) {
  for (std::size_t j = 0; j < count; ++j) {
    const float* row = prototypes_.row(first + j);
    const float value = inverse_length(row, prototypes_.dim);
    if (value == 0) {
      throw UnusableRow(UnusableRow::Kind::kPrototype, first + j, fmt::format("row {}", first + j), row, prototypes_.dim);
    }
    inverse_lengths_[first + j] = value;
    inverse[j] = static_cast<double>(value);
  }
}

void ScreenedSoftmax::score_slice(Span<const double> own_logits, double log_filter, Slice& slice) {
  const std::size_t size = batch_.size;
  slice.sums.assign(size, 0.0);
  slice.best.assign(size, kNone);
  slice.best_column.assign(size, -1);
  slice.kept.assign(size, 0);
  slice.crowded.assign(size, 0);
  CodedBlock block(probes_, kCoded);
  std::vector<double> inverse(kCoded);
  std::vector<float> scores(kCoded);
  std::vector<Entry> found;

  for (std::size_t first = slice.begin; first < slice.end; first += kCoded) {
    const std::size_t count = std::min(kCoded, slice.end - first);
    const std::size_t next = std::min(first + kCoded, slice.end);
    measure_rows(first, count, inverse.data());
    block.multiply({prototypes_.row(first), count, prototypes_.dim}, {inverse.data(), count},
                   {prototypes_.row(next), std::min(kCoded, slice.end - next), prototypes_.dim});
    found.clear();
    const std::size_t most = kFreeEntries + (first - slice.begin) / kCrowdedShare;
    for (std::size_t i = 0; i < size; ++i) {
      block.scores_of(i, scores.data());
      const auto own = static_cast<std::size_t>(batch_.targets[i]);
      if (own >= first && own < first + count) scores[own - first] = kNone;
      const RowScore row = sum_up(scores.data(), count, scale_);
      slice.sums[i] += static_cast<double>(row.sum);
      if (row.highest > slice.best[i]) {
        slice.best[i] = row.highest;
        slice.best_column[i] =
            static_cast<std::int32_t>(first) +
            static_cast<std::int32_t>(std::find(scores.begin(), scores.end(), row.highest) - scores.begin());
      }
      if (slice.kept[i] > most) slice.crowded[i] = 1;
      if (slice.crowded[i] != 0) continue;
      // What has been summed so far is no more than the whole, so nothing at or above the filter is lost by this cut.
      const double log_so_far = std::max(own_logits[i], std::log(slice.sums[i]));
      const float cut = static_cast<float>((log_so_far + log_filter) / static_cast<double>(scale_)) - kScoreError;
      if (row.highest < cut) continue;
      for (std::size_t j = 0; j < count; ++j) {
        if (!(scores[j] >= cut)) continue;
        const std::size_t c = first + j;
        const float cosine = inner_product(batch_.rows().row(i), prototypes_.row(c), batch_.dim) * inverse_lengths_[c];
        slice.sums[i] += static_cast<double>(vector_exp(cosine * scale_)) - static_cast<double>(vector_exp(scores[j] * scale_));
        found.push_back({static_cast<std::int32_t>(c), static_cast<std::int32_t>(i), cosine});
        ++slice.kept[i];
      }
    }
    std::stable_sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.column < b.column; });
    slice.entries.insert(slice.entries.end(), found.begin(), found.end());
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
  crowded_.assign(size, 0);
  for (const Slice& slice : slices) {
    for (std::size_t i = 0; i < size; ++i) crowded_[i] |= slice.crowded[i];
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
