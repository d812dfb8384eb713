#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/mining/selection_worth.h"

namespace aface {

struct MiningWorthOptions {
  std::vector<double> shares = {0.01, 0.02, 0.05, 0.1};  // budgets as shares of the identities, own prototypes included
  std::int64_t batch_size = 16;
  std::int64_t batches = 100;
  std::uint64_t seed = 1;  // of the batches, the augmentation and the random draws
  int threads = 0;         // 0: all cores
};

struct MiningWorthRow {
  std::string selector;
  double share = 0;         // of the identities
  std::int64_t budget = 0;  // prototypes
  SelectionWorth worth;
};

struct MiningWorth {
  std::int64_t step = 0;  // of the checkpoint
  std::int64_t identities = 0;
  std::int64_t samples = 0;
  double logit_scale = 0;
  double saved_queue_length = 0;  // mean; 0: the run saved no queues
  std::vector<MiningWorthRow> rows;
};

// What the selectors of [mining] would catch of the full softmax on batches of a run's own training data, with the
// network and prototypes of its newest checkpoint: photos drawn evenly and augmented as in training, the network in
// evaluation mode. Rows, for every share: "random", "feature_query", "dominant_queue" with fresh queues of as many
// nearest prototypes as the budget has room for, "dominant_queue (saved)" with the run's own queues, if it has some, and
// once "all".
// Throws Error{kUsage} when a budget is below batch_size, Error{kIo|kFormat|kData} when the run has no checkpoint or
// its data are not what they were.
MiningWorth measure_mining_worth(const std::string& run_dir, const MiningWorthOptions& options);

}  // namespace aface
