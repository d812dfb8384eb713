#pragma once

#include <string>

#include "aface/config/run_config.h"
#include "aface/data/face_dataset.h"

namespace aface {

struct TrainingData {
  FaceDataset dataset;
  ValidationOptions validation;  // as given, or the synthetic set's own pairs when none were given
};

// Opens what [data] points at. source = synthetic draws the faces of [synth] into <run_dir>/faces first (or takes
// what is there when it was drawn with the same options); source = drawn puts only the verification set there.
TrainingData open_training_data(const RunConfig& config, const std::string& run_dir, int threads);

}  // namespace aface
