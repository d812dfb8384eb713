#pragma once

#include <fmt/core.h>

#include <string>
#include <vector>

#include "aface/core/error.h"

namespace aface {

// One table per kind of part (heads, samplers, selectors, backbones), written out in one function.
template <class Make>
struct RegistryRow {
  std::string name;
  std::string summary;
  Make make;
};

// Finds a row, or throws Error{kUsage} that lists all names. `kind` is for the message: "head".
template <class Make>
const RegistryRow<Make>& find_row(const std::vector<RegistryRow<Make>>& table, const std::string& name,
                                  const std::string& kind) {
  std::string known;
  for (const auto& row : table) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + row.name;
  }
  throw Error(ErrorKind::kUsage, fmt::format("unknown {} '{}'; choose one of: {}", kind, name, known));
}

}  // namespace aface
