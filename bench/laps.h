#pragma once

#include <map>
#include <string>
#include <vector>

namespace aface::bench {

// Milliseconds of each part of a step.
using Laps = std::map<std::string, double>;

double total(const Laps& laps);
double median(std::vector<double> values);

// "name   12.3 ms [11.9 .. 14.0]  backward 4.5 forward 6.7", medians over the rounds; without a new line.
void print_laps(const std::string& name, const std::vector<Laps>& rounds);

// Round by round, so that what disturbs a round disturbs both. As many rounds of each.
void print_ratio(const std::string& text, const std::vector<Laps>& above, const std::vector<Laps>& below);

}  // namespace aface::bench
