#pragma once

#include <memory>
#include <vector>

#include "aface/core/random.h"
#include "aface/mining/active_set.h"
#include "aface/mining/class_selector.h"
#include "aface/mining/rebuild_rhythm.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// The prototypes nearest to this step's embeddings (HF-Softmax, Zhang et al., AAAI 2018): each embedding asks an index
// for budget / batch + 1 neighbours; their union is cut at random to the budget, or topped up at random. The batch's
// own identities are always in. An exact index or inverted file follows the drift: after each step the rows that had a
// gradient are put in anew, at the cost of these rows; a graph holds them as they were at the rebuild. What momentum and
// decay do to the other rows is caught up with every rebuild_steps. A state holds the index with its rows (4 dim bytes a
// row; of an inverted file dim + 12), so that a run may be cut anywhere.
class FeatureQuerySelector : public ClassSelector {
 public:
  FeatureQuerySelector(const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed, int threads);

  bool wants_rebuild(std::int64_t step) const override { return rhythm_.is_due(step); }
  void rebuild(std::int64_t step, const UnitRows& prototypes) override;
  bool needs_embeddings() const override { return true; }
  bool follows_rows() const override { return follows_; }
  void rows_changed(Span<const std::int64_t> ids, const UnitRows& prototypes) override;
  // Throws Error{kInternal} before the first rebuild().
  std::vector<std::int64_t> select(const SelectionRequest& request) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  std::int64_t budget_;
  IndexOptions index_options_;
  ActiveSet active_;
  Random random_;
  RebuildRhythm rhythm_;
  bool follows_;
  std::unique_ptr<NeighbourIndex> index_;
  std::vector<float> changed_rows_;
};

}  // namespace aface
