#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/eval/roc.h"
#include "aface/model/model_card.h"

namespace aface {

// What the card says of thresholds that were found on so many pairs. Targets that let pass less than one
// impostor pair cannot be measured and are left out; a threshold above every score is kept as it is.
Calibration calibration_of(const std::string& measured_on, std::int64_t genuine, std::int64_t impostor,
                           const std::vector<TarAtFar>& measured);

}  // namespace aface
