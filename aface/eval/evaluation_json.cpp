#include "aface/eval/evaluation_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "aface/core/check.h"

namespace aface {
namespace {

// The double with the fewest digits that is still read back as this float: half the size of the file.
Json short_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

bool holds_only_scalars(const Json& array) {
  return std::none_of(array.begin(), array.end(), [](const Json& item) { return item.is_structured(); });
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// nlohmann's own indentation puts each number on a line; here lists of numbers stay on one.
void write_indented(const Json& json, int indent, std::string& text) {
  if (!json.is_structured() || json.empty() || (json.is_array() && holds_only_scalars(json))) {
    text += dump(json);
    return;
  }
  const std::string margin(static_cast<std::size_t>(indent) + 2, ' ');
  text += json.is_object() ? "{" : "[";
  const char* separator = "\n";
  for (const auto& [key, value] : json.items()) {
    text += separator + margin;
    if (json.is_object()) text += dump(key) + ": ";
    write_indented(value, indent + 2, text);
    separator = ",\n";
  }
  text += "\n" + std::string(static_cast<std::size_t>(indent), ' ') + (json.is_object() ? "}" : "]");
}

Json named_scores(const std::vector<NamedScore>& pairs) {
  Json list = Json::array();
  for (const NamedScore& pair : pairs) {
    list.push_back({{"a", pair.a}, {"b", pair.b}, {"score", short_number(pair.score)}});
  }
  return list;
}

}  // namespace

void add_figures(Json& json, const std::vector<Figure>& figures, const BootstrapOptions& options,
                 const std::string& people) {
  Json values = Json::object(), draws = Json::object();
  for (const Figure& figure : figures) {
    AFACE_CHECK(!values.contains(figure.name), "two figures named {}", figure.name);
    Json& entry = values[figure.name];
    if (!figure.unmeasurable.empty()) {
      entry["unmeasurable"] = figure.unmeasurable;
      continue;
    }
    AFACE_CHECK(std::isfinite(figure.value), "figure {} is {}", figure.name, figure.value);
    entry["value"] = figure.value;
    if (figure.replicates.empty()) continue;
    AFACE_CHECK(static_cast<std::int64_t>(figure.replicates.size()) == options.replicates,
                "figure {} has {} of {} replicates", figure.name, figure.replicates.size(),
                options.replicates);
    const Interval interval = interval_of(figure);
    if (std::isfinite(interval.low)) {
      entry["low"] = interval.low;
      entry["high"] = interval.high;
    }
    Json& list = draws[figure.name] = Json::array();
    for (const float value : figure.replicates) list.push_back(short_number(value));
  }
  json["figures"] = std::move(values);
  json["bootstrap"] = {{"replicates", options.replicates}, {"seed", options.seed}, {"people", people}};
  json["bootstrap"]["draws"] = std::move(draws);
}

void add_histogram(Json& json, const ScoreHistogram& histogram) {
  json["score_histogram"] = {
      {"low", -1}, {"high", 1}, {"genuine", histogram.genuine}, {"impostor", histogram.impostor}};
}

void add_worst_pairs(Json& json, const std::vector<NamedScore>& genuine,
                     const std::vector<NamedScore>& impostor) {
  json["worst_genuine"] = named_scores(genuine);
  json["worst_impostor"] = named_scores(impostor);
}

void add_roc(Json& json, const std::vector<double>& far, const std::vector<double>& tar) {
  AFACE_CHECK(far.size() == tar.size(), "{} FAR and {} TAR", far.size(), tar.size());
  json["roc"] = Json::array({far, tar});
}

void add_cmc(Json& json, const std::vector<double>& rates) {
  Json ranks = Json::array();
  for (std::size_t rank = 0; rank < rates.size(); ++rank) ranks.push_back(rank);
  json["cmc"] = Json::array({ranks, rates});
}

std::string json_text(const Json& json) {
  std::string text;
  write_indented(json, 0, text);
  return text + "\n";
}

}  // namespace aface
