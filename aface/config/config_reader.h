#pragma once

#include <string>
#include <vector>

#include "aface/config/run_config.h"

namespace aface {

// Defaults, then `files` (TOML) from left to right, then `overrides` ("table.key=value") in order; later
// wins. In an override text needs no quotes; numbers, lists and true/false are written as in TOML.
//
// Throws Error{kUsage} on a syntax error, an unknown table or key, a wrong type or a value outside its range,
// with file, line and column; all problems of a file (or of the overrides) stand in one message, joined by ";
// ". Throws Error{kIo} when a file cannot be read. Rules across options: see validate.h.
RunConfig load_config(const std::vector<std::string>& files, const std::vector<std::string>& overrides);

// The same for text that is already in memory; `place` names it in messages.
RunConfig parse_config(const std::string& text, const std::string& place);

}  // namespace aface
