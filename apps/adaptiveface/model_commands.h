#pragma once

#include "apps/adaptiveface/command.h"

namespace aface {

// The parts of the command model.
Command model_info_command();
Command model_upgrade_command();
Command model_calibrate_command();

}  // namespace aface
