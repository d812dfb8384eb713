#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "aface/eval/identity_bootstrap.h"

namespace aface {

// --bootstrap and --seed, for every protocol that reports intervals.
inline void add_bootstrap_flags(CLI::App& app, BootstrapOptions& options) {
  app.add_option("--bootstrap", options.replicates,
                 "draws of the people behind the 95 % intervals; 0: no intervals")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the draws; evaluations to be compared need the same one")
      ->capture_default_str();
}

// Targets of a rate of false alarms, such as --far 1e-3 1e-4; one given twice counts once.
inline void add_targets_flag(CLI::App& app, const std::string& flag, std::vector<double>& targets,
                             const std::string& text) {
  app.add_option_function<std::vector<double>>(
         flag,
         [&targets](const std::vector<double>& given) {
           targets.clear();
           for (const double target : given) {
             if (std::find(targets.begin(), targets.end(), target) == targets.end())
               targets.push_back(target);
           }
         },
         text)
      ->check(CLI::Range(1e-12, 1.0))
      ->default_str(CLI::detail::to_string(targets));
}

}  // namespace aface
