#pragma once

#include <string>
#include <vector>

#include "aface/config/run_config.h"

namespace aface {

// Ranges of single options and rules across options. Throws Error{kUsage} that lists everything wrong, joined
// by
// "; ". Only rules of the parts in use are checked: a mining budget is nobody's business when kind = "all".
void validate(const RunConfig& config);

// Options that decide results and differ: "head.margin_init (0.35 here, 0.4 there)". Empty: a run of `a` may
// be continued under `b`.
std::vector<std::string> result_differences(const RunConfig& a, const RunConfig& b);

}  // namespace aface
