#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/score_summary.h"
#include "aface/eval/verification.h"

namespace aface {

// The parts of an evaluation file that all protocols share. For the .cpp files of eval only.
using Json = nlohmann::ordered_json;

// "figures": name -> {value, low, high} or {unmeasurable}; and "bootstrap": {replicates, seed, people, draws:
// name -> [values]}. low and high are left out where interval_of has none; a draw without a value is null.
// `people` is a digest of the identities in order (names_digest): compare refuses files whose draws were
// made over different people.
void add_figures(Json& json, const std::vector<Figure>& figures, const BootstrapOptions& options,
                 const std::string& people);
// "score_histogram": {low, high, genuine: [...], impostor: [...]}.
void add_histogram(Json& json, const ScoreHistogram& histogram);

// "worst_genuine" (lowest first) and "worst_impostor" (highest first): [{a, b, score}].
void add_worst_pairs(Json& json, const std::vector<NamedScore>& genuine,
                     const std::vector<NamedScore>& impostor);

// "roc": [[far], [tar]] with rising FAR, and "cmc": [[rank counted from 0], [rate]], the form of the MegaFace
// devkit.
void add_roc(Json& json, const std::vector<double>& far, const std::vector<double>& tar);
void add_cmc(Json& json, const std::vector<double>& rates);

// The entries of to_json(VerificationReport).
void add_verification(Json& json, const VerificationReport& report);

// Indented text that keeps every digit, a list of numbers on one line; text that is not UTF-8 is replaced.
std::string json_text(const Json& json);

}  // namespace aface
