#pragma once

#include <CLI/CLI.hpp>

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

}  // namespace aface
