#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// Targets of a false alarm rate (FAR, FPIR) from the loosest to the strictest, those that print alike once.
// Throws Error{kUsage} for one that is not in (0, 1].
std::vector<double> checked_targets(std::vector<double> targets);

// "tar_at_far/0.001": the name of a figure at a target.
std::string far_figure_name(const std::string& figure, double far);

// Why a figure at this target cannot be measured with so many impostor pairs (or probes: `what` names them in
// the plural): fewer than one may be accepted, FAR * impostors < 1. Empty when it can be measured.
std::string unmeasurable_far(double far, std::uint64_t impostors, const std::string& what = "impostor pairs");

// 1, 2, ... 9 x 10^l for l = lowest_exponent ... -1, each the nearest double to its decimal.
std::vector<double> decade_grid(int lowest_exponent);

// The points of decade_grid(-12) that so many impostors can measure, and 1.
std::vector<double> measurable_grid(std::uint64_t impostors);

}  // namespace aface
