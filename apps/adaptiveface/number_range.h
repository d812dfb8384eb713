#pragma once

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <string>

namespace aface {

// A number from `low` to `high`. CLI::Range lets NaN through, which is neither below nor above.
inline CLI::Validator number_in(double low, double high) {
  const auto problem = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return "";
    return fmt::format("Value {} not in range {:g} to {:g}", text, low, high);
  };
  return CLI::Validator(problem, fmt::format("FLOAT in [{:g} - {:g}]", low, high));
}

}  // namespace aface
