#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aface/config/run_config.h"

namespace aface {

// What a training would be like, found out without training. Bytes are of this process.
struct RunPlan {
  // --- counts
  std::int64_t identities = 0;
  std::int64_t images = 0;
  std::int64_t smallest = 0, median = 0, largest = 0;  // images of an identity
  std::int64_t with_one_image = 0;                     // identities
  std::int64_t steps = 0;
  std::int64_t batch_size = 0;
  double batches_per_epoch = 0;
  double epochs = 0;
  std::int64_t parameters = 0;  // of the network

  // --- memory, computed
  double network_bytes = 0;    // weights and gradients
  double optimizer_bytes = 0;  // momentum of the network
  double head_bytes =
      0;  // prototypes, their momentum and when each was last stepped; 0 of it when kept in a file
  double loader_bytes = 0;  // batches ahead, and the data set's labels
  double sampler_bytes = 0;
  double available_bytes = 0;  // on this machine, before anything was made
  double sum_bytes() const {
    return network_bytes + optimizer_bytes + head_bytes + loader_bytes + sampler_bytes;
  }

  // --- measured over a few steps; nothing when the parts above do not fit
  struct Measured {
    std::int64_t steps = 0;  // timed, after some that were not
    double peak_bytes = 0;   // most that was resident, activations and libraries included
    double images_per_s = 0;
    double stall_share = 0;         // of the time, waiting for photos
    double validation_seconds = 0;  // of one validation
    std::int64_t validations = 0;
    double hours = 0;  // of the whole run, validations included
  };
  std::optional<Measured> measured;

  std::vector<std::string> warnings;
};

// Reads the list of photos, makes all parts, takes a few steps on real batches and forgets them. Of photos
// that a run would draw into files first (data.source = "synthetic") a few are drawn, for all. Writes
// nothing, except prototypes kept in a file, for the while, below `scratch_folder`. Throws as training does
// for a configuration or data that it would refuse.
RunPlan plan_run(const RunConfig& config, const std::string& scratch_folder);

std::string plan_text(const RunPlan& plan);
std::string plan_json(const RunPlan& plan);

}  // namespace aface
