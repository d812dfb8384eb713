#pragma once

#include <map>
#include <set>
#include <string>

// {name} in the texts of a grid.
namespace aface {

// Replaces {name} by values["name"]; names that are not in `values` stay, so that it can be done in several
// passes.
std::string filled(const std::string& text, const std::map<std::string, std::string>& values);

// The first {name} in `text` that is not in `known`; "" when there is none.
std::string unknown_name(const std::string& text, const std::set<std::string>& known);

// Names consist of these: letters, digits and _.
bool is_name_letter(char c);

}  // namespace aface
