#pragma once

#include <cstdint>

#include "aface/config/run_config.h"
#include "aface/data/face_dataset.h"

namespace aface {

class Trainer;

struct WarmStart {
  std::int64_t carried = 0;      // identities whose prototype was taken over by name
  std::int64_t from_means = 0;   // that start at the mean of their embeddings
  std::int64_t random = 0;       // that start as in any run
  std::int64_t left_behind = 0;  // identities of the checkpoint that are not in this run
};

// Before the first step: gives the trainer the network of config.start.from, a model file or a checkpoint,
// and prototypes as config.start.prototypes says. Rows that are carried over are those of the checkpoint to
// the bit, with the steps that they lacked; their learnt margin comes with them if both runs learn margins.
// Means are unit rows (identity_means.h), about as long as the random ones. Everything else starts as in any
// run: momentum, sampling weights, queues, schedule.
//
// Throws Error{kUsage} naming the options that differ when the network is another one, Error{kIo|kFormat} for
// a file that cannot be used, and what identity_means() throws.
WarmStart warm_start(const RunConfig& config, const FaceDataset& dataset, Trainer& trainer);

}  // namespace aface
