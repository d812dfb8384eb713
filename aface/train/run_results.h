#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aface/config/run_config.h"
#include "aface/data/face_dataset.h"
#include "aface/eval/verification.h"
#include "aface/train/checkpoint.h"
#include "aface/train/progress.h"
#include "aface/train/run.h"
#include "aface/train/trainer.h"

namespace aface {

struct RunResults {
  std::optional<VerificationReport> validation;  // the last one
  std::map<std::string, double> last_interval;   // numbers of the last log interval
  std::vector<ScoredStep> scores;                // accuracies of all validations
};

// Whether a finished run has left its results in the folder already.
bool has_run_results(const std::string& run_dir);

// Writes what a finished run leaves behind (see run.h), each file atomically, and says on stdout where it is. `margins`
// [num_identities] of Trainer::all_margins(), `suspects` the sampler's; `ranks` null: alone.
void write_run_results(const RunConfig& config, const RunOptions& options, const FaceDataset& dataset,
                       Trainer& trainer, const at::Tensor& margins, const std::vector<NoiseSuspect>& suspects,
                       const Progress& progress, const RunResults& results, const Communicator* ranks);

}  // namespace aface
