#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/named_arrays.h"
#include "aface/core/registry.h"
#include "aface/core/span.h"
#include "aface/kernel/rivals.h"
#include "aface/mining/miner_options.h"
#include "aface/mining/unit_rows.h"

namespace aface {

// What a step knows before the classification.
struct SelectionRequest {
  std::int64_t step = 0;
  Span<const std::int64_t> identities;  // [batch] identity of each sample
  RowMatrix unit_embeddings;            // [batch, dim] on the CPU; empty unless needs_embeddings()
};

// What the classification layer computed, handed back after the backward pass and before the optimiser's step.
struct ScoreFeedback {
  std::int64_t step = 0;
  Span<const std::int64_t> identities;  // [batch]
  Span<const std::int64_t> active_ids;  // [active], as returned by select()
  const Rivals* rivals = nullptr;       // of each sample: the columns of active_ids that outscored its own; not null
  RowMatrix prototypes;                 // [active, dim], the rows that were used, of any length
  Span<const float> inverse_lengths;    // [active], 1 / length of each row
};

// Picks the active prototypes of each step. Hooks with a default are for kinds that search or learn. Torch-free; one
// owner, no threads outside its own searches. The calls of a step, in order: rebuild() if wanted, select(),
// take_feedback(), rows_changed().
class ClassSelector {
 public:
  virtual ~ClassSelector() = default;

  // True when rebuild() must be called with fresh prototypes before select() of this step.
  virtual bool wants_rebuild(std::int64_t /*step*/) const { return false; }
  // `prototypes` may be read during the call only.
  virtual void rebuild(std::int64_t /*step*/, const UnitRows& /*prototypes*/) {}

  virtual bool needs_embeddings() const { return false; }  // feature_query searches with this step's embeddings
  virtual bool needs_feedback() const { return false; }    // dominant_queue learns from the scores
  virtual bool follows_rows() const { return false; }      // feature_query keeps its index up to date

  // Active prototype ids, ascending, no repeats, the batch's own always among them. Throws Error{kUsage} when the batch
  // holds more identities than the budget.
  virtual std::vector<std::int64_t> select(const SelectionRequest& request) = 0;
  virtual void take_feedback(const ScoreFeedback& /*feedback*/) {}
  // After the optimiser's step, if follows_rows(): `ids`, ascending, are the rows that had a gradient. `prototypes` may
  // be read during the call only.
  virtual void rows_changed(Span<const std::int64_t> /*ids*/, const UnitRows& /*prototypes*/) {}

  // Everything that later selections depend on, under "miner.*", and under "nearest.*" the index of feature_query; large
  // arrays may be views, valid until the selector changes. Without an index in the state restore() makes wants_rebuild()
  // true where one is needed.
  virtual void save(NamedArrays& state) const = 0;
  virtual void restore(const NamedArrays& state) = 0;

  // Numbers for the log, by name; empty for all kinds but `dominant_queue`:
  //   queue_mean_length, queue_max_length   over all identities, entries
  //   similarity_threshold                  h of the latest feedback or rebuild
  //   admitted_last_step                    entries of the batch's queues that were not there before the latest feedback
  //   popped_last_step                      entries that were there before and are not after it
  //   queue_age                             steps since the prototypes that the queues were made from
  //   rebuild_seconds, rebuild_pause_seconds  of the latest rebuild in the background, and what training waited for it
  virtual std::map<std::string, double> report() const { return {}; }
};

using MakeClassSelector = std::unique_ptr<ClassSelector> (*)(const MinerOptions& options, std::int64_t num_identities,
                                                             std::uint64_t seed, int threads, AcrossRanks* ranks);
// All selectors by name.
const std::vector<RegistryRow<MakeClassSelector>>& class_selector_table();

// `threads` for searches, 0: all cores; selections do not depend on it. Throws Error{kUsage} on an unknown kind or
// options out of range (`random` and `feature_query` need a budget), Error{kData} without identities. On several ranks
// all make the same one, for the identities of all, and selections are the same on all; feature_query is refused.
std::unique_ptr<ClassSelector> make_class_selector(const MinerOptions& options, std::int64_t num_identities,
                                                   std::uint64_t seed, int threads, AcrossRanks* ranks = nullptr);

}  // namespace aface
