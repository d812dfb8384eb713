#pragma once

#include "apps/adaptiveface/command.h"

namespace aface {

// Sub-commands of `adaptiveface noise`.
Command noise_flip_command();
Command noise_score_command();

}  // namespace aface
