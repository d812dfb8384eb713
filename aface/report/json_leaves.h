#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace aface {

// The single values of a JSON object by path, "data/identities" or "validation/tar_at_far/0.001", in its
// order. Lists are left out.
struct JsonLeaves {
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
};

// For the .cpp files of report only.
inline void collect_leaves(const nlohmann::ordered_json& json, const std::string& prefix,
                           JsonLeaves& leaves) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix.empty() ? key : prefix + "/" + key;
    if (value.is_object()) collect_leaves(value, name, leaves);
    if (value.is_number()) leaves.numbers.emplace_back(name, value.get<double>());
    if (value.is_string()) leaves.texts.emplace_back(name, value.get<std::string>());
  }
}

}  // namespace aface
