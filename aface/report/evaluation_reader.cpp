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

  std::vector<DifferenceRecord> differences() const {
    std::vector<DifferenceRecord> differences;
    if (!json_.contains("differences")) return differences;
    const char* form = "an object of name: {a, b, difference, low, high, verdict}";
    require(json_["differences"].is_object(), "differences", form);
    for (const auto& [name, entry] : json_["differences"].items()) {
      require(entry.is_object(), "differences", form);
      DifferenceRecord row;
      row.difference.name = name;
      row.difference.value = number_or_none(entry, "difference");
      row.difference.low = number_or_none(entry, "low");
      row.difference.high = number_or_none(entry, "high");
      row.a = number_or_none(entry, "a");
      row.b = number_or_none(entry, "b");
      if (entry.contains("verdict") && entry["verdict"].is_string())
        row.verdict = entry["verdict"].get<std::string>();
      require(std::isfinite(row.difference.value) && std::isfinite(row.a) && std::isfinite(row.b),
              "differences", form);
      differences.push_back(std::move(row));
    }
    return differences;
  }

  // The curve at rank 1 of BLUFR's "dir_curve": {far: [...], ranks: [1, ...], mean: [[...], ...]}.
  std::vector<ChartPoint> first_rank_curve() const {
    if (!json_.contains("dir_curve")) return {};
    const Json& part = json_["dir_curve"];
    const char* form = "{far: [...], ranks: [1, ...], mean: [[...], ...]}";
    const bool has_lists =
        part.is_object() && part.contains("far") && part.contains("ranks") && part.contains("mean");
    require(has_lists && part["ranks"].is_array() && part["mean"].is_array() && !part["mean"].empty(),
            "dir_curve", form);
    require(!part["ranks"].empty() && part["ranks"][0] == 1, "dir_curve", form);
    return points_of(part["far"], part["mean"][0], "dir_curve");
  }

  // "roc" or "cmc": two lists of equal length.
  std::vector<ChartPoint> curve(const char* name) const {
    if (!json_.contains(name)) return {};
    const Json& lists = json_[name];
    require(lists.is_array() && lists.size() == 2, name, "two lists of numbers of equal length");
    return points_of(lists[0], lists[1], name);
  }

  HistogramRecord histogram() const {
    HistogramRecord histogram;
    if (!json_.contains("score_histogram")) return histogram;
    const Json& part = json_["score_histogram"];
    const char* form =
        "{low, high, genuine: [...], impostor: [...]} with as many counts in both, and low < high";
    require(part.is_object() && part.contains("genuine") && part.contains("impostor"), "score_histogram",
            form);
    histogram.low = number_or_none(part, "low");
    histogram.high = number_or_none(part, "high");
    histogram.genuine = numbers(part["genuine"], "score_histogram");
    histogram.impostor = numbers(part["impostor"], "score_histogram");
    for (const std::vector<double>* counts : {&histogram.genuine, &histogram.impostor}) {
      for (const double count : *counts) require(count >= 0, "score_histogram", form);
    }
    require(histogram.low < histogram.high && histogram.genuine.size() == histogram.impostor.size(),
            "score_histogram", form);
    return histogram;
  }

  std::vector<PairRecord> pairs(const char* name) const {
    std::vector<PairRecord> pairs;
    if (!json_.contains(name)) return pairs;
    require(json_[name].is_array(), name, "a list of {a, b, score}");
    for (const Json& entry : json_[name]) {
      const bool fits = entry.is_object() && entry.contains("a") && entry["a"].is_string() &&
                        entry.contains("b") && entry["b"].is_string() &&
                        std::isfinite(number_or_none(entry, "score"));
      require(fits, name, "a list of {a, b, score}");
      pairs.push_back(
          {entry["a"].get<std::string>(), entry["b"].get<std::string>(), entry["score"].get<double>()});
    }
    return pairs;
  }

 private:
  void require(bool holds, const char* part, const char* expected) const {
    if (holds) return;
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: \"{}\" has another form (expected {}); write the file again", path_, part,
                            expected));
  }

  // Rates that could not be measured are null, a gap.
  std::vector<ChartPoint> points_of(const Json& first, const Json& second, const char* part) const {
    const std::vector<double> x = numbers(first, part), y = numbers(second, part);
    require(x.size() == y.size(), part, "two lists of numbers of equal length");
    const bool is_finite = std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); });
    require(is_finite && std::is_sorted(x.begin(), x.end()), part,
            "numbers that do not fall in the first list");
    std::vector<ChartPoint> points;
    for (std::size_t i = 0; i < x.size(); ++i) points.push_back({x[i], y[i]});
    return points;
  }

  static double number_or_none(const Json& object, const char* key) {
    return object.contains(key) && object[key].is_number() ? object[key].get<double>() : std::nan("");
  }

  std::vector<double> numbers(const Json& list, const char* part) const {
    require(list.is_array(), part, "lists of numbers");
    std::vector<double> values;
    values.reserve(list.size());
    for (const Json& value : list) {
      require(value.is_number() || value.is_null(), part, "lists of numbers");
      values.push_back(value.is_null() ? std::nan("") : value.get<double>());
    }
    return values;
  }

  const Json& json_;
  const std::string path_;
};

}  // namespace

std::string EvaluationRecord::text(const std::string& name) const {
  const auto found =
      std::find_if(texts.begin(), texts.end(), [&](const auto& entry) { return entry.first == name; });
  return found == texts.end() ? "" : found->second;
}

EvaluationRecord read_evaluation_record(const std::string& path) {
  Json json = Json::parse(read_text_file(path), nullptr, false);
  const auto has = [&](const char* name) { return json.is_object() && json.contains(name); };
  const auto parts_of_ours = {"figures", "roc", "cmc", "score_histogram", "differences", "accuracy_mean"};
  if (std::none_of(parts_of_ours.begin(), parts_of_ours.end(), has)) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: no evaluation (expected a JSON object with \"figures\", \"roc\" or "
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
  evaluation.open_set = parts.first_rank_curve();
  evaluation.differences = parts.differences();
  evaluation.histogram = parts.histogram();
  evaluation.worst_genuine = parts.pairs("worst_genuine");
  evaluation.worst_impostor = parts.pairs("worst_impostor");

  for (const char* shown_elsewhere : {"figures", "bootstrap", "score_histogram", "differences"})
    json.erase(shown_elsewhere);
  JsonLeaves leaves;
  collect_leaves(json, "", leaves);
  for (const auto& [name, value] : leaves.numbers) {
    const bool is_figure =
        std::any_of(evaluation.figures.begin(), evaluation.figures.end(),
                    [&, &name = name](const FigureRecord& figure) { return figure.name == name; });
    if (!is_figure) evaluation.numbers.emplace_back(name, value);
  }
  evaluation.texts = std::move(leaves.texts);
  // An open-set evaluation calls its curve "roc" too: DIR over FPIR.
  if (evaluation.text("protocol") == "identification") std::swap(evaluation.roc, evaluation.open_set);
  return evaluation;
}

}  // namespace aface
