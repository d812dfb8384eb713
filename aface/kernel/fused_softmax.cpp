#include "aface/kernel/fused_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/parts.h"
#include "aface/kernel/dense_softmax.h"
#include "aface/kernel/screened_softmax.h"
#include "aface/kernel/unusable_row.h"

namespace aface {
namespace {

// With fewer samples to compute in full, rounding the prototypes costs more than products in bfloat16 gain.
constexpr std::size_t kWorthRounding = 64;

// One entry of the [batch, prototypes] matrix that has a gradient: g = p, or (p - 1) slope at the own column.
struct WeightedEntry {
  std::int32_t column = 0;
  std::int32_t sample = 0;
  float g = 0;
  float cosine = 0;
};

UnitBatch some_of(const UnitBatch& batch, const std::vector<std::size_t>& samples) {
  UnitBatch some;
  some.size = samples.size();
  some.dim = batch.dim;
  for (const std::size_t i : samples) {
    some.units.insert(some.units.end(), batch.rows().row(i), batch.rows().row(i) + batch.dim);
    some.inverse_lengths.push_back(batch.inverse_lengths[i]);
    some.targets.push_back(batch.targets[i]);
    some.own_cosines.push_back(batch.own_cosines[i]);
  }
  return some;
}

// values[i] += factor * row[i]
void add_scaled(const float* row, float factor, std::size_t dim, float* values) {
  for (std::size_t d = 0; d < dim; ++d) values[d] += factor * row[d];
}

// Some of the prototypes, and the samples that are computed in full with all of them.
struct DensePart {
  std::size_t first = 0, count = 0;  // rows
  UnitBatch batch;                   // with the targets among these rows
  std::unique_ptr<DenseSoftmax> softmax;
};

UnitBatch with_targets_in(UnitBatch batch, std::size_t first, std::size_t count) {
  for (std::int32_t& target : batch.targets) {
    const std::int64_t row = static_cast<std::int64_t>(target) - static_cast<std::int64_t>(first);
    target = target >= 0 && row >= 0 && row < static_cast<std::int64_t>(count) ? static_cast<std::int32_t>(row) : -1;
  }
  return batch;
}

// Of each sample those of `more` after its own, counted from `first_column`.
void append(Rivals& rivals, const Rivals& more, std::size_t first_column) {
  if (rivals.begins.empty()) {
    rivals = more;
    return;
  }
  Rivals all;
  all.begins.push_back(0);
  for (std::size_t i = 0; i + 1 < more.begins.size(); ++i) {
    const auto add = [&](const Rivals& from, std::size_t offset) {
      for (std::size_t k = from.begins[i]; k < from.begins[i + 1]; ++k) {
        all.columns.push_back(from.columns[k] + static_cast<std::int32_t>(offset));
        all.cosines.push_back(from.cosines[k]);
      }
    };
    add(rivals, 0);
    add(more, first_column);
    all.begins.push_back(all.columns.size());
  }
  rivals = std::move(all);
}

}  // namespace

// Which samples are computed in full, and what the others keep.
struct FusedSoftmax::Parts {
  std::vector<std::size_t> dense_samples;  // ascending
  std::vector<DensePart> dense;            // none when there are no dense samples
  std::vector<float> dense_inverse_lengths;  // [columns], with several parts
  SampleWeights dense_weights;
  std::unique_ptr<ScreenedSoftmax> screened;  // null without a filter
  std::vector<WeightedEntry> entries;         // of the other samples, by column, then by sample
  std::vector<std::size_t> by_sample;         // indices of entries, by sample, then by column
  std::vector<std::size_t> sample_begins;     // [batch + 1] into by_sample
};

namespace {

constexpr double kSpoilt = std::numeric_limits<double>::quiet_NaN();

// Of sums over ranks, which one with an unusable row has spoilt.
void throw_if_unusable(const std::vector<double>& sums, const std::optional<UnusableRow>& own) {
  if (own) throw *own;
  for (const double sum : sums) {
    if (std::isnan(sum)) throw UnusableRow::of_another_rank();
  }
}

}  // namespace

FusedSoftmax::FusedSoftmax(RowMatrix embeddings, RowMatrix prototypes, Span<const std::int64_t> targets,
                           const FusedSoftmaxOptions& options)
    : options_(options),
      prototypes_(prototypes),
      parts_(std::make_unique<Parts>()),
      value_gradients_(embeddings.rows),
      own_probabilities_(embeddings.rows) {
  try {
    batch_ = make_unit_batch(embeddings, prototypes, targets, options.ranks != nullptr);
  } catch (const UnusableRow& row) {
    if (options.ranks == nullptr) throw;
    unusable_ = row;
    batch_.own_cosines.assign(embeddings.rows, std::numeric_limits<float>::quiet_NaN());
  }
  AFACE_CHECK(embeddings.rows > 0, "nothing to classify");
  AFACE_CHECK(options.part_begins.empty() || options.gradient_filter == 0, "parts and a filter");
  AFACE_CHECK(options.gradient_filter >= 0 && options.gradient_filter < 1, "gradient filter {}", options.gradient_filter);
  if (options.ranks == nullptr) return;
  // One rank has a cosine for each sample, the others 0: sums are exact.
  std::vector<double> own(batch_.own_cosines.begin(), batch_.own_cosines.end());
  options.ranks->sum(own);
  throw_if_unusable(own, unusable_);
  std::transform(own.begin(), own.end(), batch_.own_cosines.begin(), [](double x) { return static_cast<float>(x); });
}

FusedSoftmax::~FusedSoftmax() = default;

template <class Score>
void FusedSoftmax::noting_unusable_rows(std::vector<std::vector<double>>& log_of_parts, const Score& score) {
  try {
    score();
  } catch (const UnusableRow& row) {
    if (options_.ranks == nullptr) throw;
    unusable_ = row;  // the others learn of it where they would hear of the scores
    log_of_parts.assign(1, std::vector<double>(batch_.size, -std::numeric_limits<double>::infinity()));
    correct_.assign(batch_.size, 0);
  }
}

Span<const float> FusedSoftmax::inverse_lengths() const {
  if (parts_->screened) return parts_->screened->inverse_lengths();
  if (parts_->dense.size() == 1) return parts_->dense[0].softmax->inverse_lengths();
  return parts_->dense_inverse_lengths;
}

void FusedSoftmax::classify(Span<const double> own_values, Span<const double> slopes) {
  AFACE_CHECK(own_values.size() == batch_.size && slopes.size() == batch_.size, "one value and slope per sample");
  Parts& parts = *parts_;
  std::vector<double> values(own_values.begin(), own_values.end());
  if (options_.ranks != nullptr) {
    for (std::size_t i = 0; i < batch_.size; ++i) values[i] = batch_.targets[i] < 0 ? 0 : values[i];
    options_.ranks->sum(values);
  }
  const auto scale = static_cast<float>(options_.logit_scale);
  std::vector<std::vector<double>> log_of_parts(1);
  const bool screen = options_.gradient_filter > 0 && scale <= ScreenedSoftmax::kLargestScale;
  if (screen) {
    std::vector<double> own_logits(batch_.size);
    for (std::size_t i = 0; i < batch_.size; ++i) own_logits[i] = options_.logit_scale * values[i];
    parts.screened = std::make_unique<ScreenedSoftmax>(batch_, prototypes_, scale, options_.threads);
    noting_unusable_rows(log_of_parts, [&] {
      parts.screened->score(own_logits, options_.gradient_filter, log_of_parts[0], options_.want_rivals ? &rivals_ : nullptr,
                            correct_);
    });
    choose_dense_samples(values, join(log_of_parts, correct_), log_of_parts[0]);
  } else {
    parts.dense_samples.resize(batch_.size);
    std::iota(parts.dense_samples.begin(), parts.dense_samples.end(), std::size_t{0});
  }
  if (!parts.dense_samples.empty()) {
    noting_unusable_rows(log_of_parts, [&] { score_dense_samples(screen, log_of_parts); });
  }
  const std::vector<double> log_others = join(log_of_parts, correct_);
  for (std::uint8_t& flag : correct_) flag = flag == 0 ? 1 : 0;  // so far they said "has a rival"
  finish_samples(values, slopes, log_others);
}

namespace {

// p - 1 and p of the own class from the difference of logits, without losing digits where p is near 0 or 1.
struct OwnProbability {
  double p = 0, minus_one = 0, log = 0;
};

OwnProbability own_probability(double own_logit, double log_others) {
  const double lead = log_others - own_logit;  // p = 1 / (1 + e^lead)
  OwnProbability result;
  if (lead > 0) {
    const double ratio = std::exp(-lead);
    result.p = ratio / (1 + ratio);
    result.minus_one = -1 / (1 + ratio);
    result.log = -lead - std::log1p(ratio);
  } else {
    const double ratio = std::exp(lead);
    result.p = 1 / (1 + ratio);
    result.minus_one = -ratio / (1 + ratio);
    result.log = -std::log1p(ratio);
  }
  return result;
}

}  // namespace

std::vector<double> FusedSoftmax::join(const std::vector<std::vector<double>>& log_of_parts,
                                       std::vector<std::uint8_t>& has_rival) const {
  if (options_.ranks == nullptr && log_of_parts.size() == 1) return log_of_parts[0];
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  const std::size_t size = batch_.size;
  std::vector<double> top = log_of_parts[0];
  for (const std::vector<double>& part : log_of_parts) {
    for (std::size_t i = 0; i < size; ++i) top[i] = std::max(top[i], part[i]);
  }
  if (options_.ranks != nullptr) options_.ranks->highest(top);
  std::vector<std::vector<double>> of_parts;
  for (const std::vector<double>& part : log_of_parts) {
    of_parts.emplace_back(2 * size);
    for (std::size_t i = 0; i < size; ++i) of_parts.back()[i] = top[i] == kNothing ? 0 : std::exp(part[i] - top[i]);
  }
  for (std::size_t i = 0; i < size; ++i) of_parts[0][size + i] = unusable_ ? kSpoilt : has_rival[i];
  add_arrays_in_pairs(of_parts);
  std::vector<double>& sums = of_parts[0];
  if (options_.ranks != nullptr) {
    options_.ranks->sum(sums);
    throw_if_unusable(sums, unusable_);
  }
  std::vector<double> log_others(size, kNothing);
  for (std::size_t i = 0; i < size; ++i) {
    if (top[i] != kNothing) log_others[i] = top[i] + std::log(sums[i]);
    has_rival[i] = sums[size + i] > 0 ? 1 : 0;
  }
  return log_others;
}

void FusedSoftmax::choose_dense_samples(Span<const double> values, const std::vector<double>& log_others,
                                        const std::vector<double>& log_others_here) {
  Parts& parts = *parts_;
  std::vector<double> wrong(batch_.size), skipped(batch_.size), log_total(batch_.size);
  for (std::size_t i = 0; i < batch_.size; ++i) {
    const double own_logit = options_.logit_scale * values[i];
    const OwnProbability own = own_probability(own_logit, log_others[i]);
    wrong[i] = -own.minus_one;
    skipped[i] = options_.ranks == nullptr ? wrong[i] : std::exp(log_others_here[i] - (own_logit - own.log));
    log_total[i] = own_logit - own.log;
  }
  for (const ScreenedSoftmax::Entry& entry : parts.screened->entries()) {
    const auto i = static_cast<std::size_t>(entry.sample);
    skipped[i] -= std::exp(options_.logit_scale * static_cast<double>(entry.cosine) - log_total[i]);
  }
  const auto size = static_cast<double>(batch_.size);
  filter_.wrong = std::accumulate(wrong.begin(), wrong.end(), 0.0) / size;
  for (std::size_t i = 0; i < batch_.size; ++i) {
    const double lost = std::max(0.0, skipped[i]);
    if (parts.screened->crowded()[i] != 0 || lost > options_.filter_tolerance * std::max(wrong[i], filter_.wrong)) {
      parts.dense_samples.push_back(i);
      continue;
    }
    filter_.skipped += lost / size;
    filter_.skipped_largest = std::max(filter_.skipped_largest, lost);
  }
  filter_.computed_in_full = static_cast<std::int64_t>(parts.dense_samples.size());
  if (options_.ranks == nullptr) return;
  const auto ranks = static_cast<double>(options_.ranks->size());
  std::vector<double> sums = {filter_.skipped, static_cast<double>(filter_.computed_in_full) / ranks};
  options_.ranks->sum(sums);
  filter_.skipped = sums[0];
  filter_.computed_in_full = std::llround(sums[1]);
}

void FusedSoftmax::score_dense_samples(bool screened, std::vector<std::vector<double>>& log_of_parts) {
  Parts& parts = *parts_;
  const UnitBatch batch = some_of(batch_, parts.dense_samples);
  const bool bf16 = options_.bf16 && (!screened || parts.dense_samples.size() >= kWorthRounding);
  std::vector<std::size_t> begins = options_.part_begins;
  if (begins.empty()) begins.push_back(0);
  parts.dense.resize(begins.size());
  begins.push_back(prototypes_.rows);
  std::vector<std::uint8_t> has_rival(parts.dense_samples.size());
  Rivals rivals;
  log_of_parts.resize(parts.dense.size());
  for (std::size_t p = 0; p < parts.dense.size(); ++p) {
    DensePart& part = parts.dense[p];
    part.first = begins[p];
    part.count = begins[p + 1] - begins[p];
    part.batch = with_targets_in(batch, part.first, part.count);
    const RowMatrix rows{prototypes_.data + part.first * prototypes_.dim, part.count, prototypes_.dim};
    part.softmax = std::make_unique<DenseSoftmax>(part.batch, rows, static_cast<float>(options_.logit_scale),
                                                  bf16 ? kBf16Products : kFloat32Products, options_.keep_cosines,
                                                  options_.threads);
    std::vector<double> log_dense;
    std::vector<std::uint8_t> has_rival_here;
    Rivals found;
    try {
      part.softmax->score(log_dense, options_.want_rivals ? &found : nullptr, has_rival_here);
    } catch (const UnusableRow& row) {
      if (part.first == 0) throw;
      throw row.renamed(part.first + row.index(), fmt::format("row {}", part.first + row.index()));
    }
    if (options_.want_rivals) append(rivals, found, part.first);
    if (!screened) log_of_parts[p].resize(batch_.size);
    for (std::size_t k = 0; k < parts.dense_samples.size(); ++k) {
      log_of_parts[p][parts.dense_samples[k]] = log_dense[k];
      has_rival[k] = has_rival[k] != 0 || has_rival_here[k] != 0 ? 1 : 0;
    }
    if (parts.dense.size() > 1) {
      const Span<const float> inverse = part.softmax->inverse_lengths();
      parts.dense_inverse_lengths.insert(parts.dense_inverse_lengths.end(), inverse.begin(), inverse.end());
    }
  }
  if (!screened) {
    correct_ = std::move(has_rival);
    rivals_ = std::move(rivals);
    return;
  }
  for (std::size_t k = 0; k < parts.dense_samples.size(); ++k) correct_[parts.dense_samples[k]] = has_rival[k];
  if (options_.want_rivals) rivals_ = with_replaced(rivals_, parts.dense_samples, rivals);
}

void FusedSoftmax::finish_samples(Span<const double> values, Span<const double> slopes,
                                  const std::vector<double>& log_others) {
  Parts& parts = *parts_;
  const auto size = static_cast<double>(batch_.size);
  std::vector<double> log_total(batch_.size), own_g(batch_.size);
  loss_ = 0;
  for (std::size_t i = 0; i < batch_.size; ++i) {
    const double own_logit = options_.logit_scale * values[i];
    const OwnProbability own = own_probability(own_logit, log_others[i]);
    loss_ -= own.log / size;
    own_probabilities_[i] = static_cast<float>(own.p);
    value_gradients_[i] = options_.logit_scale / size * own.minus_one;
    log_total[i] = own_logit - own.log;
    own_g[i] = own.minus_one * slopes[i];
  }
  std::vector<std::uint8_t> is_dense(batch_.size, 0);
  for (const std::size_t i : parts.dense_samples) {
    is_dense[i] = 1;
    parts.dense_weights.log_total.push_back(static_cast<float>(log_total[i]));
    parts.dense_weights.own.push_back(static_cast<float>(own_g[i]));
  }
  if (!parts.screened) return;

  for (const ScreenedSoftmax::Entry& entry : parts.screened->entries()) {
    const auto i = static_cast<std::size_t>(entry.sample);
    if (is_dense[i] != 0) continue;
    const double p = std::exp(options_.logit_scale * static_cast<double>(entry.cosine) - log_total[i]);
    parts.entries.push_back({entry.column, entry.sample, static_cast<float>(p), entry.cosine});
  }
  for (std::size_t i = 0; i < batch_.size; ++i) {
    if (is_dense[i] != 0 || batch_.targets[i] < 0) continue;
    parts.entries.push_back({batch_.targets[i], static_cast<std::int32_t>(i), static_cast<float>(own_g[i]),
                             batch_.own_cosines[i]});
  }
  std::sort(parts.entries.begin(), parts.entries.end(), [](const WeightedEntry& a, const WeightedEntry& b) {
    return a.column != b.column ? a.column < b.column : a.sample < b.sample;
  });
  parts.sample_begins.assign(batch_.size + 1, 0);
  for (const WeightedEntry& entry : parts.entries) ++parts.sample_begins[static_cast<std::size_t>(entry.sample) + 1];
  std::partial_sum(parts.sample_begins.begin(), parts.sample_begins.end(), parts.sample_begins.begin());
  std::vector<std::size_t> next(parts.sample_begins.begin(), parts.sample_begins.end() - 1);
  parts.by_sample.resize(parts.entries.size());
  for (std::size_t e = 0; e < parts.entries.size(); ++e) {
    parts.by_sample[next[static_cast<std::size_t>(parts.entries[e].sample)]++] = e;
  }
}

void FusedSoftmax::embedding_gradient(double loss_gradient, float* out) const {
  const Parts& parts = *parts_;
  const std::size_t dim = batch_.dim;
  const double factor = loss_gradient * options_.logit_scale / static_cast<double>(batch_.size);
  const auto scale = [&](std::size_t sample, float* row) {
    const auto by = static_cast<float>(factor * static_cast<double>(batch_.inverse_lengths[sample]));
    std::transform(row, row + dim, row, [by](float value) { return by * value; });
  };
  std::fill_n(out, batch_.size * dim, 0.0F);
  std::vector<std::vector<float>> of_parts;
  for (const DensePart& part : parts.dense) {
    of_parts.emplace_back(part.batch.size * dim, 0.0F);
    if (part.count > 0) part.softmax->add_embedding_gradient(parts.dense_weights, of_parts.back().data());
    for (std::size_t k = 0; k < part.batch.size; ++k) scale(parts.dense_samples[k], of_parts.back().data() + k * dim);
  }
  add_arrays_in_pairs(of_parts);
  for (std::size_t k = 0; k < parts.dense_samples.size(); ++k) {
    std::copy_n(of_parts[0].data() + k * dim, dim, out + parts.dense_samples[k] * dim);
  }
  if (parts.screened) {
    const Span<const float> inverse = parts.screened->inverse_lengths();
    parallel_for(static_cast<std::int64_t>(batch_.size), 8, options_.threads, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        float* row = out + i * dim;
        float along = 0;
        for (std::size_t at = parts.sample_begins[i]; at < parts.sample_begins[i + 1]; ++at) {
          const WeightedEntry& entry = parts.entries[parts.by_sample[at]];
          const auto column = static_cast<std::size_t>(entry.column);
          add_scaled(prototypes_.row(column), entry.g * inverse[column], dim, row);
          along += entry.g * entry.cosine;
        }
        if (along != 0) add_scaled(batch_.rows().row(i), -along, dim, row);
        if (parts.sample_begins[i] < parts.sample_begins[i + 1]) scale(i, row);
      }
    });
  }
}

void FusedSoftmax::prototype_gradient(double loss_gradient, std::size_t first, std::size_t count, float* out) const {
  const Parts& parts = *parts_;
  const std::size_t dim = batch_.dim;
  const double factor = loss_gradient * options_.logit_scale / static_cast<double>(batch_.size);
  if (parts.dense.empty()) std::fill_n(out, count * dim, 0.0F);
  for (const DensePart& part : parts.dense) {
    const std::size_t begin = std::max(first, part.first), end = std::min(first + count, part.first + part.count);
    if (begin >= end) continue;
    part.softmax->prototype_gradient(parts.dense_weights, begin - part.first, end - begin, factor, out + (begin - first) * dim);
  }
  if (!parts.screened) return;

  const Span<const float> inverse = parts.screened->inverse_lengths();
  const auto starts = [&](std::size_t column) {
    return std::lower_bound(parts.entries.begin(), parts.entries.end(), column, [](const WeightedEntry& entry, std::size_t at) {
      return static_cast<std::size_t>(entry.column) < at;
    });
  };
  const auto last = starts(first + count);
  for (auto entry = starts(first); entry != last;) {
    const auto column = static_cast<std::size_t>(entry->column);
    const auto scale = static_cast<float>(factor) * inverse[column];
    float* row = out + (column - first) * dim;
    float along = 0;
    for (; entry != last && static_cast<std::size_t>(entry->column) == column; ++entry) {
      add_scaled(batch_.rows().row(static_cast<std::size_t>(entry->sample)), scale * entry->g, dim, row);
      along += entry->g * entry->cosine;
    }
    add_scaled(prototypes_.row(column), -scale * along * inverse[column], dim, row);
  }
}

}  // namespace aface
