#include "aface/mining/selection_worth.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/top_k.h"
#include "aface/mining/softmax_mass.h"

namespace aface {
namespace {

constexpr std::size_t kTopNegatives = 10;
constexpr std::int64_t kColumnsAtOnce = 4096;

// One number a batch, weighted by its samples.
class BatchMeans {
 public:
  void add(double value, std::size_t samples) {
    values_.push_back(value);
    weights_.push_back(static_cast<double>(samples));
  }
  SelectionWorth::Mean mean() const {
    double weight = 0, sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      weight += weights_[i];
      sum += weights_[i] * values_[i];
    }
    SelectionWorth::Mean mean;
    if (values_.empty()) return mean;
    mean.value = sum / weight;
    double squares = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) squares += std::pow(weights_[i] * (values_[i] - mean.value), 2);
    const auto batches = static_cast<double>(values_.size());
    if (values_.size() > 1) mean.error = std::sqrt(squares * batches / (batches - 1)) / weight;
    return mean;
  }

 private:
  std::vector<double> values_, weights_;
};

struct Sums {
  BatchMeans active, wrong_mass, all_mass, top_negatives;
};

}  // namespace

double top_negatives_caught(RowMatrix cosines, Span<const std::int64_t> active_ids,
                            Span<const std::int64_t> own_identities, std::size_t count) {
  AFACE_CHECK(own_identities.size() == cosines.rows, "{} identities for {} rows", own_identities.size(), cosines.rows);
  if (cosines.rows == 0) return 1;
  double sum = 0;
  TopK best(count + 1);  // the own one may be among them
  for (std::size_t j = 0; j < cosines.rows; ++j) {
    best.push(cosines.row(j), cosines.dim, 0);
    std::vector<ScoredId> top = best.take();
    top.erase(std::remove_if(top.begin(), top.end(), [&](const ScoredId& found) { return found.id == own_identities[j]; }),
              top.end());
    if (top.size() > count) top.resize(count);
    const auto caught = std::count_if(top.begin(), top.end(), [&](const ScoredId& found) {
      return std::binary_search(active_ids.begin(), active_ids.end(), std::int64_t{found.id});
    });
    sum += top.empty() ? 1 : static_cast<double>(caught) / static_cast<double>(top.size());
  }
  return sum / static_cast<double>(cosines.rows);
}

std::vector<SelectionWorth> worth_of(const std::vector<std::unique_ptr<ClassSelector>>& selectors,
                                     const std::vector<WorthBatch>& batches, RowMatrix unit_prototypes,
                                     double logit_scale, int threads) {
  std::vector<Sums> sums(selectors.size());
  std::vector<float> scores;
  for (std::size_t step = 0; step < batches.size(); ++step) {
    throw_if_stopped();
    const WorthBatch& batch = batches[step];
    const RowMatrix embeddings{batch.unit_embeddings.data(), batch.identities.size(), unit_prototypes.dim};
    scores.resize(embeddings.rows * unit_prototypes.rows);
    parallel_for(static_cast<std::int64_t>(unit_prototypes.rows), kColumnsAtOnce, threads,
                 [&](std::int64_t first, std::int64_t last) {
                   const auto begin = static_cast<std::size_t>(first), end = static_cast<std::size_t>(last);
                   inner_products(embeddings, {unit_prototypes.row(begin), end - begin, unit_prototypes.dim},
                                  scores.data() + begin, unit_prototypes.rows);
                 });
    const RowMatrix cosines{scores.data(), embeddings.rows, unit_prototypes.rows};
    for (std::size_t s = 0; s < selectors.size(); ++s) {
      SelectionRequest request;
      request.step = static_cast<std::int64_t>(step);
      request.identities = batch.identities;
      if (selectors[s]->needs_embeddings()) request.unit_embeddings = embeddings;
      const std::vector<std::int64_t> active = selectors[s]->select(request);
      const std::size_t samples = batch.identities.size();
      sums[s].active.add(static_cast<double>(active.size()), samples);
      sums[s].wrong_mass.add(softmax_mass_caught(cosines, active, logit_scale, batch.identities), samples);
      sums[s].all_mass.add(softmax_mass_caught(cosines, active, logit_scale), samples);
      sums[s].top_negatives.add(top_negatives_caught(cosines, active, batch.identities, kTopNegatives), samples);
    }
  }
  std::vector<SelectionWorth> worth;
  for (const Sums& sum : sums) {
    worth.push_back({sum.active.mean(), sum.wrong_mass.mean(), sum.all_mass.mean(), sum.top_negatives.mean()});
  }
  return worth;
}

}  // namespace aface
