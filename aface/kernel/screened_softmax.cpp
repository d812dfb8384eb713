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
// How far each slice has come when all that was summed so far is brought together: the more of the denominator is known,
// the fewer entries are collected in vain.
constexpr double kStops[] = {1.0 / 16, 1.0 / 4, 1.0};
// An entry alone costs several times what it costs in a full product, so a sample that keeps more than this share of the
// prototypes is cheaper, and exact, in full. The first few are free. Between two stops, when much may yet turn out to be
// under the filter, a slice gives up later.
constexpr std::size_t kFreeEntries = 256, kCrowdedShare = 16;
constexpr std::size_t kFreeOfSlice = 64, kCrowdedShareOfSlice = 4;
constexpr float kNone = -std::numeric_limits<float>::infinity();

}  // namespace

struct ScreenedSoftmax::Slice {
  std::size_t begin = 0, end = 0;         // prototypes
  std::size_t at = 0;                     // the first one that is still to come
  std::vector<double> sums;               // [batch] of exp(s cosine), own columns left out
  std::vector<float> best;                // [batch] highest score of another's prototype
  std::vector<std::int32_t> best_column;  // [batch]; -1: none
  std::vector<float> cut;                 // [batch] scores under it need no look
  std::vector<std::size_t> kept;          // [batch] entries since the last stop
  std::vector<std::uint8_t> crowded;      // [batch] too many: no more are collected
  std::vector<Entry> entries;             // by column, then by sample

  Slice(std::size_t first, std::size_t last, std::size_t batch)
      : begin(first), end(last), at(first), sums(batch, 0.0), best(batch, kNone), best_column(batch, -1),
        cut(batch, kNone), kept(batch), crowded(batch, 0) {}
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

void ScreenedSoftmax::score_slice(Span<const double> log_known, double log_filter, std::size_t stop, Slice& slice) {
  const std::size_t size = batch_.size, start = slice.at;
  std::fill(slice.kept.begin(), slice.kept.end(), std::size_t{0});
  CodedBlock block(probes_, kCoded);
  std::vector<double> inverse(kCoded);
  std::vector<float> scores(kCoded);
  std::vector<Entry> found;
  for (; slice.at < stop; slice.at = std::min(slice.at + kCoded, stop)) {
    const std::size_t first = slice.at, count = std::min(kCoded, stop - first), next = first + count;
    measure_rows(first, count, inverse.data());
    block.multiply({prototypes_.row(first), count, prototypes_.dim}, {inverse.data(), count},
                   {prototypes_.row(next), std::min(kCoded, slice.end - next), prototypes_.dim});
    found.clear();
    const std::size_t most = kFreeOfSlice + (first - start) / kCrowdedShareOfSlice;
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
      if (slice.crowded[i] != 0 || crowded_[i] != 0 || row.highest < slice.cut[i]) continue;
      // What has been summed so far is no more than the whole, so nothing at or above the filter is lost by this cut.
      const double log_so_far = std::max(log_known[i], std::log(slice.sums[i]));
      const float cut = static_cast<float>((log_so_far + log_filter) / static_cast<double>(scale_)) - kScoreError;
      slice.cut[i] = cut;
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

void ScreenedSoftmax::bring_together(Span<const double> own_logits, double log_filter, std::vector<Slice>& slices,
                                     std::vector<double>& log_others, std::vector<double>& log_known) {
  const std::size_t size = batch_.size;
  for (std::size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (const Slice& slice : slices) sum += slice.sums[i];
    log_others[i] = sum > 0 ? std::log(sum) : -std::numeric_limits<double>::infinity();
    const double high = std::max(log_others[i], own_logits[i]), low = std::min(log_others[i], own_logits[i]);
    log_known[i] = high + std::log1p(std::exp(low - high));
  }
  std::vector<std::size_t> kept(size);
  std::size_t seen = 0;
  for (Slice& slice : slices) {
    for (std::size_t i = 0; i < size; ++i) crowded_[i] |= slice.crowded[i];
    const auto is_under = [&](const Entry& entry) {
      const auto i = static_cast<std::size_t>(entry.sample);
      return static_cast<double>(scale_ * entry.cosine) < log_known[i] + log_filter;
    };
    slice.entries.erase(std::remove_if(slice.entries.begin(), slice.entries.end(), is_under), slice.entries.end());
    for (const Entry& entry : slice.entries) ++kept[static_cast<std::size_t>(entry.sample)];
    seen += slice.at - slice.begin;
  }
  for (std::size_t i = 0; i < size; ++i) crowded_[i] |= static_cast<std::uint8_t>(kept[i] > kFreeEntries + seen / kCrowdedShare);
}

void ScreenedSoftmax::score(Span<const double> own_logits, double filter, std::vector<double>& log_others,
                            Rivals* rivals, std::vector<std::uint8_t>& has_rival) {
  const std::size_t size = batch_.size;
  quantise(batch_.rows(), std::vector<double>(size, 1.0), probes_);
  crowded_.assign(size, 0);
  std::vector<Slice> slices;
  for (std::size_t k = 0; k < kSlices; ++k) {
    slices.emplace_back(k * prototypes_.rows / kSlices, (k + 1) * prototypes_.rows / kSlices, size);
  }
  const double log_filter = std::log(filter);
  log_others.resize(size);
  std::vector<double> log_known(own_logits.begin(), own_logits.end());
  for (const double share : kStops) {
    parallel_for(static_cast<std::int64_t>(kSlices), 1, threads_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        Slice& slice = slices[static_cast<std::size_t>(k)];
        const auto rows = static_cast<std::size_t>(share * static_cast<double>(slice.end - slice.begin));
        score_slice(log_known, log_filter, slice.begin + rows, slice);
      }
    });
    bring_together(own_logits, log_filter, slices, log_others, log_known);
  }

  has_rival.assign(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    const Slice& best = *std::max_element(slices.begin(), slices.end(),
                                          [i](const Slice& a, const Slice& b) { return a.best[i] < b.best[i]; });
    if (best.best_column[i] < 0) continue;
    const auto column = static_cast<std::size_t>(best.best_column[i]);
    const float cosine =
        inner_product(batch_.rows().row(i), prototypes_.row(column), batch_.dim) * inverse_lengths_[column];
    has_rival[i] = cosine > batch_.own_cosines[i] + kRounding ? 1 : 0;
  }
  entries_.clear();
  for (const Slice& slice : slices) entries_.insert(entries_.end(), slice.entries.begin(), slice.entries.end());
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
