#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "aface/config/run_config.h"

namespace aface {

// --config and --set, as train and config take them.
struct ConfigFlags {
  std::vector<std::string> files;
  std::vector<std::string> overrides;

  RunConfig load() const;  // throws Error as load_config() does; does not validate()
};

// Declares the flags on `app`; the struct is filled when the command line is parsed.
std::shared_ptr<ConfigFlags> add_config_flags(CLI::App& app);

}  // namespace aface
