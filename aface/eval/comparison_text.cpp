#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/eval/comparison.h"
#include "aface/eval/evaluation_json.h"

namespace aface {
namespace {

using Better = FigureDifference::Better;

std::string value_text(const FigureDifference& of, double value, bool with_sign) {
  const bool is_share = of.better != Better::kNeither;
  const double shown = is_share ? 100 * value : value;
  const int digits = is_share ? 2 : 4;
  return with_sign ? fmt::format("{:+.{}f}", shown, digits) : fmt::format("{:.{}f}", shown, digits);
}

std::string interval_text(const FigureDifference& of) {
  if (std::isnan(of.interval.low)) return "-";
  return fmt::format("[{}, {}]", value_text(of, of.interval.low, true),
                     value_text(of, of.interval.high, true));
}

// The entries in which a file differs from the other: what is being compared.
std::string source_text(const EvaluationFile& file, const EvaluationFile& other) {
  std::string text;
  for (const auto& [name, value] : file.sources) {
    if (other.source(name) != value) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text.empty() ? "" : " (" + text + ")";
}

}  // namespace

std::string to_table(const Comparison& comparison) {
  const EvaluationFile &a = comparison.a, &b = comparison.b;
  std::string text = fmt::format("A: {}{}\nB: {}{}\n", a.path, source_text(a, b), b.path, source_text(b, a));
  text += fmt::format("protocol {}, {} people, {} draws of people (seed {})\n\n", a.protocol,
                      digest_count(a.people), a.replicates, a.seed);

  std::size_t width = 6;
  for (const FigureDifference& row : comparison.differences) width = std::max(width, row.name.size());
  text += fmt::format("{:<{}}{:>10}{:>10}{:>10}{:>21}{:>10}\n", "figure", width, "A", "B", "B - A",
                      "95 % interval", "B better");
  bool has_thresholds = false;
  for (const FigureDifference& row : comparison.differences) {
    const bool is_share = row.better != Better::kNeither;
    has_thresholds = has_thresholds || !is_share;
    const std::string better =
        is_share && !std::isnan(row.b_better) ? fmt::format("{:.1f} %", 100 * row.b_better) : "-";
    text += fmt::format("{:<{}}{:>10}{:>10}{:>10}{:>21}{:>10}  {}\n", row.name, width,
                        value_text(row, row.a, false), value_text(row, row.b, false),
                        value_text(row, row.difference, true), interval_text(row), better, verdict(row));
  }
  text += "\nShares in percent";
  text += has_thresholds ? ", thresholds as cosine; " : "; ";
  text += "B better: share of the draws. Intervals are paired: of the difference under the same draw.\n";
  for (const auto& [name, why] : comparison.not_compared)
    text += fmt::format("not compared: {} ({})\n", name, why);
  return text;
}

std::string to_json(const Comparison& comparison) {
  Json json;
  json["protocol"] = comparison.a.protocol;
  json["a"] = comparison.a.path;
  json["b"] = comparison.b.path;
  json["people"] = comparison.a.people;
  json["replicates"] = comparison.a.replicates;
  json["seed"] = comparison.a.seed;
  json["differences"] = Json::object();
  for (const FigureDifference& row : comparison.differences) {
    Json& entry = json["differences"][row.name];
    entry = {{"a", row.a}, {"b", row.b}, {"difference", row.difference}};
    if (!std::isnan(row.interval.low)) {
      entry["low"] = row.interval.low;
      entry["high"] = row.interval.high;
    }
    if (row.better != Better::kNeither && !std::isnan(row.a_better)) {
      entry["a_better"] = row.a_better;
      entry["b_better"] = row.b_better;
    }
    entry["verdict"] = verdict(row);
  }
  json["not_compared"] = Json::object();
  for (const auto& [name, why] : comparison.not_compared) json["not_compared"][name] = why;
  return json_text(json);
}

}  // namespace aface
