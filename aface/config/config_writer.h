#pragma once

#include <string>

#include "aface/config/run_config.h"

namespace aface {

enum class TomlStyle {
  kPlain,      // values only, for run directories
  kDocumented  // each option below a comment that says what it does and what it may be
};

// Every option of `config`; load_config() of the text gives the same config back, and the text again.
std::string to_toml(const RunConfig& config, TomlStyle style = TomlStyle::kPlain);

// Markdown page of every option: key, type, default, allowed values, meaning. docs/config.md is this text.
std::string options_reference();

}  // namespace aface
