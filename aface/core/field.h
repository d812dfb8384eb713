#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace aface {

// What an option means and which values it takes; see describe() beside each *_options.h struct. Read by the TOML
// reader, --set, the writer, the validator and the reference page.
struct FieldInfo {
  std::string doc;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;  // empty: any text
  bool affects_results = true;       // false: only speed, places and logging; may differ on resume

  FieldInfo&& range(double low, double high) && {
    min = low;
    max = high;
    return std::move(*this);
  }
  FieldInfo&& at_least(double low) && {
    min = low;
    return std::move(*this);
  }
  FieldInfo&& choice(std::vector<std::string> names) && {
    choices = std::move(names);
    return std::move(*this);
  }
  FieldInfo&& speed_only() && {
    affects_results = false;
    return std::move(*this);
  }
};

inline FieldInfo doc(std::string text) {
  FieldInfo info;
  info.doc = std::move(text);
  return info;
}

// Beside each options struct stands
//   template <class Visitor> void describe(Visitor& v, FooOptions& o) { v.field("name", o.name, doc("...")); ... }
// Fields are bool, std::int64_t, double, std::string, or std::vector of the last three.

}  // namespace aface
