#include "aface/report/evaluation_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/report/json_leaves.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;  // figures keep the order of the file

class PartReader {
 public:
  PartReader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  std::vector<FigureRecord> figures() const {
    std::vector<FigureRecord> figures;
    if (!json_.contains("figures")) return figures;
    const Json& list = json_["figures"];
    require(list.is_object(), "figures", "an object of name: {value, low, high} or {unmeasurable}");
    for (const auto& [name, entry] : list.items()) {
      require(entry.is_object(), "figures", "an object of name: {value, low, high} or {unmeasurable}");
      FigureRecord figure;
      figure.name = name;
      figure.value = number_or_none(entry, "value");
      figure.low = number_or_none(entry, "low");
      figure.high = number_or_none(entry, "high");
      if (entry.contains("unmeasurable") && entry["unmeasurable"].is_string()) {
        figure.unmeasurable = entry["unmeasurable"].get<std::string>();
      }
      require(std::isfinite(figure.value) || !figure.unmeasurable.empty(), "figures",
              "a finite \"value\" or a reason \"unmeasurable\" in each");
      figures.push_back(std::move(figure));
    }
    return figures;
  }

  // "roc" or "cmc": two lists of equal length.
  std::vector<ChartPoint> curve(const char* name) const {
    if (!json_.contains(name)) return {};
    const Json& lists = json_[name];
    require(lists.is_array() && lists.size() == 2, name, "two lists of numbers of equal length");
    const std::vector<double> x = numbers(lists[0], name), y = numbers(lists[1], name);
    require(x.size() == y.size(), name, "two lists of numbers of equal length");
    require(std::is_sorted(x.begin(), x.end()), name, "the first list not to fall");
    std::vector<ChartPoint> points;
    for (std::size_t i = 0; i < x.size(); ++i) points.push_back({x[i], y[i]});
    return points;
  }

  HistogramRecord histogram() const {
    HistogramRecord histogram;
    if (!json_.contains("score_histogram")) return histogram;
    const Json& part = json_["score_histogram"];
    const char* form = "{low, high, genuine: [...], impostor: [...]} with as many counts in both, and low < high";
    require(part.is_object() && part.contains("genuine") && part.contains("impostor"), "score_histogram", form);
    histogram.low = number_or_none(part, "low");
    histogram.high = number_or_none(part, "high");
    histogram.genuine = numbers(part["genuine"], "score_histogram");
    histogram.impostor = numbers(part["impostor"], "score_histogram");
    require(histogram.low < histogram.high && histogram.genuine.size() == histogram.impostor.size(), "score_histogram",
            form);
    return histogram;
  }

  std::vector<PairRecord> pairs(const char* name) const {
    std::vector<PairRecord> pairs;
    if (!json_.contains(name)) return pairs;
    require(json_[name].is_array(), name, "a list of {a, b, score}");
    for (const Json& entry : json_[name]) {
      const bool fits = entry.is_object() && entry.contains("a") && entry["a"].is_string() && entry.contains("b") &&
                        entry["b"].is_string() && std::isfinite(number_or_none(entry, "score"));
      require(fits, name, "a list of {a, b, score}");
      pairs.push_back({entry["a"].get<std::string>(), entry["b"].get<std::string>(), entry["score"].get<double>()});
    }
    return pairs;
  }

 private:
  void require(bool holds, const char* part, const char* expected) const {
    if (holds) return;
    throw Error(ErrorKind::kFormat, fmt::format("{}: \"{}\" has another form (expected {}); write the file again", path_,
                                                part, expected));
  }

  static double number_or_none(const Json& object, const char* key) {
    return object.contains(key) && object[key].is_number() ? object[key].get<double>() : std::nan("");
  }

  std::vector<double> numbers(const Json& list, const char* part) const {
    require(list.is_array(), part, "lists of numbers");
    std::vector<double> values;
    values.reserve(list.size());
    for (const Json& value : list) {
      require(value.is_number(), part, "lists of numbers");
      values.push_back(value.get<double>());
    }
    return values;
  }

  const Json& json_;
  const std::string path_;
};

}  // namespace

std::string EvaluationRecord::text(const std::string& name) const {
  const auto found = std::find_if(texts.begin(), texts.end(), [&](const auto& entry) { return entry.first == name; });
  return found == texts.end() ? "" : found->second;
}

EvaluationRecord read_evaluation_record(const std::string& path) {
  Json json = Json::parse(read_text_file(path), nullptr, false);
  const auto has = [&](const char* name) { return json.is_object() && json.contains(name); };
  if (!has("figures") && !has("roc") && !has("cmc") && !has("score_histogram") && !has("accuracy_mean")) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: no evaluation (expected a JSON object with \"figures\", \"roc\" or "
                                                "\"cmc\"); name a file that evaluate --json wrote, or a run directory",
                                                path));
  }
  const PartReader parts(json, path);
  EvaluationRecord evaluation;
  evaluation.path = path;
  evaluation.figures = parts.figures();
  evaluation.roc = parts.curve("roc");
  evaluation.cmc = parts.curve("cmc");
  for (ChartPoint& point : evaluation.cmc) point.x += 1;  // the file counts ranks from 0
  evaluation.histogram = parts.histogram();
  evaluation.worst_genuine = parts.pairs("worst_genuine");
  evaluation.worst_impostor = parts.pairs("worst_impostor");

  for (const char* shown_elsewhere : {"figures", "bootstrap", "score_histogram"}) json.erase(shown_elsewhere);
  JsonLeaves leaves;
  collect_leaves(json, "", leaves);
  evaluation.numbers = std::move(leaves.numbers);
  evaluation.texts = std::move(leaves.texts);
  return evaluation;
}

}  // namespace aface
