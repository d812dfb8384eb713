#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/eval/figure.h"

namespace aface {

// What a comparison needs of a result file of `adaptiveface evaluate` (evaluation_json.h).
struct EvaluationFile {
  std::string path;
  std::string protocol;
  std::vector<std::pair<std::string, std::string>>
      sources;         // other entries that are texts: model, pair list, ...
  std::string people;  // names_digest
  std::uint64_t seed = 0;
  std::int64_t replicates = 0;
  std::vector<Figure> figures;  // in the order of the file

  std::string source(const std::string& name) const;  // "" if there is none
};

// Throws Error{kIo}, or Error{kFormat} naming what is not as evaluation_json.h has it.
EvaluationFile read_evaluation(const std::string& path);

// One figure in two evaluations over the same draws of people.
struct FigureDifference {
  std::string name;
  double a = 0;
  double b = 0;
  double difference = 0;  // b - a
  Interval interval;      // of the difference, taken draw by draw; NaN: too few draws have both values
  double a_better = 0;    // share of the draws with both values in which A is strictly better, and B;
  double b_better = 0;    // the rest are draws
  enum class Better { kHigher, kLower, kNeither };  // kNeither: thresholds; "better" above then means higher
  Better better = Better::kHigher;
};

struct Comparison {
  EvaluationFile a;
  EvaluationFile b;
  std::vector<FigureDifference> differences;                      // in A's order
  std::vector<std::pair<std::string, std::string>> not_compared;  // name and why
};

// The same people, seed and number of draws give the same draws (identity_bootstrap.h). What a draw does to
// both evaluations alike, like a person who is hard for everybody, drops out of the difference, so that its
// interval is mostly narrower than the two intervals suggest. Throws Error{kData}, with the mend, when
// protocol, people, seed or number of draws differ, when there are no draws, and when no figure is common.
Comparison compare_evaluations(EvaluationFile a, EvaluationFile b);

// "B is better", "A is better"; for thresholds "B is higher" or "lower"; "no difference shown" when the
// interval holds 0; "no interval".
std::string verdict(const FigureDifference& difference);

// Shares in percent, thresholds as cosine.
std::string to_table(const Comparison& comparison);
std::string to_json(const Comparison& comparison);

}  // namespace aface
