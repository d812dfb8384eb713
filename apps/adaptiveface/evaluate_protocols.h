#pragma once

#include "apps/adaptiveface/command.h"

namespace aface {

// The protocols under `adaptiveface evaluate`, each a command of its own.
Command evaluate_pairs_command();
Command evaluate_blufr_command();
Command evaluate_megaface_command();
Command evaluate_identification_command();

// Two result files of one protocol.
Command evaluate_compare_command();

}  // namespace aface
