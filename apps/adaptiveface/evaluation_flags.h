#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "aface/core/file.h"
#include "aface/eval/identity_bootstrap.h"
#include "apps/adaptiveface/number_range.h"

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

// Targets of a rate of false alarms, such as --far 1e-3 1e-4.
inline void add_targets_flag(CLI::App& app, const std::string& flag, std::vector<double>& targets,
                             const std::string& text) {
  app.add_option(flag, targets, text)->check(number_in(1e-12, 1.0))->capture_default_str();
}

// --json, checked before anything is computed.
inline void add_json_flag(CLI::App& app, std::string& path, const std::string& text) {
  app.add_option("--json", path, text)
      ->check(CLI::Validator(
          [](const std::string& file) {
            const std::string folder = std::filesystem::path(file).parent_path().string();
            return folder.empty() || folder_exists(folder) ? "" : "there is no folder " + folder;
          },
          "FILE"));
}

}  // namespace aface
