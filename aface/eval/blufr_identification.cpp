#include "aface/eval/blufr_identification.h"

#include <algorithm>
#include <utility>

#include "aface/eval/gallery_search.h"

namespace aface {
namespace {

// The rows of one set of images.
struct Subset {
  std::size_t dim = 0;
  std::vector<float> values;
  std::vector<std::uint8_t> no_match;
  std::vector<std::int32_t> identities;

  Subset(const UnitRows& rows, const BlufrLists& lists, const std::vector<std::int32_t>& images)
      : dim(rows.rows.dim) {
    for (const std::int32_t image : images) {
      const auto i = static_cast<std::size_t>(image);
      values.insert(values.end(), rows.rows.row(i), rows.rows.row(i) + dim);
      identities.push_back(lists.identities[i]);
      if (!rows.no_match.empty()) no_match.push_back(rows.no_match[i]);
    }
  }
  UnitRows view() const { return {{values.data(), identities.size(), dim}, no_match}; }
};

}  // namespace

BlufrIdentification::BlufrIdentification(const UnitRows& rows, const BlufrLists& lists,
                                         const std::vector<double>& far,
                                         const std::vector<std::int32_t>& ranks, int threads) {
  for (const BlufrTrial& trial : lists.trials) {
    const Subset gallery(rows, lists, trial.gallery), probes(rows, lists, trial.probe);
    const std::vector<ProbeOutcome> outcomes =
        search_gallery(probes.view(), probes.identities, gallery.view(), gallery.identities,
                       TieRule::kGalleryOrder, threads);
    tables_.push_back(open_set_table(outcomes, far, ranks));
    drawable_.emplace_back(outcomes, probes.identities);
  }
}

OverTrials BlufrIdentification::dir(std::size_t rank_index, std::size_t far_index) const {
  std::vector<double> rates;
  for (const OpenSetTable& table : tables_) rates.push_back(table.dir[rank_index][far_index]);
  return over_trials(std::move(rates));
}

OverTrials BlufrIdentification::drawn_dir(Span<const std::uint16_t> drawn, double far,
                                          std::int32_t rank) const {
  std::vector<double> rates;
  for (const DrawnOpenSet& trial : drawable_) rates.push_back(trial.dir(drawn, far, rank));
  return over_trials(std::move(rates));
}

std::int64_t BlufrIdentification::fewest_non_mated_probes() const {
  const auto fewer = [](const OpenSetTable& a, const OpenSetTable& b) {
    return a.non_mated_probes < b.non_mated_probes;
  };
  return std::min_element(tables_.begin(), tables_.end(), fewer)->non_mated_probes;
}

}  // namespace aface
