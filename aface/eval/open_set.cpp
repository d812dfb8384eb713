#include "aface/eval/open_set.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/error.h"
#include "aface/eval/blufr_rule.h"

namespace aface {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

void require_mated(std::int64_t mated) {
  if (mated > 0) return;
  throw Error(ErrorKind::kData,
              "identification: no probe has a mate in the gallery; check that both lists name people "
              "the same way");
}

}  // namespace

OpenSetTable open_set_table(const std::vector<ProbeOutcome>& outcomes, const std::vector<double>& far,
                            const std::vector<std::int32_t>& ranks) {
  std::vector<float> genuine, impostor;
  for (const ProbeOutcome& probe : outcomes) {
    if (probe.is_mated()) {
      genuine.push_back(probe.mate_score);
    } else {
      impostor.push_back(probe.best_other_score);
    }
  }
  OpenSetTable table;
  table.mated_probes = static_cast<std::int64_t>(genuine.size());
  table.non_mated_probes = static_cast<std::int64_t>(impostor.size());
  require_mated(table.mated_probes);
  if (impostor.empty()) {
    throw Error(ErrorKind::kData,
                "open-set identification: every probe has a mate in the gallery (expected some probes of "
                "people who are not enrolled); add them");
  }
  std::sort(genuine.begin(), genuine.end(), std::greater<float>());
  std::sort(impostor.begin(), impostor.end(), std::greater<float>());
  const auto kth = [&](std::int64_t k) { return impostor[static_cast<std::size_t>(k - 1)]; };
  for (const double target : far) {
    table.threshold.push_back(blufr_threshold(target, table.non_mated_probes, kth, genuine));
  }
  for (const std::int32_t rank : ranks) {
    std::vector<float> found;
    for (const ProbeOutcome& probe : outcomes) {
      if (probe.is_mated() && probe.rank <= rank) found.push_back(probe.mate_score);
    }
    std::sort(found.begin(), found.end(), std::greater<float>());
    std::vector<double>& rates = table.dir.emplace_back();
    for (const double threshold : table.threshold) {
      rates.push_back(static_cast<double>(count_at_or_above(found, threshold)) /
                      static_cast<double>(table.mated_probes));
    }
  }
  return table;
}

std::vector<double> cmc(const std::vector<ProbeOutcome>& outcomes, std::int32_t max_rank) {
  std::int64_t mated = 0;
  std::vector<std::int64_t> at_rank(static_cast<std::size_t>(max_rank), 0);
  for (const ProbeOutcome& probe : outcomes) {
    mated += probe.is_mated();
    if (probe.is_mated() && probe.rank <= max_rank) ++at_rank[static_cast<std::size_t>(probe.rank - 1)];
  }
  require_mated(mated);
  std::vector<double> rates;
  std::int64_t so_far = 0;
  for (const std::int64_t count : at_rank) {
    so_far += count;
    rates.push_back(static_cast<double>(so_far) / static_cast<double>(mated));
  }
  return rates;
}

DrawnOpenSet::DrawnOpenSet(const std::vector<ProbeOutcome>& outcomes, Span<const std::int32_t> people) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const ProbeOutcome& probe = outcomes[i];
    if (probe.is_mated()) {
      mated_.push_back({probe.mate_score, probe.rank, people[i]});
    } else {
      non_mated_.push_back({probe.best_other_score, 0, people[i]});
    }
  }
  const auto higher = [](const Probe& a, const Probe& b) { return a.score > b.score; };
  std::stable_sort(mated_.begin(), mated_.end(), higher);
  std::stable_sort(non_mated_.begin(), non_mated_.end(), higher);
}

double DrawnOpenSet::threshold(Span<const std::uint16_t> drawn, double far) const {
  std::int64_t all = 0;
  for (const Probe& probe : non_mated_) all += drawn[static_cast<std::size_t>(probe.person)];
  const std::int64_t k = accepted_impostors(far, all);
  if (k == 0) return kNone;
  std::int64_t so_far = 0;
  for (const Probe& probe : non_mated_) {
    so_far += drawn[static_cast<std::size_t>(probe.person)];
    if (so_far >= k) return probe.score;
  }
  return kNone;
}

double DrawnOpenSet::dir(Span<const std::uint16_t> drawn, double far, std::int32_t rank) const {
  const double least = threshold(drawn, far);
  if (std::isnan(least)) return kNone;
  std::int64_t all = 0, found = 0;
  for (const Probe& probe : mated_) {
    const std::int64_t weight = drawn[static_cast<std::size_t>(probe.person)];
    all += weight;
    if (probe.score >= least && probe.rank <= rank) found += weight;
  }
  return all == 0 ? kNone : static_cast<double>(found) / static_cast<double>(all);
}

double DrawnOpenSet::rank_rate(Span<const std::uint16_t> drawn, std::int32_t rank) const {
  std::int64_t all = 0, found = 0;
  for (const Probe& probe : mated_) {
    const std::int64_t weight = drawn[static_cast<std::size_t>(probe.person)];
    all += weight;
    if (probe.rank <= rank) found += weight;
  }
  return all == 0 ? kNone : static_cast<double>(found) / static_cast<double>(all);
}

}  // namespace aface
