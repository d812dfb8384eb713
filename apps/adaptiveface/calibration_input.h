#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "aface/model/model_card.h"
#include "aface/quantise/activations.h"

namespace aface {

// Faces that show which values pass through a network.
struct CalibrationFlags {
  std::string faces;  // as open_photos() takes them
  std::string list;
  std::int64_t chips = 256;
};

// --calibration, --calibration-list and --calibration-chips.
void add_calibration_flags(CLI::App& app, CalibrationFlags& flags);

// Adds what `flags.chips` of the faces give, or all where there are fewer, chosen evenly over their order and
// resized as for every other use; returns how many there are to choose from. Throws Error{kIo|kFormat|kData}
// naming a list, folder or face that cannot be read, Error{kNumeric} as Activations::add().
std::int64_t measure_activations(const CalibrationFlags& flags, const ModelCard& card,
                                 Activations& activations);

}  // namespace aface
